import type { Publisher } from '../bus/bus.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { inSpan } from './trace.ts';

/** The same bus, which shows what is published; whoever hears of it goes on below that span. */
export function tracedBus<B extends Publisher>(bus: B): B {
  return {
    ...bus,
    publish: (topic, message) => inSpan(`publish ${topic}`, { kind: 'producer' }, () => bus.publish(topic, message)),
  };
}

/** The same sandbox, which shows what is asked of it. */
export function tracedSandbox<S extends Sandbox>(sandbox: S): S {
  const shown = <R>(name: string, { executionId }: { readonly executionId: string }, work: () => Promise<R>) =>
    inSpan(name, { attributes: { executionId } }, work);
  return {
    ...sandbox,
    create: (spec) =>
      inSpan('create Job', { attributes: { executionId: spec.executionId } }, async (span) => {
        const creation = await sandbox.create(spec);
        span?.setAttribute('outcome', creation.kind);
        return creation;
      }),
    start: (job, ...rest) => shown('create ConfigMap', job, () => sandbox.start(job, ...rest)),
    inspect: (job) => shown('inspect Job', job, () => sandbox.inspect(job)),
    output: (job, spec) => shown('read log', job, () => sandbox.output(job, spec)),
    remove: (job, options) => shown('delete Job', job, () => sandbox.remove(job, options)),
  };
}
