import type { z } from 'zod';
import {
  ExecutionGoneError,
  ExecutionOpenError,
  IdempotencyConflictError,
  InvalidRequestError,
  UnavailableError,
} from '../errors.ts';
import { type ProblemDocument, type ProblemKind, problemSchema, problemType } from '../http/problem.ts';
import { parsedJson } from '../json.ts';
import type { Answer } from './transport.ts';

/** The body of a success; throws the error that any other answer stands for. */
export function parseAnswer<S extends z.ZodType>(answer: Answer, schema: S): z.infer<S> {
  if (answer.status !== 200 && answer.status !== 202) throw toError(answer);
  const parsed = schema.safeParse(jsonIn(answer));
  if (!parsed.success) throw notOurs(answer);
  return parsed.data;
}

/** Whether the server, and not something in front of it, says that there is no such execution. */
export function isUnknown(answer: Answer): boolean {
  return isKind(problemIn(answer), 'unknown-execution');
}

/** Whether the server says that the execution was deleted. */
export function isGone(answer: Answer): boolean {
  return isKind(problemIn(answer), 'gone');
}

/** The error of an answer that is no success, as the embedded executor would throw it where there is such a one. */
export function toError(answer: Answer): Error {
  const problem = problemIn(answer);
  if (problem === undefined) return notOurs(answer);
  if (isKind(problem, 'idempotency-conflict')) return new IdempotencyConflictError(problem.executionId ?? 'unknown');
  if (isKind(problem, 'gone')) return new ExecutionGoneError(problem.executionId ?? 'unknown');
  if (isKind(problem, 'execution-open')) return new ExecutionOpenError(problem.executionId ?? 'unknown');
  if (isKind(problem, 'unauthorized')) {
    return new UnavailableError(`${answer.server} wants its API key: ${problem.detail}`);
  }
  if (isKind(problem, 'invalid-request') || isKind(problem, 'malformed-request')) return toInvalid(problem);
  if (isKind(problem, 'body-too-large')) return new InvalidRequestError([{ pointer: '', message: problem.detail }]);
  return new UnavailableError(`${answer.server} answers ${problem.status}: ${problem.detail} (${problem.instance})`);
}

function toInvalid({ errors, detail }: ProblemDocument): InvalidRequestError {
  if (errors === undefined) return new InvalidRequestError([{ pointer: '', message: detail }]);
  return new InvalidRequestError(
    errors.map(({ pointer, parameter, header, detail: message }) => ({
      pointer: pointer ?? `/${parameter ?? header ?? ''}`,
      message,
    })),
  );
}

function isKind(problem: ProblemDocument | undefined, kind: ProblemKind): boolean {
  return problem?.type === problemType(kind);
}

function problemIn(answer: Answer): ProblemDocument | undefined {
  if (answer.type !== 'application/problem+json') return undefined;
  return problemSchema.safeParse(jsonIn(answer)).data;
}

function jsonIn({ type, bytes }: Answer): unknown {
  if (type !== 'application/json' && type !== 'application/problem+json') return undefined;
  return parsedJson(new TextDecoder().decode(bytes));
}

function notOurs({ server, status, type, headers }: Answer): UnavailableError {
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null) {
    return new UnavailableError(`${server} redirects to ${location}: give the address that answers by itself`);
  }
  const what = type === '' ? `HTTP ${status}` : `HTTP ${status}, ${type}`;
  return new UnavailableError(`${server} does not answer as gke-code-executor does (${what}): check the address`);
}
