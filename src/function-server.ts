import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type RequestListener, Server } from 'node:http';
import { http } from '@google-cloud/functions-framework';

/**
 * Registers the one function of this process with the functions framework, and answers in the framework's place: its own
 * handler reads, inflates and parses a body of up to 1 GiB before it calls anybody, whoever sent it, and has no option
 * for that. The framework goes on to load the function, to listen and to end the process.
 */
export function registerFunction(name: string, listener: RequestListener): void {
  http(name, listener);
  onceListening((server) => server.removeAllListeners('request').on('request', listener));
}

/** Node announces here a server that is told to listen, before it can be reached: https://nodejs.org/api/diagnostics_channel.html */
const announcement = 'tracing:net.server.listen:asyncStart';

/** The framework makes its server when the function is loaded, and so this is the first one from now on. */
function onceListening(take: (server: Server) => void): void {
  const hear = (message: unknown) => {
    const server = typeof message === 'object' && message !== null && 'server' in message ? message.server : undefined;
    if (!(server instanceof Server)) return;
    unsubscribe(announcement, hear);
    take(server);
  };
  subscribe(announcement, hear);
}
