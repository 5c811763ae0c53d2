import type { Firestore } from '@google-cloud/firestore';
import { UnavailableError } from '../../errors.ts';

/** Status codes of gRPC (https://grpc.io/docs/guides/status-codes/). */
const codes = {
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unavailable: 14,
  unauthenticated: 16,
};

/** How long a call may take; the client itself would try for ten minutes, longer than any caller waits. */
const answerMs = 15_000;

/**
 * Resolves to what a call of the client resolves to. Its errors become ones that say in a sentence what is wrong and
 * how to cure it; one that no operator can cure stays as it is. A call that was given up may still be done.
 */
export async function answered<R>({ databaseId }: Firestore, call: Promise<R>, limitMs = answerMs): Promise<R> {
  const late = Promise.withResolvers<never>();
  const silence = `no answer within ${limitMs / 1000} s`;
  const timer = setTimeout(() => late.reject(new UnavailableError(unreachable(databaseId, silence))), limitMs);
  try {
    return await Promise.race([call, late.promise]);
  } catch (error) {
    throw explain(error, databaseId);
  } finally {
    clearTimeout(timer);
  }
}

/** The document is not as the write presumed, or others wrote it at the same moment. */
export function isConflict(error: unknown): boolean {
  const conflicts: unknown[] = [codes.notFound, codes.alreadyExists, codes.failedPrecondition, codes.aborted];
  return conflicts.includes(codeOf(error));
}

/** Says in one sentence what is wrong with the database and how to cure it; any other error stays as it is. */
export function explain(error: unknown, database: string): unknown {
  const sentence = error instanceof Error ? sentenceFor(error, database) : undefined;
  return sentence === undefined ? error : new UnavailableError(sentence, { cause: error });
}

function sentenceFor(error: Error, database: string): string | undefined {
  const message = error.message.replace(/^\d+ [A-Z_]+: /, '');
  switch (codeOf(error)) {
    case codes.deadlineExceeded:
    case codes.unavailable:
      return unreachable(database, message);
    case codes.permissionDenied:
      return forbidden(database, message);
    case codes.unauthenticated:
      return `Firestore does not accept the credentials (${message}): renew them, or deploy with a service account`;
    case codes.resourceExhausted:
      return `the Firestore database ${database} is out of quota (${message}): wait, or raise the quota`;
    case codes.notFound:
      if (!/database.* does not exist/i.test(message)) return undefined;
      return `there is no Firestore database ${database}: make it with "gcloud firestore databases create --database=${database} --location=LOCATION", or name another`;
    case codes.failedPrecondition:
      return unprepared(database, message);
    case undefined:
      if (!/default credentials|Unable to detect a Project Id/i.test(message)) return undefined;
      return `there are no Google Cloud credentials: run "gcloud auth application-default login", or deploy with a service account`;
    default:
      return undefined;
  }
}

function unreachable(database: string, why: string): string {
  return `cannot reach the Firestore database ${database} (${why}): try again; what was asked may have been done`;
}

function forbidden(database: string, message: string): string {
  if (/has not been used|is disabled/.test(message)) {
    return `the Firestore API is not enabled (${message}): run "gcloud services enable firestore.googleapis.com"`;
  }
  return `no right to use the Firestore database ${database} (${message}): grant this identity roles/datastore.user`;
}

function unprepared(database: string, message: string): string | undefined {
  if (/\bindex\b/.test(message)) {
    return `the Firestore database ${database} lacks an index (${message}): create those of terraform/firestore.indexes.json and wait until they are built`;
  }
  if (/datastore mode/i.test(message)) {
    return `the Firestore database ${database} is in Datastore mode: use one in native mode`;
  }
  return undefined;
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
