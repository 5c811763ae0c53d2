import type { Scenario } from './scenario.ts';

/** Milliseconds that it takes a relay to change its lease: at once, and longer than the whole of a launch. */
const leaseMs = [1, 100] as const;

/** When a relay ends, a minute after it last saw an open execution: some milliseconds before that and after. */
function around(latencyMs: number): number[] {
  const looksMs = 5_000 + latencyMs + 1;
  const endMs = 17 + Math.ceil(60_000 / looksMs) * looksMs;
  const stepMs = Math.ceil(latencyMs / 20);
  return Array.from({ length: 60 }, (_, index) => endMs + (index - 30) * stepMs);
}

function requestAt(atMs: number, latencyMs: number): Scenario {
  return {
    orders: [
      { name: 'e', program: 'exit0' },
      { name: 'f', program: 'slow', atMs },
    ],
    ends: ['SUCCEEDED'],
    promptMs: 5_000,
    deployments: ['cloud'],
    latency: (point) => (point.startsWith('watch:leases.update#') ? latencyMs : 1),
  };
}

/** Requests at many moments around the end of a relay: each must find it, or get another, so that no result is late. */
export const handovers: Readonly<Record<string, Scenario>> = Object.fromEntries(
  leaseMs.flatMap((latencyMs) =>
    around(latencyMs).map((atMs) => [`handover-${latencyMs}-${atMs}`, requestAt(atMs, latencyMs)] as const),
  ),
);
