import { createHash } from 'node:crypto';
import { sizes } from '../../src/execution/limits.ts';
import { type Ending, everywhere, failed, memoryLimit, type Program, succeeded, timedOut, within } from './program.ts';

const quick = within(6);
const refusedRequest: readonly Ending[] = [{ state: 'REFUSED' }];

/** Source that would say something else in every format that it must never be put into. */
const injecting = [
  '\ufeff# }}"}]}\'"\'"\' $(touch /tmp/x) `id` {{ 7 * 7 }} \u0024{process.env} <%= 1 %> %s %n \\u0000 \\\r',
  'import hashlib # \u2028\u2029 ---\r',
  '"""\r',
  'apiVersion: v1\r',
  'kind: Pod\r',
  '- &anchor !!python/object/apply:os.system ["id"]\r',
  'EOF\r',
  '"""\r',
  'print(hashlib.sha256(open(__file__, "rb").read()).hexdigest())\r',
  '',
].join('\n');

/** A program of that many bytes, nearly all of them one line of a comment. */
function sized(bytes: number, filler = 'x'): string {
  const end = '\nprint("big")';
  const room = bytes - end.length - 1;
  const width = Buffer.byteLength(filler);
  return `#${filler.repeat(Math.floor(room / width))}${'x'.repeat(room % width)}${end}`;
}

const big = (name: string, code: string, endings: readonly Ending[]): Program => ({
  ...{ threat: 47, name, language: 'python', code },
  expected: everywhere({ endings, ...(endings === succeeded ? { stdout: { is: 'big\n' } } : {}), ...quick }),
});

/** Programs whose text is the attack. */
export const sourcePrograms: readonly Program[] = [
  {
    threat: 60,
    name: 'an environment that starts the supervisor again',
    language: 'python',
    code: 'print("begun")',
    request: { timeoutSeconds: 3, env: { PYTHONPATH: '/execution', PYTHONINSPECT: '1', LD_PRELOAD: '/work/none.so' } },
    expected: {
      kubernetes: { endings: [...succeeded, ...failed(1), ...memoryLimit, ...timedOut], ...within(12) },
      wasm: { endings: succeeded, stdout: { is: 'begun\n' }, ...quick },
    },
  },
  {
    threat: 60,
    name: 'an environment that leads Node.js elsewhere',
    language: 'javascript',
    code: 'console.log("begun")',
    request: { env: { NODE_OPTIONS: '--require=/execution/supervisor.mjs --inspect', NODE_PATH: '/execution' } },
    expected: {
      kubernetes: { endings: [...succeeded, ...failed(1), ...failed(9), ...failed(125)], ...quick },
      wasm: { endings: succeeded, stdout: { is: 'begun\n' }, ...quick },
    },
  },
  {
    threat: 46,
    name: 'source with a NUL in it',
    language: 'python',
    code: 'print("never")\0',
    expected: everywhere({ endings: refusedRequest, ...quick }),
  },
  {
    threat: 46,
    name: 'source with half a character in it',
    language: 'javascript',
    code: 'console.log("\ud800")',
    expected: everywhere({ endings: refusedRequest, ...quick }),
  },
  {
    threat: 46,
    name: 'source that injects into YAML, JSON, shell and templates',
    language: 'python',
    code: injecting,
    expected: everywhere({
      endings: succeeded,
      stdout: { is: `${createHash('sha256').update(injecting).digest('hex')}\n` },
      ...quick,
    }),
  },
  big('source one byte below the largest size', sized(sizes.bundleBytes - 1), succeeded),
  big('source of the largest size', sized(sizes.bundleBytes), succeeded),
  big('source of the largest size, of characters of two bytes', sized(sizes.bundleBytes, 'é'), succeeded),
  big('source one byte over the largest size', sized(sizes.bundleBytes + 1), refusedRequest),
  big('source over the largest size by the bytes of its characters', sized(sizes.bundleBytes + 1, 'é'), refusedRequest),
  {
    threat: 48,
    name: 'a syntax error',
    language: 'python',
    code: 'print("never"',
    expected: everywhere({ endings: failed(1), stdout: { is: '' }, stderr: { like: [/SyntaxError/] }, ...quick }),
  },
  {
    threat: 48,
    name: 'a syntax error in JavaScript',
    language: 'javascript',
    code: 'console.log("never"',
    expected: everywhere({ endings: failed(1), stdout: { is: '' }, stderr: { like: [/SyntaxError/] }, ...quick }),
  },
  {
    threat: 48,
    name: 'an empty program',
    language: 'python',
    code: '',
    expected: everywhere({ endings: succeeded, stdout: { is: '' }, stderr: { is: '' }, ...quick }),
  },
  {
    threat: 48,
    name: 'a missing module',
    language: 'python',
    code: 'import no_such_module',
    expected: everywhere({ endings: failed(1), stderr: { like: [/ModuleNotFoundError/] }, ...quick }),
  },
  {
    threat: 48,
    name: 'bytes that are no program',
    language: 'javascript',
    code: '\u007fELF\u0002\u0001\u0001',
    expected: everywhere({ endings: failed(1), stdout: { is: '' }, stderr: { like: [/SyntaxError/] }, ...quick }),
  },
];
