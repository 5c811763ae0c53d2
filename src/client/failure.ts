import { UnavailableError } from '../errors.ts';

/** Why there was no answer. */
export interface Failure {
  readonly error: UnavailableError;
  /** Asking again later may help. */
  readonly curable: boolean;
  /** Nothing listens there. */
  readonly refused: boolean;
}

/** Says in one sentence why `fetch` failed, and what to do about it; an error that says so itself is left as it is. */
export function explainFailure(error: unknown, origin: string): Failure {
  if (error instanceof UnavailableError) return { error, curable: false, refused: false };
  const code = codeOf(error);
  const sentence = sentenceFor(code, error);
  return {
    error: new UnavailableError(`cannot reach ${origin}: ${sentence}`, { cause: error }),
    curable: !incurable.test(code),
    refused: code === 'ECONNREFUSED',
  };
}

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/;
const protocolCodes = /^(ERR_SSL_|EPROTO|HPE_)/;
const incurable = new RegExp(`${certificateCodes.source}|${protocolCodes.source}|^ENOTFOUND$|^ERR_INVALID|^bad port$`);

const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; start it with gke-code-executor serve, or check the address',
  ENOTFOUND: 'there is no host of that name; check the address',
  'bad port': 'no browser and no fetch goes to that port, which belongs to another protocol; serve on another',
  TimeoutError: 'it did not answer in time; check that the address is right and the server not overloaded',
};

function sentenceFor(code: string, error: unknown): string {
  const known = sentences[code];
  if (known !== undefined) return known;
  if (certificateCodes.test(code)) {
    return `its certificate cannot be trusted (${code}); set NODE_EXTRA_CA_CERTS to the file of its authority`;
  }
  if (protocolCodes.test(code)) return 'it speaks another protocol; check http:// against https:// and the port';
  return `the connection was lost (${code || messageOf(error)}); try again`;
}

/** `fetch` hides the reason below one or two causes; names serve where there is no code. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error.cause !== undefined) return codeOf(error.cause);
  if (error.name === 'TimeoutError') return error.name;
  return error.message === 'bad port' ? error.message : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
