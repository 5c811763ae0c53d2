import { isFinal } from '../../src/execution/execution.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { complete } from '../../src/pipeline/complete.ts';
import { launch } from '../../src/pipeline/launch.ts';
import type { Ports } from '../../src/pipeline/ports.ts';
import { reconcile, sweep } from '../../src/pipeline/reconcile.ts';
import { type Client, checkAnswers } from './client.ts';
import type { Deployment } from './deployment.ts';
import { checkError } from './errors.ts';
import type { Arrival } from './failpoints.ts';
import { checkCluster, checkRecords } from './invariants.ts';
import type { Entry, Lab, Site, Violation } from './lab.ts';
import { startProcess } from './process.ts';
import type { Decision } from './race.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import { settled } from './time.ts';
import { checkUndisturbed } from './undisturbed.ts';

export interface Play {
  readonly lab: Lab;
  readonly scenario: Scenario;
  readonly deployments: readonly Deployment[];
  readonly stage: Stage;
  readonly client: Client;
  readonly faultless: boolean;
}

export interface Outcome {
  readonly violations: readonly Violation[];
  /** What was called until all was quiet. */
  readonly trace: readonly Arrival[];
  /** What became of records, cluster and scenario meanwhile. */
  readonly journal: readonly Entry[];
  /** The turns that were taken in a race, and those that could have been. */
  readonly decisions?: readonly Decision[];
}

/** Milliseconds from the last fault in which everything must have ended. */
const defaultBoundMs = 300_000;

/** Lets time pass until all is quiet, which it must be soon, then holds what is against what should be. */
export async function settle(play: Play): Promise<Outcome> {
  const { lab } = play;
  const quiet = await untilQuiet(play);
  const trace = [...lab.failpoints.trace];
  lab.failpoints.stopFaults();
  if (quiet) await check(play);
  return { violations: lab.violations, trace, journal: journalOf(lab) };
}

function journalOf({ cluster, journal }: Lab): Entry[] {
  const history = cluster.history.map(({ at, type, jobUid, client }) => ({
    at,
    text: `the cluster: ${type} ${jobUid} ${client}`.trimEnd(),
  }));
  return [...journal, ...history];
}

async function check({ lab, scenario, deployments, client, stage, faultless }: Play): Promise<void> {
  const before = lab.sites.map(({ ledger }) => ledger.commits());
  await pass(lab, Math.max(...deployments.map(({ roundMs }) => roundMs)) + 1_000);
  if (lab.sites.some(({ ledger }, index) => ledger.commits() !== before[index])) {
    lab.violate('I2', 'a record was written after all was final');
  }
  for (const site of lab.sites) checkRecords(lab, site, stage.caseOf(site));
  checkEnds(lab, scenario);
  checkCluster(lab);
  checkAnswers(lab, client);
  if (faultless) checkUndisturbed(lab, scenario);
  if (faultless) await checkRest(lab, deployments);
  if (lab.violations.length === 0) for (const site of lab.sites) await checkReplay(lab, site);
}

async function untilQuiet({ lab, scenario, deployments, client, stage }: Play): Promise<boolean> {
  const { time, failpoints, violations } = lab;
  const boundMs = scenario.boundMs ?? defaultBoundMs;
  await settled();
  while (violations.length === 0) {
    stage.look();
    if (client.waiting() === 0 && isQuiet(lab, deployments)) return true;
    if (time.now() > Math.max(stage.disturbedAt(), failpoints.quietFrom()) + boundMs) {
      lab.violate('I1', `is not quiet ${boundMs / 1000} s after the last fault: ${whatIsLeft(lab)}`);
    } else if (!(await time.step())) lab.violate('I1', `nothing happens any more: ${whatIsLeft(lab)}`);
  }
  return false;
}

function isQuiet({ sites, cluster }: Lab, deployments: readonly Deployment[]): boolean {
  if (sites.some(({ ledger }) => ledger.isOpen()) || !deployments.every((own) => own.isIdle())) return false;
  const { jobs, pods, configMaps } = cluster.objects();
  const ours = new Set(sites.map(({ installation }) => installation));
  return ![...jobs, ...pods, ...configMaps].some(({ installation }) => ours.has(installation));
}

function whatIsLeft({ sites, cluster }: Lab): string {
  const open = sites.flatMap(({ ledger }) => ledger.all()).filter(({ execution }) => !isFinal(execution));
  const objects = Object.values(cluster.objects()).flat();
  const left = [...open.map(({ text }) => text), ...objects.map(({ name }) => name)];
  return left.join(', ') || 'requests or handlers';
}

async function pass({ time }: Lab, ms: number): Promise<void> {
  let over = false;
  time.setTimeout(() => {
    over = true;
  }, ms);
  while (!over) await time.step();
}

function checkEnds(lab: Lab, { ends }: Scenario): void {
  for (const { execution } of lab.sites.flatMap(({ ledger }) => ledger.all())) {
    const { id, state } = execution;
    const reason = isFinal(execution) ? execution.reason : '';
    if (state === 'LOST' && (lab.orphaned.has(id) || (lab.gated && reason === 'Lost'))) continue;
    if (!ends.some((end) => end === state)) lab.violate('I10', `${id} is ${state}, which this scenario cannot end in`);
  }
}

/** Milliseconds after which nobody may watch any more, beside the round that has passed. */
const restMs = 10_000;

/** I14: with nothing to watch, watching ends. */
async function checkRest(lab: Lab, deployments: readonly Deployment[]): Promise<void> {
  await pass(lab, restMs);
  if (!deployments.every((own) => own.isResting())) lab.violate('I14', 'a relay goes on with nothing to watch');
}

/** I12 and I14: what comes again after all is over changes nothing, throws nothing and costs little. */
async function checkReplay(lab: Lab, site: Site): Promise<void> {
  const process = startProcess({ name: 'replay', time: lab.time, hangsForEver: true });
  const bus = { publish: async () => {}, subscribe: () => {} };
  const ports = site.ports({ process, useCase: 'replay' }, bus);
  const ids = [...site.ledger.writes.keys()];
  const before = [site.ledger.commits(), lab.cluster.history.length];
  const calls = lab.failpoints.trace.length;
  let over = false;
  const replay = again(ports, ids)
    .catch((error: unknown) => checkError(lab, 'replay', error))
    .finally(() => {
      over = true;
    });
  while (!over) await lab.time.step();
  await replay;
  const after = [site.ledger.commits(), lab.cluster.history.length];
  if (after.join() !== before.join()) lab.violate('I12', 'messages that came again after the end changed something');
  const made = lab.failpoints.trace.slice(calls).filter(({ point }) => point.startsWith('replay:')).length;
  if (made > 20 + 12 * ids.length) lab.violate('I14', `${made} calls were made for messages that came again`);
}

async function again(ports: Ports, ids: readonly string[]): Promise<void> {
  for (const id of [...ids, 'unknown']) {
    await complete(ports, id);
    await cancel(ports, id);
  }
  await launch(ports);
  await reconcile(ports);
  await sweep(ports);
}
