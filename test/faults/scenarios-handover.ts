import type { Scenario } from './scenario.ts';

/** A relay ends a minute after the last execution it watched: milliseconds after the beginning, and around them. */
const relayEnds = { fromMs: 60_010, toMs: 60_070 };

function requestAt(atMs: number): Scenario {
  const orders = [
    { name: 'e', program: 'exit0' },
    { name: 'f', program: 'slow', atMs },
  ] as const;
  return { orders, ends: ['SUCCEEDED'], promptMs: 5_000, deployments: ['cloud'] };
}

/** Requests at every moment around the end of a relay, which each must find it, or get another; nobody is told late. */
export const handovers: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Array.from({ length: relayEnds.toMs - relayEnds.fromMs }, (_, index) => {
    const atMs = relayEnds.fromMs + index;
    return [`handover-${atMs}`, requestAt(atMs)];
  }),
);
