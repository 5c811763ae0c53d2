import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends exactly these pieces, each after its pause in milliseconds, and reads until the server hangs up. */
export async function raw(url: URL, ...pieces: readonly (string | number)[]): Promise<RawAnswer[]> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  let received = '';
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
  });
  socket.on('error', () => {
    // A server may cut the connection of a client that goes on sending; what it said before counts.
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    if (typeof piece === 'number') await sleep(piece);
    else if (socket.writable) socket.write(piece, 'latin1');
  }
  await closed;
  return parse(received);
}

/** A request as text, to localhost unless it names another host. */
export function request(line: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const all = { host: 'localhost', connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

function parse(received: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = received; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    const [line = '', ...fields] = rest.slice(0, end).split('\r\n');
    const status = Number(line.split(' ')[1]);
    const headers = new Headers(
      fields.map((field): [string, string] => [field.split(':', 1).join(), field.slice(field.indexOf(':') + 1)]),
    );
    const length = Number(headers.get('content-length') ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (status >= 200) answers.push({ status, headers, body });
    rest = end === -1 ? '' : rest.slice(end + 4 + length);
  }
  return answers;
}
