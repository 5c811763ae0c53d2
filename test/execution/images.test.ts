import { describe, expect, test } from 'vitest';
import { defaultImages, imageProblem, isImageRule } from '../../src/execution/images.ts';

describe('which images a request may name', () => {
  test.each([
    ['ghcr.io/me/tool:1', true],
    ['ghcr.io/me/tool@sha256:0123', true],
    ['ghcr.io/me/', true],
    ['ghcr.io/me/tool:', true],
    ['ghcr.io/me/tool@', true],
    ['ghcr.io/me/tool', false],
    ['localhost:5000/tool', false],
    ['', false],
    ['/tool:1', false],
    ['ghcr.io/me/tool:1 ', false],
    ['ghcr.io/*', false],
  ])('%j as a rule: %s', (rule, isOne) => {
    expect(isImageRule(rule)).toBe(isOne);
  });

  const allowed = ['ghcr.io/me/', 'ghcr.io/you/tool:1'];
  test.each([...Object.values(defaultImages), 'ghcr.io/me/any:2', 'ghcr.io/you/tool:1'])('%s is allowed', (image) => {
    expect(imageProblem(image, allowed)).toBeUndefined();
  });

  test.each(['python', 'ghcr.io/you/tool:12', 'ghcr.io/menace/any:2'])('%s is not, and says what is', (image) => {
    expect(imageProblem(image, allowed)).toMatch(/^is not allowed here; allowed are: .*, ghcr\.io\/me\/, /);
  });

  test('where anything goes, and where there are no images', () => {
    expect(imageProblem('evil.invalid/x:1', 'any')).toBeUndefined();
    expect(imageProblem(defaultImages.python, 'none')).toContain('leave image out');
  });
});
