/** What a run took of its node, by what it had reserved there for as long as it ran. */
export interface Usage {
  readonly seconds: number;
  readonly vcpuSeconds: number;
  readonly memoryGibSeconds: number;
  /** In US dollars, see `listPrices`; what a cluster without pods costs is not in it. */
  readonly estimatedUsd: number;
}

/** US dollars an hour: GKE Autopilot's list prices of general-purpose pods in us-central1, which every contract changes. */
const listPrices = { vcpu: 0.0445, memoryGib: 0.0049225 };

interface Reserved {
  readonly cpuRequestMillicores: number;
  readonly memoryRequestMiB: number;
}

/** Usage between two instants of the kubelet (ms), whose clock has whole seconds; null when one is not known. */
export function usageOf(
  { cpuRequestMillicores, memoryRequestMiB }: Reserved,
  startedAt: number | null,
  finishedAt: number | null,
): Usage | null {
  if (startedAt === null || finishedAt === null) return null;
  const seconds = Math.max(0, finishedAt - startedAt) / 1000;
  const vcpuSeconds = (seconds * cpuRequestMillicores) / 1000;
  const memoryGibSeconds = (seconds * memoryRequestMiB) / 1024;
  const hourly = vcpuSeconds * listPrices.vcpu + memoryGibSeconds * listPrices.memoryGib;
  return { seconds, vcpuSeconds, memoryGibSeconds, estimatedUsd: hourly / 3600 };
}
