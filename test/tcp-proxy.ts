import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, and can lose what goes through. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** From now on questions pass and answers do not. */
  swallowAnswers(): void;
  /** Breaks every connection; those that come after are whole again, and lead to another target when one is given. */
  cut(target?: string): void;
  /** Breaks every connection and refuses new ones, as a server that died would. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
}

export async function startTcpProxy(firstTarget: string): Promise<TcpProxy> {
  let target = firstTarget;
  let swallowing = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(addressOf(target));
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (!swallowing) client.write(bytes);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const host = hostOf(server);
  const cut = (nextTarget = target) => {
    target = nextTarget;
    swallowing = false;
    for (const socket of sockets) socket.destroy();
  };
  const goDown = async () => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  return {
    host,
    cut,
    goDown,
    swallowAnswers: () => {
      swallowing = true;
    },
    comeBack: async () => void (await once(server.listen(addressOf(host)), 'listening')),
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await goDown();
    },
  };
}

/** `127.0.0.1:port` of a server that listens. */
export function hostOf(server: Pick<Server, 'address'>): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

function addressOf(address: string) {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}
