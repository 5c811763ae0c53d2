import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { scaled } from '../scale.ts';
import { fileCases } from './sandbox/files.ts';
import { type Lab, newInstallation, type SandboxFixture } from './sandbox/lab.ts';
import { type Programs, pythonPrograms } from './sandbox/programs.ts';
import { removingCases } from './sandbox/removing.ts';
import { runningCases } from './sandbox/running.ts';
import { startingCases } from './sandbox/starting.ts';

interface Case {
  readonly title: string;
  readonly run: (lab: Lab) => Promise<void>;
}

const cases = {
  says: {
    title: 'says what it is and what the least program needs',
    run: async ({ sandbox }: Lab) => {
      expect(sandbox.target.split(':')[0]).toBe(sandbox.kind);
      for (const language of ['python', 'javascript'] as const) {
        expect(sandbox.minimumMemoryMiB(language)).toBeGreaterThan(0);
      }
    },
  },
  ...startingCases,
  ...runningCases,
  ...removingCases,
  ...fileCases,
} as const satisfies Record<string, Case>;

type CaseName = keyof typeof cases;

export interface SandboxContract {
  readonly name: string;
  /** Called once; the cases share the place and each takes an installation of its own. */
  readonly setup: () => Promise<SandboxFixture>;
  /** Programs in place of the suite's own, where the adapter's Python cannot run those. */
  readonly programs?: Partial<Programs>;
  /** Cases that do not apply, each with its reason. */
  readonly optOuts?: Partial<Record<CaseName, string>>;
}

/** A busy machine is slow, not wrong. */
const caseTimeoutMs = scaled(10) * 120_000;

/** What every adapter of the sandbox port must do; the cases run at the same time, five by five. */
export function sandboxContract({ name, setup, programs = {}, optOuts = {} }: SandboxContract): void {
  describe.concurrent(`${name} keeps the contract of the sandbox`, () => {
    let fixture: SandboxFixture;
    beforeAll(async () => {
      fixture = await setup();
    }, caseTimeoutMs);
    afterAll(() => fixture.close?.(), caseTimeoutMs);

    for (const [key, { title, run }] of Object.entries<Case>(cases)) {
      const reason = new Map(Object.entries(optOuts)).get(key);
      if (reason !== undefined) {
        test.skip(`${title} (opted out: ${reason})`, () => {});
        continue;
      }
      test(title, { timeout: caseTimeoutMs }, async () => {
        const installation = newInstallation();
        const sandbox = await fixture.open(installation);
        try {
          await run({ fixture, installation, sandbox, programs: { ...pythonPrograms, ...programs } });
        } finally {
          await clear(sandbox);
        }
      });
    }
  });
}

async function clear(sandbox: Sandbox): Promise<void> {
  const jobs = await sandbox.list();
  await Promise.all(jobs.map((job) => sandbox.remove(job, { wait: true })));
}
