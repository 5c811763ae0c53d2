/** Bytes at the end of standard error that are looked at: an uncaught error is the last thing a program says. */
const tailBytes = 4096;

/** Python's and Node.js's words for a module that is not there. */
const patterns = [
  /^ModuleNotFoundError: No module named '([A-Za-z0-9_.-]{1,100})'/gm,
  /^Error(?: \[ERR_MODULE_NOT_FOUND\])?: Cannot find (?:module|package) '([A-Za-z0-9_.@/-]{1,100})'/gm,
];

/** The module that a program died for want of, if its standard error ends as such a death does. */
export function missingModule(stderr: Uint8Array): string | null {
  const tail = new TextDecoder().decode(stderr.subarray(-tailBytes));
  for (const pattern of patterns) {
    const last = Array.from(tail.matchAll(pattern)).at(-1)?.[1];
    if (last !== undefined) return last;
  }
  return null;
}
