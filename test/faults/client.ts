import { IdempotencyConflictError } from '../../src/errors.ts';
import { cancel } from '../../src/pipeline/cancel.ts';
import { submit } from '../../src/pipeline/submit.ts';
import type { Deployment } from './deployment.ts';
import type { Lab } from './lab.ts';
import { submissionOf } from './programs.ts';
import type { Order, Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** Whoever asks for executions: it asks again until it is answered. */
export interface Client {
  begin(stage: Stage): void;
  cancel(name: string): void;
  /** Requests that were not answered yet. */
  waiting(): number;
  /** What each order was told: its execution's id, or that its key belongs to another request. */
  readonly told: ReadonlyMap<Order, string>;
}

const retryMs = 500;
const conflict = 'conflict';

export function createClient(lab: Lab, scenario: Scenario, deployments: readonly Deployment[]): Client {
  const { time } = lab;
  const told = new Map<Order, string>();
  const orders = new Map(scenario.orders.map((order) => [order.name, order]));
  let stage: Stage | undefined;
  let waiting = 0;

  const place = async (order: Order) => {
    waiting++;
    await time.sleep(order.atMs ?? 0);
    while (!told.has(order)) {
      const answer = await request(order);
      if (answer !== undefined) told.set(order, answer);
      else await time.sleep(retryMs);
    }
    waiting--;
  };
  const request = async (order: Order): Promise<string | undefined> => {
    const { program, name, caller = 'me', key = name, site = 0 } = order;
    const submitter = { caller, idempotencyKey: key };
    const answer = await deployments[site]?.request('submit', (ports) =>
      submit({ ...ports, onError: () => {} }, submissionOf(program, name), submitter),
    );
    if (answer?.kind === 'done') return answer.value.execution.id;
    const refused = answer?.kind === 'failed' && answer.error instanceof IdempotencyConflictError;
    return refused ? conflict : undefined;
  };
  const stop = async (name: string) => {
    waiting++;
    for (let answered = false; !answered; ) {
      const id = stage?.find(name)?.id;
      const site = orders.get(name)?.site ?? 0;
      const answer =
        id === undefined ? undefined : await deployments[site]?.request('cancel', (ports) => cancel(ports, id));
      answered = answer?.kind === 'done';
      if (!answered) await time.sleep(retryMs);
    }
    waiting--;
  };

  return {
    begin(of) {
      stage = of;
      for (const order of scenario.orders) void place(order);
    },
    cancel: (name) => void stop(name),
    waiting: () => waiting,
    told,
  };
}

/** I1, I8 and I9: every answer has its record, a refused request has none, and one key of one caller is one execution. */
export function checkAnswers(lab: Lab, { told }: Client): void {
  const owners = new Map<string, { id: string; name: string }>();
  const ids = new Map<string, string>();
  for (const [{ name, caller = 'me', key = name, site = 0 }, id] of told) {
    if (id === conflict) continue;
    const scope = JSON.stringify([site, caller, key]);
    const first = owners.get(scope) ?? { id, name };
    owners.set(scope, first);
    if (first.id !== id || first.name !== name) lab.violate('I9', `${scope} is two executions, ${first.id} and ${id}`);
    if ((ids.get(`${site} ${id}`) ?? scope) !== scope) lab.violate('I9', `${id} belongs to two keys`);
    ids.set(`${site} ${id}`, scope);
    if (lab.sites[site]?.ledger.latest(id) === undefined) lab.violate('I1', `${id} was accepted and is not stored`);
  }
  for (const [{ name, caller = 'me', key = name, site = 0 }, id] of told) {
    const owner = owners.get(JSON.stringify([site, caller, key]));
    if (id !== conflict) continue;
    if (owner === undefined || owner.name === name) lab.violate('I9', `${name} was refused its own key`);
    const recorded = lab.sites[site]?.ledger.all().some(({ execution }) => execution.request.labels['name'] === name);
    if (recorded) lab.violate('I8', `${name} was refused and is stored`);
  }
}
