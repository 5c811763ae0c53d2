import type { Bus, Message, Topic } from '../../src/bus/bus.ts';
import type { Around } from '../../src/sandbox/memory/api.ts';
import type { Observation, Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Store } from '../../src/store/executions.ts';
import type { Collection } from '../../src/store/store.ts';
import type { Actor, Failpoints } from './failpoints.ts';
import type { VirtualTime } from './time.ts';

/** How long a reordered message or observation is overtaken by others. Milliseconds. */
export const reorderMs = 15_000;

interface Gate {
  readonly failpoints: Failpoints;
  readonly actor: Actor;
  readonly time: VirtualTime;
}

/** A store whose every call is a failpoint. */
export function gatedStore(gate: Gate, store: Store): Store {
  return {
    installation: store.installation,
    executions: gatedCollection(gate, 'store', store.executions),
    leases: gatedCollection(gate, 'leases', store.leases),
  };
}

function gatedCollection<T extends { readonly id: string }>(
  { failpoints, actor }: Gate,
  name: string,
  inner: Collection<T>,
): Collection<T> {
  const pass = <R>(call: string, effect: () => Promise<R>) => failpoints.pass(actor, `${name}.${call}`, effect);
  return {
    create: (item, parts) => pass('create', () => inner.create(item, parts)),
    get: (id) => pass('get', () => inner.get(id)),
    tombstone: (id) => pass('tombstone', () => inner.tombstone(id)),
    part: (id, part) => pass('part', () => inner.part(id, part)),
    update: (id, change, parts) => pass('update', () => inner.update(id, change, parts)),
    query: (query) => pass('query', () => inner.query(query)),
    remove: (id, leaving) => pass('remove', () => inner.remove(id, leaving)),
    watch: inner.watch,
  };
}

/** A bus whose every publish is a failpoint; `told` hears of each message that really goes out. */
export function gatedBus(gate: Gate, bus: Bus, told: (actor: Actor, topic: Topic, message: Message) => void): Bus {
  const { failpoints, actor, time } = gate;
  const publish = (topic: Topic, message: Message) => {
    told(actor, topic, message);
    return bus.publish(topic, message);
  };
  return {
    subscribe: bus.subscribe,
    publish: (topic, message) =>
      failpoints.pass(actor, 'bus.publish', async (kind) => {
        if (kind !== 'reorder') return publish(topic, message);
        time.setTimeout(() => void publish(topic, message), reorderMs);
      }),
  };
}

/** A sandbox whose every call and observation is a failpoint. */
export function gatedSandbox(gate: Gate, sandbox: Sandbox): Sandbox {
  const pass = <R>(call: string, effect: () => Promise<R>) =>
    gate.failpoints.pass(gate.actor, `sandbox.${call}`, effect);
  return {
    kind: sandbox.kind,
    isolation: sandbox.isolation,
    target: sandbox.target,
    minimumMemoryMiB: sandbox.minimumMemoryMiB,
    create: (spec) => pass('create', () => sandbox.create(spec)),
    start: (job, spec, input, permit) => pass('start', () => sandbox.start(job, spec, input, permit)),
    inspect: (job) => pass('inspect', () => sandbox.inspect(job)),
    output: (job, spec) => pass('output', () => sandbox.output(job, spec)),
    remove: (job, options) => pass('remove', () => sandbox.remove(job, options)),
    list: () => pass('list', () => sandbox.list()),
    watch: (observe, ...rest) =>
      sandbox.watch(
        (observation) => {
          if (!gate.actor.process.isDead()) notice(gate, observe, observation);
        },
        ...rest,
      ),
  };
}

function notice(
  { failpoints, actor, time }: Gate,
  observe: (observation: Observation) => void,
  observation: Observation,
): void {
  const { process } = actor;
  const kind = failpoints.arrive(actor, 'observe');
  switch (kind) {
    case 'crash-before':
      void process.crash();
      return;
    case 'crash-after':
      observe(observation);
      void process.crash();
      return;
    case 'duplicate':
      observe(observation);
      observe(observation);
      return;
    case 'reorder':
      time.setTimeout(() => {
        if (!process.isDead() && !process.acknowledged) observe(observation);
      }, reorderMs);
      return;
    default:
      observe(observation);
  }
}

/** Makes every API call of a memory sandbox a failpoint of the use case that caused it. */
export function gatedApi(failpoints: Failpoints, actor: Actor): Around {
  return ({ method }, effect) => failpoints.pass(actor, `api.${method}`, async () => effect());
}
