import { unusableCluster } from '../cluster.ts';
import { noticeWhatIsThere, noticeWhatIsWrong } from './controls.ts';
import { crowdQuota, tryCrowd } from './crowd.ts';
import { floodPrograms, tryFloods } from './flood.ts';
import { leftChildren, leftObjects, leftOnNode } from './left-behind.ts';
import { ownChildren, watchNode } from './node-processes.ts';
import { openPlace, type Place } from './place.ts';
import { preparedNamespace } from './prepared.ts';
import type { SandboxName } from './program.ts';
import { programs } from './programs.ts';
import { newReport, type Report } from './report.ts';
import { partlyTried, threats, untried } from './threats.ts';
import { batches, inLanes, trialsOf, tryBatch } from './trial.ts';

const usage = `usage: run.ts [part of the name of a program]
  Runs every hostile program through the whole pipeline, in a pod of the cluster of KUBECONFIG and as WebAssembly.`;

/** Programs between two clean ones. */
const batchSize = 3;
/** Programs at a time. */
const lanes = { kubernetes: 3, wasm: 2 } as const;

const [wanted = '', ...more] = process.argv.slice(2);
if (more.length > 0 || wanted.startsWith('-')) {
  console.error(usage);
  process.exitCode = 2;
} else {
  process.exitCode = (await run()) ? 0 : 1;
}

async function run(): Promise<boolean> {
  const began = Date.now();
  const report = newReport(console.log);
  const isComplete = everyThreatIsMet();
  report.header();
  const isTried = await onCluster(report);
  await tryWasm(report);
  tellWhatIsOpen();
  console.log(`${Math.round((Date.now() - began) / 1000)} s`);
  return report.close() && isComplete && isTried;
}

/** Of a threat without a program somebody must have said why. */
function everyThreatIsMet(): boolean {
  const tried = new Set<string>([...programs, ...floodPrograms].map(({ threat }) => String(threat)));
  const byOtherMeans = '52';
  const forgotten = Object.keys(threats).filter(
    (threat) => threat !== byOtherMeans && !tried.has(threat) && !Object.hasOwn(untried, threat),
  );
  for (const threat of forgotten) console.log(`FORGOTTEN: threat ${threat} has neither a program nor a reason`);
  return forgotten.length === 0;
}

/** False when the cluster is missing where it must not be. */
async function onCluster(report: Report): Promise<boolean> {
  const reason = await unusableCluster();
  if (reason === undefined) {
    await tryKubernetes(report);
    return true;
  }
  console.log(`SKIPPED: every program on Kubernetes: ${reason}`);
  return process.env['CI'] !== 'true';
}

async function tryKubernetes(report: Report): Promise<void> {
  await using namespace = await preparedNamespace(lanes.kubernetes);
  await using crowded = await preparedNamespace(crowdQuota);
  await using quiet = await preparedNamespace(1);
  using node = watchNode([namespace.name, crowded.name, quiet.name]);
  await using place = await openPlace({ sandbox: 'kubernetes', namespace: namespace.name });
  await noticeWhatIsWrong(place);
  await noticeWhatIsThere(place, () => namespace.objects());
  if (node.seenPods() > 0) await noticeWhatIsThere(place, () => node.left());
  await tryAll(place, 'kubernetes', report);
  if (wanted === '') await tryCrowd(crowded, quiet, report);
  for (const used of [namespace, crowded, quiet]) report.left(await leftObjects(used));
  report.left(await leftOnNode(node, console.log));
}

async function tryWasm(report: Report): Promise<void> {
  await using place = await openPlace({ sandbox: 'wasm' });
  await noticeWhatIsWrong(place);
  await noticeWhatIsThere(place, ownChildren);
  await tryAll(place, 'wasm', report);
  report.left(await leftChildren());
}

async function tryAll(place: Place, sandbox: SandboxName, report: Report): Promise<void> {
  if (wanted === '' || floodPrograms.some(isWanted)) await tryFloods(place, sandbox, report);
  const trials = batches(trialsOf(programs.filter(isWanted), sandbox), batchSize);
  await inLanes(lanes[sandbox], trials, (batch) => tryBatch(place, batch, report));
  for (const error of place.errors) console.log(`tried again by the pipeline: ${error}`);
}

function isWanted({ name }: { readonly name: string }): boolean {
  return name.includes(wanted);
}

function tellWhatIsOpen(): void {
  for (const [threat, name] of Object.entries(threats)) {
    const why = new Map(Object.entries(untried)).get(threat);
    const limit = new Map(Object.entries(partlyTried)).get(threat);
    if (why !== undefined) console.log(`NOT TRIED: ${name}: ${why}`);
    if (limit !== undefined) console.log(`partly tried: ${name}: ${limit}`);
  }
}
