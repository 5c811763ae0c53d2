import { type Client, createClient } from './client.ts';
import { cloud } from './cloud.ts';
import type { Deployment, DeploymentName } from './deployment.ts';
import { embedded } from './embedded.ts';
import type { FailpointsOptions } from './failpoints.ts';
import { createLab, type Lab, type Site } from './lab.ts';
import type { Scenario } from './scenario.ts';
import { type Outcome, settle } from './settle.ts';
import { stageOf } from './stage.ts';
import type { VirtualTime } from './time.ts';

export interface Setup {
  readonly deployment: DeploymentName;
  readonly scenario: Scenario;
  readonly faults: FailpointsOptions['faults'];
  /** Nothing is done to any call, so that results must also come promptly. */
  readonly faultless: boolean;
}

/** Plays a scenario with faults until all is quiet, and says what was wrong. */
export async function simulate(setup: Setup): Promise<Outcome> {
  const { scenario, deployment } = setup;
  const { latency = () => 1 } = scenario;
  const lab = openLab(deployment, scenario, setup.faults, (time) => (_, point) => time.sleep(latency(point)));
  const deployments = lab.sites.map((site) => deploy(lab, site, deployment, scenario.processes));
  const client: Client = createClient(lab, scenario, deployments);
  const stage = stageOf(lab, scenario, client.cancel);
  client.begin(stage);
  for (const own of deployments) own.begin();
  return settle({ lab, scenario, deployments, stage, client, faultless: setup.faultless });
}

/** Far more than any schedule needs whose work is bounded. */
const mostCalls = 6_000;

export function openLab(
  deployment: DeploymentName,
  scenario: Scenario,
  faults: FailpointsOptions['faults'],
  turn: (time: VirtualTime) => FailpointsOptions['turn'],
): Lab {
  return createLab({
    owned: deployment !== 'cloud',
    gated: deployment === 'gated',
    sites: 1 + Math.max(...scenario.orders.map(({ site = 0 }) => site)),
    quota: scenario.quota,
    delay: scenario.delay,
    faults,
    turn,
    mostCalls,
  });
}

export function deploy(lab: Lab, site: Site, name: DeploymentName, processes = 1): Deployment {
  if (name === 'cloud') return cloud(lab, site);
  return embedded(lab, site, processes);
}
