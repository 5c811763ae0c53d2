import { mainFiles } from '../execution/files.ts';

/** Where a part of a bundle lies. */
interface Part {
  readonly kind: string;
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Seconds over its limit that a bare program may run: the kubelet's clock starts later than its own, in whole seconds. */
const lateSeconds = 1;

/**
 * The ConfigMap's `bare.sh`, by which `start.sh` finds its way in the bundle where no supervisor can run: numbers only,
 * so that it stays small whatever the program gets.
 */
export function bareScript(bundle: Uint8Array): string {
  const parts = partsOf(Buffer.from(bundle));
  const linesOf = (kind: string, line: (part: Part) => string) => parts.filter((part) => part.kind === kind).map(line);
  const argument = ({ start, bytes }: Part) => `value ${start + 1} ${bytes.length}; set -- "$@" "$value"`;
  return [
    ...linesOf('kernel', ({ bytes }) => `case $kernel in ${bytes}*) ;; *) exit 125 ;; esac`),
    ...linesOf('timeout', ({ bytes }) => `limit=${Math.ceil(Number(bytes) / 1000) + lateSeconds}`),
    ...linesOf('file', ({ start, bytes }) => {
      const end = bytes.indexOf(0);
      const path = `value ${start + 1} ${end}; value=./$value`;
      return `${path}; place ${start + end + 2} ${bytes.length - end - 1}`;
    }),
    ': >.stdin',
    ...linesOf('stdin', ({ start, bytes }) => `value=./.stdin; place ${start + 1} ${bytes.length}`),
    ...linesOf('code', ({ start, bytes }) => `value=./${mainFiles.shell}; place ${start + 1} ${bytes.length}`),
    ...linesOf('env', argument),
    `set -- "$@" sh ./${mainFiles.shell}`,
    ...linesOf('arg', argument),
    '',
  ].join('\n');
}

function partsOf(bundle: Buffer): readonly Part[] {
  const parts: Part[] = [];
  for (let at = bundle.indexOf('\n') + 1; at < bundle.length; ) {
    const start = bundle.indexOf('\n', at) + 1;
    const [kind = '', length] = bundle.toString('latin1', at, start).trimEnd().split(' ');
    const bytes = bundle.subarray(start, start + Number(length));
    parts.push({ kind, start, bytes });
    at = start + bytes.length + 1;
  }
  return parts;
}
