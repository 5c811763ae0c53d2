import { SystemCallError } from './errno.ts';
import type { WasiHost } from './wasi.ts';

/** Arguments, environment, the end, and the sockets that do not exist. */
export function processCalls({ memory, files, args, env, exit }: WasiHost) {
  function noSocket(descriptor: number): never {
    files.get(descriptor);
    throw new SystemCallError('NOTSOCK');
  }

  function writeSizes(strings: readonly string[], countPointer: number, sizePointer: number) {
    memory.writeU32(countPointer, strings.length);
    memory.writeU32(sizePointer, Buffer.byteLength(terminated(strings)));
  }

  function writeStrings(strings: readonly string[], pointers: number, target: number) {
    let at = target;
    for (const [index, string] of strings.entries()) {
      const bytes = Buffer.from(`${string}\0`);
      memory.writeU32(pointers + index * 4, at);
      memory.bytes(at, bytes.length).set(bytes);
      at += bytes.length;
    }
  }

  return {
    args_sizes_get: (count: number, size: number) => writeSizes(args, count, size),
    args_get: (pointers: number, target: number) => writeStrings(args, pointers, target),
    environ_sizes_get: (count: number, size: number) => writeSizes(env, count, size),
    environ_get: (pointers: number, target: number) => writeStrings(env, pointers, target),
    proc_exit: (code: number) => exit(code),
    sock_accept: noSocket,
    sock_recv: noSocket,
    sock_send: noSocket,
    sock_shutdown: noSocket,
  };
}

function terminated(strings: readonly string[]): string {
  return strings.map((string) => `${string}\0`).join('');
}
