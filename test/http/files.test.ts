import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Embedded } from '../../src/embedded.ts';
import { type Resource, resourceSchema } from '../../src/resource.ts';
import { problemIn } from './problems.ts';
import { hello, place, post, type Served, serve } from './serving.ts';

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
const left = [
  { path: 'out/ü (1).bin', bytes },
  { path: 'out/a.csv', bytes: new TextEncoder().encode('a,é\n') },
  { path: '.results.jsonl', bytes: new TextEncoder().encode('{"text/html": "<b>1</b>"}\nwords\n') },
  { path: 'other', bytes: new Uint8Array() },
];

let embedded: Embedded;
let server: Served;
beforeAll(async () => {
  embedded = await place({ hello: { files: left } }).start();
  server = await serve(embedded.executor);
});
afterAll(async () => {
  await server.close();
  await embedded.close();
});

const at = (path: string) => new URL(path, server.url);
const resourceIn = async (response: Response): Promise<Resource> => resourceSchema.parse(await response.json());
const run = async () => resourceIn(await post(at('/v1/executions'), { ...hello, ...fields }, { prefer: 'wait=20' }));
const fields = { files: [{ path: 'in/a', content: 'secret input' }], outputFiles: ['out/*'] };

describe('the files that a program leaves', () => {
  test('are named by the execution, and come with it when they are asked for', async () => {
    const { id } = await run();
    const plain = await resourceIn(await fetch(at(`/v1/executions/${id}`)));
    const results = { path: '.results.jsonl', bytes: 32 };
    const listed = [
      { path: 'out/a.csv', bytes: 5 },
      { path: 'out/ü (1).bin', bytes: 256 },
    ];
    expect(plain).toMatchObject({ files: [{ path: 'in/a', bytes: 12 }], outputFiles: ['out/*'] });
    expect(plain.result).toMatchObject({ files: [results, ...listed], omittedFiles: 0 });
    const whole = await fetch(at(`/v1/executions/${id}?include=output`));
    const base64 = Buffer.from(bytes).toString('base64');
    const { result } = await resourceIn(whole);
    expect(result?.results).toEqual([{ 'text/html': '<b>1</b>' }, { 'text/plain': 'words' }]);
    expect(result?.files.slice(1)).toEqual([
      { ...listed[0], text: 'a,é\n' },
      { ...listed[1], base64 },
    ]);
  });

  test('are downloads, byte for byte, whatever they are called', async () => {
    const { id } = await run();
    const response = await fetch(at(`/v1/executions/${id}/files/out/${encodeURIComponent('ü (1).bin')}`));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '256',
      'content-disposition': "attachment; filename*=UTF-8''%C3%BC%20%281%29.bin",
      'x-content-type-options': 'nosniff',
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  test.each(['other', 'in/a', 'out', 'out/', 'out//a.csv', '..%2f..%2fetc%2fpasswd', 'out/a.csv%00'])(
    'are none at %s',
    async (path) => {
      const { id } = await run();
      await problemIn(await fetch(at(`/v1/executions/${id}/files/${path}`)), 404, 'unknown-file');
    },
  );

  test('are none of an execution that nobody knows', async () => {
    const response = await fetch(at(`/v1/executions/${'a'.repeat(26)}/files/out/a.csv`));
    await problemIn(response, 404, 'unknown-execution');
  });
});
