import type { EndingContext, PodEnding, Verdict } from '../../src/execution/classify.ts';

export const silent: PodEnding = { podReason: '', podMessage: '', disruption: '', container: null, jobReason: '' };

export type Container = NonNullable<PodEnding['container']>;

export const ran: Container = { exitCode: 0, reason: 'Completed', message: '', startedAt: 10_000, finishedAt: 12_000 };
export const exited = (exitCode: number, rest: Partial<Container> = {}): PodEnding => ({
  ...silent,
  container: { ...ran, exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', ...rest },
});
export const killed: Container = { ...ran, exitCode: 137, reason: 'Error' };

export const spoken: EndingContext = { timeoutSeconds: 60, started: false, report: { signal: null } };
export const saysTimedOut: EndingContext = { ...spoken, report: { signal: null, timedOut: true } };
export const mute: EndingContext = { ...spoken, report: null };
export const diedOf = (signal: number): EndingContext => ({ ...spoken, report: { signal } });
export const knownStarted: EndingContext = { ...mute, started: true };

export interface Row {
  readonly what: string;
  readonly ending: PodEnding;
  readonly context: EndingContext;
  readonly verdict: Partial<Verdict>;
}

export const program = { fault: 'program', started: true, retrySafe: false } as const;
export const limit = { fault: 'limit', started: true, retrySafe: false } as const;
export const interrupted = { state: 'INFRA_INTERRUPTED', fault: 'platform' } as const;
export const started = { started: true, retrySafe: false } as const;
export const neverRan = { started: false, retrySafe: true } as const;
export const nobodyKnows = { started: false, retrySafe: false } as const;
