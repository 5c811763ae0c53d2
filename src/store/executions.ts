import { z } from 'zod';
import { type Execution, executionSchema, isFinal } from '../execution/execution.ts';
import { type Collection, directions, type Installation, type Schema } from './store.ts';

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
  }),
  order: (execution) => execution.acceptedAt,
  queries: [
    { fields: ['state', 'target', 'owner'], directions: ['ascending'] },
    { fields: ['open', 'target'], directions: ['ascending'] },
    { fields: ['open'], directions: ['ascending'] },
    { fields: ['state'], directions: ['descending'] },
    { fields: [], directions: ['descending'] },
  ],
  tombstones: true,
};

export const leases: Schema<Lease> = {
  name: 'leases',
  parse: (document) => leaseSchema.parse(document),
  fields: () => ({}),
  order: (lease) => lease.expiresAt,
  queries: [{ fields: [], directions }],
};

/** The store as the pipeline sees it. */
export interface Store {
  readonly installation: Installation;
  readonly executions: Collection<Execution>;
  readonly leases: Collection<Lease>;
}
