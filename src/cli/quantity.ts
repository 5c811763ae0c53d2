import { InvalidArgumentError } from 'commander';

const binary: Readonly<Record<string, number>> = { Ki: 1 / 1024, Mi: 1, Gi: 1024, '': 1 / 1024 ** 2 };
const decimal: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 };

/** Reads a Kubernetes memory quantity (`128Mi`, `1Gi`, `200M`, plain bytes) as MiB, rounded up. */
export function parseMemory(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G)?$/.exec(text) ?? [];
  const factor = binary[unit] ?? (decimal[unit] ?? 0) / 1024 ** 2;
  if (digits === '') throw new InvalidArgumentError('Give a quantity such as 128Mi or 1Gi.');
  return Math.ceil(Number(digits) * factor);
}

/** Reads a Kubernetes CPU quantity (`500m`, `0.5`, `2`) as millicores. */
export function parseCpu(text: string): number {
  const [, digits = '', milli] = /^(\d+(?:\.\d+)?)(m)?$/.exec(text) ?? [];
  if (digits === '') throw new InvalidArgumentError('Give a quantity such as 500m or 0.5.');
  return milli === undefined ? Math.round(Number(digits) * 1000) : Math.ceil(Number(digits));
}

const seconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600 };

/** Reads a duration (`30`, `30s`, `5m`, `1h`) as seconds. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? [];
  if (digits === '') throw new InvalidArgumentError('Give a duration such as 30, 30s or 5m.');
  return Number(digits) * (seconds[unit] ?? 1);
}
