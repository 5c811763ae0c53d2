import { createHash } from 'node:crypto';
import type { Bus, Message, Topic } from '../../src/bus/bus.ts';
import { isFinal } from '../../src/execution/execution.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { type MemoryCluster, memoryCluster } from '../../src/sandbox/memory/cluster.ts';
import { defaultDelaysMs, type Step } from '../../src/sandbox/memory/state.ts';
import { memorySandbox } from '../../src/sandbox/memory.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { type Actor, type Failpoints, type FailpointsOptions, failpoints } from './failpoints.ts';
import { gatedApi, gatedBus, gatedSandbox, gatedStore } from './gated-ports.ts';
import { createLedger, type Ledger, type Write } from './ledger.ts';
import { behaviourOf, logFileBytes } from './programs.ts';
import { type VirtualTime, virtualTime } from './time.ts';

/** Something that must never be, with what it was seen by. */
export interface Violation {
  readonly invariant: string;
  readonly message: string;
}

/** Something that happened, for whoever reads a schedule's story. */
export interface Entry {
  readonly at: number;
  readonly text: string;
}

/** One store, and the installation that its Jobs carry. */
export interface Site {
  readonly installation: string;
  readonly ledger: Ledger;
  /** The ports as a use case in a process sees them: every call a failpoint. */
  ports(actor: Actor, bus: Bus): Ports;
}

/** A cluster, the stores that use it, and everything that is noticed about them. */
export interface Lab {
  readonly time: VirtualTime;
  readonly cluster: MemoryCluster;
  readonly failpoints: Failpoints;
  readonly sites: readonly Site[];
  /** Whether each process owns what it accepted. */
  readonly owned: boolean;
  /** Whether programs are children of the process that starts them. */
  readonly gated: boolean;
  /** Executions whose program went with its process. */
  readonly orphaned: Set<string>;
  readonly journal: Entry[];
  readonly violations: Violation[];
  violate(invariant: string, message: string): void;
  /** Uniform in [0, 1), the same in every run. */
  random(): number;
}

export interface LabOptions {
  readonly owned: boolean;
  readonly gated: boolean;
  readonly sites: number;
  readonly quota?: number | undefined;
  /** Milliseconds of a step of the cluster; default: the model's own. */
  readonly delay?: ((step: Step) => number) | undefined;
  readonly faults: FailpointsOptions['faults'];
  readonly turn: (time: VirtualTime) => FailpointsOptions['turn'];
  readonly mostCalls: number;
}

const secret = new Uint8Array(32);

export function createLab(options: LabOptions): Lab {
  const time = virtualTime();
  const violations: Violation[] = [];
  const violate = (invariant: string, message: string) => void violations.push({ invariant, message });
  let uids = 0;
  const cluster = memoryCluster({
    clock: time,
    behaviour: behaviourOf,
    logFileBytes,
    newUid: () => `${(++uids).toString(36).padStart(6, '0')}-uid`,
    delay: options.delay ?? ((step) => defaultDelaysMs[step]),
    ...(options.quota === undefined ? {} : { quota: options.quota }),
  });
  const points = failpoints({ ...options, time, turn: options.turn(time), onViolation: violate });
  const journal: Entry[] = [];
  const shared = { time, cluster, journal, failpoints: points, violate, options };
  let state = 1;
  return {
    time,
    cluster,
    failpoints: points,
    sites: ['aaaaaaaa', 'bbbbbbbb'].slice(0, options.sites).map((installation) => createSite(shared, installation)),
    owned: options.owned,
    gated: options.gated,
    orphaned: new Set(),
    journal,
    violations,
    violate,
    random: () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    },
  };
}

interface Shared {
  readonly time: VirtualTime;
  readonly cluster: MemoryCluster;
  readonly failpoints: Failpoints;
  readonly journal: Entry[];
  readonly violate: Lab['violate'];
  readonly options: LabOptions;
}

function createSite(
  { time, cluster, failpoints: points, journal, violate, options }: Shared,
  installation: string,
): Site {
  const ledger = createLedger(time.now, (before, after) => {
    const { id, state } = after.execution;
    journal.push({ at: after.at, text: `the record: ${installation.slice(0, 1)}/${id.slice(0, 4)} is ${state}` });
    checkWrite(ledger, violate, before, after);
  });
  const store = memoryStore({ installation: { id: installation, secret }, memory: ledger.memory });
  // Equal in every store, so that two stores on one cluster have executions of the same ids.
  let drawn = 0;
  const randomBytes = (size: number) => createHash('sha512').update(`${drawn++}`).digest().subarray(0, size);
  const told = (actor: Actor, topic: Topic, message: Message) =>
    checkMessage(ledger, violate, actor.useCase, topic, message);
  return {
    installation,
    ledger,
    ports(actor, bus) {
      const gate = { failpoints: points, actor, time };
      const client = actor.process.name;
      const around = gatedApi(points, actor);
      const { gated } = options;
      return {
        store: gatedStore(gate, store),
        bus: gatedBus(gate, bus, told),
        sandbox: gatedSandbox(
          gate,
          ownersEyes(
            (executionId) => checkLook(ledger, violate, executionId, client),
            memorySandbox({ cluster, installation, namespaceUid: 'ns', gated, client, around }),
          ),
        ),
        clock: {
          now: time.now,
          sleep: async (ms) => {
            await time.sleep(ms);
            await actor.process.awake();
          },
        },
        randomBytes,
        process: options.owned ? actor.process.name : null,
      };
    },
  };
}

/** What may never be written, whatever else is true. */
function checkWrite(ledger: Ledger, violate: Lab['violate'], before: Write | undefined, after: Write): void {
  if (before === undefined) return;
  const { execution: was } = before;
  const { execution: is } = after;
  if (isFinal(was)) violate('I2', `${was.id} was ${was.state} and was written again as ${is.state}`);
  const [wasUid, isUid] = [was, is].map((execution) => (execution.state === 'ACCEPTED' ? null : execution.jobUid));
  if (wasUid !== null && wasUid !== isUid) violate('I3', `${is.id} changed its Job from ${wasUid} to ${isUid}`);
  if (was.owner?.process !== is.owner?.process) checkTakeover(ledger, violate, before, after);
}

/** Only what a dead process left may be taken over, and its lease says when it is dead. */
function checkTakeover(ledger: Ledger, violate: Lab['violate'], before: Write, after: Write): void {
  const from = before.execution.owner;
  const to = after.execution.owner;
  if (from === null || to === null || to.epoch !== from.epoch + 1) {
    violate('owner', `${after.execution.id} changed its owner without a new epoch`);
    return;
  }
  // One that lapsed once counts, since whoever read it then may act upon it later; the epoch fences.
  if (!ledger.hasLapsed(from.process)) {
    violate('owner', `${after.execution.id} was taken from ${from.process}, whose lease was always good`);
  }
}

/** Tells before each look at a Job which execution it is looked at for. */
function ownersEyes(look: (executionId: string) => void, sandbox: Sandbox): Sandbox {
  return {
    ...sandbox,
    inspect: (job) => {
      look(job.executionId);
      return sandbox.inspect(job);
    },
  };
}

/** Who did not make a Job may be blind to it, and is not to say what became of it; only its owner was there. */
function checkLook(ledger: Ledger, violate: Lab['violate'], executionId: string, process: string): void {
  const owner = ledger.latest(executionId)?.execution.owner;
  // What was taken over once may be looked at by who read the record before that.
  if (!owner || owner.epoch > 1 || owner.process === process) return;
  violate('owner', `${executionId} of ${owner.process} was judged by ${process}`);
}

/** A message never runs ahead of the record it is about. */
function checkMessage(
  ledger: Ledger,
  violate: Lab['violate'],
  useCase: string,
  topic: Topic,
  { executionId }: Message,
): void {
  const state = ledger.latest(executionId)?.execution.state;
  if (state === undefined) violate('I8', `${topic} was published for ${executionId}, which is not stored`);
  if (state === 'ACCEPTED' && topic !== 'execution-requested' && useCase !== 'watch') {
    violate('I8', `${topic} was published by ${useCase} for ${executionId}, which is still ACCEPTED`);
  }
  if (useCase === 'cancel' && (state === 'LAUNCHING' || state === 'RUNNING')) {
    violate('I8', `${topic} was published by cancel for ${executionId} before it was stopping`);
  }
}
