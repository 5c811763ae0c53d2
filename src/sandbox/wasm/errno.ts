/** WASI preview 1 error numbers (`errno` in the witx file), with the names that POSIX programs know. */
export const errno = {
  SUCCESS: 0,
  ACCES: 2,
  BADF: 8,
  BUSY: 10,
  EXIST: 20,
  FAULT: 21,
  FBIG: 22,
  ILSEQ: 25,
  INVAL: 28,
  ISDIR: 31,
  MFILE: 33,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOMEM: 48,
  NOSPC: 51,
  NOSYS: 52,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSOCK: 57,
  NOTSUP: 58,
  PERM: 63,
  SPIPE: 70,
} as const;

export type ErrnoName = keyof typeof errno;

/** What a system call answers instead of a result. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: ErrnoName;
  constructor(code: ErrnoName) {
    super(`E${code}`);
    this.code = code;
  }
}
