import { createReadStream } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { readBounded } from '../../bounded.ts';
import { UnavailableError } from '../../errors.ts';

/** Bytes of a file; thousands of clusters have room. */
const maximumBytes = 4 * 1024 * 1024;

/**
 * Reads that file; without it those of `KUBECONFIG`, then `~/.kube/config`, then the service account of the pod we run
 * in. Throws UnavailableError when one cannot be read, and shows nothing of it.
 */
export async function readKubeconfig(file: string | undefined): Promise<KubeConfig> {
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((name) => name !== '');
  const [first, ...others] = file === undefined ? listed : [file];
  let reading = first ?? '~/.kube/config';
  try {
    const config = await configIn(first);
    for (const other of others) {
      reading = other;
      config.mergeConfig(await configIn(other));
    }
    return config;
  } catch (error) {
    throw new UnavailableError(`cannot read the kubeconfig ${reading}: ${mistakeIn(error)}`);
  }
}

async function configIn(file: string | undefined): Promise<KubeConfig> {
  // Loaded here because it costs half a second, which runs without a cluster must not pay.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (file === undefined) {
    config.loadFromDefault();
    return config;
  }
  const bytes = await readBounded(createReadStream(file), maximumBytes);
  if (bytes === undefined) throw new Error(`it has more than ${maximumBytes} bytes, which no kubeconfig has`);
  config.loadFromString(bytes.toString());
  config.makePathsAbsolute(dirname(file));
  return config;
}

/** The parser shows the lines around a mistake, and quotes what it does not know: credentials, perhaps. */
function mistakeIn(error: unknown): string {
  const { reason, mark }: { reason?: string; mark?: { line: number; column: number } } = Object(error);
  if (reason === undefined) return error instanceof Error ? error.message : String(error);
  const kind = reason.replace(/ ?(["!<]|: ).*/s, '');
  return mark === undefined ? kind : `line ${mark.line + 1}:${mark.column + 1}: ${kind}`;
}
