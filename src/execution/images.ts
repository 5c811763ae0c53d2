import type { Language } from './execution.ts';

/** Images that run a language unless a request names its own; they are always allowed. */
export const defaultImages: Readonly<Record<Language, string>> = {
  python: 'python:3.11-slim',
  javascript: 'node:24-slim',
  typescript: 'node:24-slim',
  shell: 'python:3.11-slim',
};

/** Which images a request may name: none, any, or the default ones and these, each whole or the beginning of a name. */
export type AllowedImages = 'none' | 'any' | readonly string[];

/**
 * What may stand among them: an image with its tag or digest, or a beginning that ends in `/`, `:` or `@`, since a bare
 * repository would allow every repository whose name goes on. The admission policies read them alike.
 */
export function isImageRule(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/.test(text) && (isBeginning(text) || /[:@][^/]*$/.test(text));
}

/** What is wrong with an image, as half a sentence; undefined when nothing is. */
export function imageProblem(image: string, allowed: AllowedImages): string | undefined {
  if (allowed === 'any') return undefined;
  if (allowed === 'none') return 'this sandbox has no container images; leave image out';
  const known = [...new Set([...Object.values(defaultImages), ...allowed])];
  const isAllowed = known.some((rule) => image === rule || (isBeginning(rule) && image.startsWith(rule)));
  return isAllowed ? undefined : `is not allowed here; allowed are: ${known.join(', ')}`;
}

function isBeginning(rule: string): boolean {
  return /[/:@]$/.test(rule);
}
