import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseResults } from '../src/results.ts';

const parsed = (text: string) => parseResults(new TextEncoder().encode(text));

test('each line is a MIME bundle, as Jupyter has it', () => {
  const table = { 'text/html': '<b>1</b>', 'text/plain': '1' };
  const chart = { 'image/png': 'iVBORw==', 'application/vnd.vegalite.v5+json': { mark: 'bar' } };
  const text = `${JSON.stringify(table)}\n\r\n${JSON.stringify(chart)}\n{"application/json": null}`;
  expect(parsed(text)).toEqual([table, chart, { 'application/json': null }]);
});

test.each(['{', '[]', '{}', 'null', '"text"', '{"png": ""}', '{"text/html": 5}', '{"Text/Html": ""}', 'plain words'])(
  'a line that is none is shown as what it is: %s',
  (line) => {
    expect(parsed(`${line}\n`)).toEqual([{ 'text/plain': line }]);
  },
);

test('there are no more than 256, whatever is in them', () => {
  expect(parsed('{"text/plain":"x"}\n'.repeat(300))).toHaveLength(256);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => parseResults(bytes).length <= 256));
});
