import type { Socket } from 'node:net';
import { z } from 'zod';
import { parsedJson } from '../../json.ts';
import { endings } from './program.ts';

/** The two things a child says, one line each: that it is ready, and how its program ended. */
const messageSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({
    ending: z.enum(endings),
    exitCode: z.int(),
    stdoutBytes: z.int(),
    stderrBytes: z.int(),
    omittedFiles: z.int(),
  }),
]);
export type Report = Readonly<Exclude<z.infer<typeof messageSchema>, { ready: true }>>;

/** No line is longer; a child that sends more is not ours any more. */
const maxLineBytes = 1_024;

/** Reads what the child says. Anything that cannot be read counts as not said, and the last line may be cut off. */
export function controlMessages(control: Socket) {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  let report: Report | undefined;
  let rest = '';

  function read(line: string) {
    const message = messageSchema.safeParse(parsedJson(line)).data;
    if (message === undefined) return;
    if ('ready' in message) resolve();
    else report ??= message;
  }

  control.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLineBytes);
    for (const line of lines) read(line);
  });
  return { ready, report: () => report };
}
