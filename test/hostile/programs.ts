import type { Program } from './program.ts';
import { benignPrograms } from './programs-benign.ts';
import { filePrograms } from './programs-files.ts';
import { kernelPrograms } from './programs-kernel.ts';
import { logPrograms } from './programs-log.ts';
import { memoryPrograms } from './programs-memory.ts';
import { outputPrograms } from './programs-output.ts';
import { secretPrograms } from './programs-secrets.ts';
import { endingPrograms, signalPrograms } from './programs-signals.ts';
import { sourcePrograms } from './programs-source.ts';
import { timePrograms } from './programs-time.ts';

/** Those that take long come first, so that nobody waits for the last one. */
export const programs: readonly Program[] = [
  ...logPrograms,
  ...signalPrograms,
  ...timePrograms,
  ...memoryPrograms,
  ...filePrograms,
  ...outputPrograms,
  ...secretPrograms,
  ...kernelPrograms,
  ...endingPrograms,
  ...sourcePrograms,
  ...benignPrograms,
];
