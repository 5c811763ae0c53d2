import { z } from 'zod';
import { type Execution, executionSchema, isFinal } from '../execution/execution.ts';
import type { Collection, Installation, Schema } from './store.ts';

/** An embedded process's claim to be alive; executions it owns are left alone until `expiresAt`. */
const leaseSchema = z.object({ id: z.string(), expiresAt: z.int() });
export type Lease = Readonly<z.infer<typeof leaseSchema>>;

export const executions: Schema<Execution> = {
  name: 'executions',
  parse: (document) => executionSchema.parse(document),
  fields: (execution) => ({
    state: execution.state,
    open: isFinal(execution) ? 'no' : 'yes',
    target: execution.target,
    owner: execution.owner?.process ?? '',
    caller: execution.caller,
  }),
  order: (execution) => execution.acceptedAt,
  queries: [['state', 'target', 'owner'], ['open', 'target'], ['open'], ['state', 'caller'], ['caller'], ['state'], []],
  tombstones: true,
};

export const leases: Schema<Lease> = {
  name: 'leases',
  parse: (document) => leaseSchema.parse(document),
  fields: () => ({}),
  order: (lease) => lease.expiresAt,
  queries: [[]],
};

/** The store as the pipeline sees it. */
export interface Store {
  readonly installation: Installation;
  readonly executions: Collection<Execution>;
  readonly leases: Collection<Lease>;
}
