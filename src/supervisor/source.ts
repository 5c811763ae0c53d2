import { readFile } from 'node:fs/promises';
import type { Language } from '../execution/execution.ts';
import { podCommands } from './pod-commands.ts';

/** The program that runs as process 1 of a pod, by the names that its files have there. */
export type Supervisor = Readonly<Record<string, Uint8Array>>;

const supervisors = new Map<Language, Promise<Supervisor>>();

/** The supervisor of a language, read once from beside this file, or beside the bundle that it is in. */
export function supervisorOf(language: Language): Promise<Supervisor> {
  const known = supervisors.get(language);
  if (known !== undefined) return known;
  const read = readAll(podCommands[language].files);
  supervisors.set(language, read);
  return read;
}

async function readAll(files: readonly { readonly source: string; readonly key: string }[]): Promise<Supervisor> {
  const read = async ({ source, key }: (typeof files)[number]) =>
    [key, await readFile(new URL(`./${source}`, import.meta.url))] as const;
  return Object.fromEntries(await Promise.all(files.map(read)));
}
