import { ProblemError } from './problem.ts';

/** No request that we know nests deeper than three. */
const maximumDepth = 32;

/** Parses JSON that every parser reads alike: no name twice, no `__proto__`, no deep nesting. Throws a 400 problem. */
export function parseStrictJson(text: string): unknown {
  const value = parse(text);
  const fault = findAmbiguity(text);
  if (fault !== undefined) throw new ProblemError('malformed-request', fault);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The engine's message may quote the body, which is somebody's code.
    const place = /\(line (\d+) column (\d+)\)/.exec(error.message);
    const where = place === null ? '' : `: look at line ${place[1]}, column ${place[2]}`;
    throw new ProblemError('malformed-request', `the body is not valid JSON${where}`);
  }
}

/** Walks the tokens of valid JSON; a sentence about the first thing that parsers disagree on. */
function findAmbiguity(text: string): string | undefined {
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      const fault = isName(text, end) ? checkName(text.slice(at, end), open.at(-1)) : undefined;
      if (fault !== undefined) return fault;
      at = end - 1;
    }
    if (open.length > maximumDepth) return `the body nests deeper than ${maximumDepth} levels`;
  }
  return undefined;
}

/** The index after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

function isName(text: string, end: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = end;
  return colon.test(text);
}

function checkName(token: string, names: Set<string> | null | undefined): string | undefined {
  const name = String(JSON.parse(token));
  if (name === '__proto__') return 'the body has a member named __proto__';
  // Not quoted in the message: a name may be as long as the body.
  if (names?.has(name)) return 'the body gives one member twice in the same object';
  names?.add(name);
  return undefined;
}
