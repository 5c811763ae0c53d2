import { parseRequest, type RequestRules } from '../../src/execution/request.ts';

export const rules: RequestRules = {
  minimumMemoryMiB: (language) => (language === 'python' ? 128 : 64),
  images: 'any',
};
export const least = { language: 'python', code: 'print(1)' };

export function problems(body: unknown, under: RequestRules = rules): readonly string[] {
  const parsed = parseRequest(body, under);
  return parsed.ok ? [] : parsed.problems.map(({ pointer, message }) => `${pointer}: ${message}`);
}

export function accepted(body: unknown, under: RequestRules = rules) {
  const parsed = parseRequest(body, under);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.submission;
}
