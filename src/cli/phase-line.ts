import type { WriteStream } from 'node:tty';

/** One line on a terminal that says what is going on; on anything else it says nothing. */
export function phaseLine(stream: WriteStream) {
  const visible = stream.isTTY === true;
  let shown = '';
  return {
    visible,
    show: (phase: string): void => {
      if (!visible || phase === shown) return;
      shown = phase;
      stream.write(`\r\x1b[K\x1b[2m${phase}…\x1b[0m`);
    },
    clear: (): void => {
      if (shown !== '') stream.write('\r\x1b[K');
      shown = '';
    },
  };
}
