import type { ExecutionRequest, Waiting } from '../../execution/execution.ts';

/** What every object of the model carries: labels and identity. */
interface Labelled {
  readonly name: string;
  readonly uid: string;
  readonly installation: string;
  readonly executionId: string;
  /** Set when deletion was asked for; the object goes when nothing holds it any more. */
  readonly deletedAt: number | null;
}

/** What a pod is made from; it carries a copy, so that it can start when its Job is gone already. */
export interface PodTemplate {
  readonly request: ExecutionRequest;
  /** The one ConfigMap it mounts. */
  readonly configMapName: string;
  /** The container starts in the very moment the start signal comes, as in a sandbox that controls its own child. */
  readonly gated: boolean;
  readonly deadlineSeconds: number;
}

export interface JobObject extends Labelled {
  readonly template: PodTemplate;
  readonly deadlineSeconds: number;
  readonly ttlSecondsAfterFinished: number;
  /** `DeadlineExceeded` while the pods are still going; the condition follows when they are gone. */
  readonly failureTarget: string;
  /** Empty, `Complete`, or the reason of the `Failed` condition. */
  readonly condition: string;
}

/** The start signal: the bytes that the container reads. */
export interface ConfigMapObject extends Labelled {
  readonly ownerUid: string;
  readonly code: Uint8Array;
  readonly stdin: Uint8Array;
  /** Packed. */
  readonly files: Uint8Array;
  /** The moment a gated start was permitted for. */
  readonly startedAt: number | null;
}

interface ContainerEnding {
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export interface PodObject extends Labelled {
  readonly jobUid: string;
  readonly template: PodTemplate;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly waiting: Omit<Waiting, 'since'>;
  readonly startedAt: number | null;
  readonly terminated: ContainerEnding | null;
  readonly reason: string;
  readonly message: string;
  /** Reason of the `DisruptionTarget` condition. */
  readonly disruption: string;
}

export function isOver(pod: PodObject): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

/** One change of one object; a watch carries them in order of `version`. */
export type ObjectChange = { readonly version: number; readonly type: 'added' | 'modified' | 'deleted' } & (
  | { readonly kind: 'Job'; readonly object: JobObject }
  | { readonly kind: 'Pod'; readonly object: PodObject }
  | { readonly kind: 'ConfigMap'; readonly object: ConfigMapObject }
);
