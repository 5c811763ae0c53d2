import { expect } from 'vitest';
import { type ProblemDocument, type ProblemKind, problemSchema, problemType } from '../../src/http/problem.ts';

/** Reads an answer that must be a problem of that kind, and gives away nothing of the server's inside. */
export async function problemIn(response: Response, status: number, kind: ProblemKind): Promise<ProblemDocument> {
  const text = await response.text();
  expect({ status: response.status, type: response.headers.get('content-type') }, text).toEqual({
    status,
    type: 'application/problem+json',
  });
  return checkProblem(text, status, kind);
}

/** The same for a body that came without `fetch`. */
export function checkProblem(text: string, status: number, kind: ProblemKind): ProblemDocument {
  expect(text).not.toMatch(/node:|\.ts\b|\bat .*:\d+:\d+|node_modules|Error:/);
  const problem = problemSchema.parse(JSON.parse(text));
  expect(problem).toMatchObject({ type: problemType(kind), status });
  expect(problem.instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  return problem;
}
