import { readFile } from 'node:fs/promises';
import type { Language } from '../execution/execution.ts';
import { podCommands } from './pod-commands.ts';

const supervisors = new Map<Language, Promise<Uint8Array>>();

/** The program that runs as process 1 of a pod, read once from beside this file, or beside the bundle that it is in. */
export function supervisorOf(language: Language): Promise<Uint8Array> {
  const known = supervisors.get(language);
  if (known !== undefined) return known;
  const read = readFile(new URL(`./${podCommands[language].source}`, import.meta.url));
  supervisors.set(language, read);
  return read;
}
