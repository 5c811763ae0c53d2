import { clocks, limits, sizes } from '../../execution/limits.ts';
import { deadlines, images } from './job-manifest.ts';

const longest = deadlines({
  timeoutSeconds: limits.timeoutSeconds.maximum,
  startTimeoutSeconds: limits.startTimeoutSeconds.maximum,
});

const ephemeralStorage = `${sizes.ephemeralStorageMiB}Mi`;

const most = {
  cpu: `${limits.cpuLimitMillicores.maximum}m`,
  memory: `${limits.memoryLimitMiB.maximum}Mi`,
};

/**
 * Expressions (CEL) of the variables that the admission policies leave open. All values are text, since the values of a
 * map must be of one type.
 */
export function policyVariables(furtherImages: readonly string[]): Readonly<Record<string, string>> {
  const bounds = {
    jobDeadlineSeconds: String(longest.job),
    podDeadlineSeconds: String(longest.pod),
    ttlSeconds: String(clocks.ttlSeconds),
    ...most,
    ephemeralStorage,
    configMapBytes: String(sizes.configMapBytes),
  };
  const allowed = new Set([...Object.values(images), ...furtherImages]);
  // JSON of texts is CEL too.
  return { most: JSON.stringify(bounds), images: JSON.stringify([...allowed]) };
}

/** Bounds of a container for a LimitRange, and what one gets that is silent. */
export const containerBounds = {
  max: { ...most, 'ephemeral-storage': ephemeralStorage },
  default: {
    cpu: `${limits.cpuLimitMillicores.default}m`,
    memory: `${limits.memoryLimitMiB.default}Mi`,
    'ephemeral-storage': ephemeralStorage,
  },
  defaultRequest: {
    cpu: `${limits.cpuRequestMillicores.default}m`,
    memory: `${limits.memoryRequestMiB.default}Mi`,
    'ephemeral-storage': ephemeralStorage,
  },
} as const;
