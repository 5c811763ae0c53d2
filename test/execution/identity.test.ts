import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  base32,
  executionId,
  executionIdBytes,
  executionIdPattern,
  installationIdBytes,
  jobName,
} from '../../src/execution/identity.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('base32', () => {
  test.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('encodes %j as RFC 4648 §10 does, in lower case and without padding', (text, encoded) => {
    expect(base32(bytes(text))).toBe(encoded);
  });

  test('gives different texts to different bytes', () => {
    const pair = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expect(base32(a) === base32(b)).toBe(Buffer.from(a).equals(b));
      }),
    );
  });
});

describe('names', () => {
  const seed = fc.uint8Array({ minLength: executionIdBytes, maxLength: 64 });
  const installation = fc.uint8Array({ minLength: installationIdBytes, maxLength: installationIdBytes }).map(base32);

  test('an execution id is 26 characters of its first 16 bytes', () => {
    fc.assert(
      fc.property(seed, (random) => {
        expect(executionId(random)).toMatch(executionIdPattern);
        expect(executionId(random)).toBe(executionId(random.slice(0, executionIdBytes)));
      }),
    );
  });

  test.each(['', 'a'.repeat(25), 'a'.repeat(27), 'A'.repeat(26), `${'a'.repeat(25)}1`, `${'a'.repeat(26)}\n`])(
    'an execution id is not %j',
    (text) => {
      expect(text).not.toMatch(executionIdPattern);
    },
  );

  test('a Job name is a DNS label with room for the suffix of a pod, and always the same', () => {
    fc.assert(
      fc.property(installation, seed, (own, random) => {
        const name = jobName(own, executionId(random));
        expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
        expect(`${name}-12345`.length).toBeLessThanOrEqual(63);
        expect(name).toHaveLength(39);
        expect(jobName(own, executionId(random))).toBe(name);
      }),
    );
  });

  test('Job names of different installations or executions differ', () => {
    fc.assert(
      fc.property(fc.tuple(installation, seed), fc.tuple(installation, seed), ([i, a], [j, b]) => {
        const same = i === j && executionId(a) === executionId(b);
        expect(jobName(i, executionId(a)) === jobName(j, executionId(b))).toBe(same);
      }),
    );
  });
});
