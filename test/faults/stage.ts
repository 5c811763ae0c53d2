import type { Execution } from '../../src/execution/execution.ts';
import { handsOf } from './hands.ts';
import type { Case } from './invariants.ts';
import type { Lab, Site } from './lab.ts';
import type { Deed, Happening, Scenario, View } from './scenario.ts';
import { stranger } from './truth.ts';

interface Done {
  readonly deed: Deed;
  /** The Job it was done to, where it was done to one. */
  readonly jobUid: string | null;
}

/** Where a scenario's happenings wait for their moment. */
export interface Stage {
  /** Lets happen what has come to its moment. */
  look(): void;
  /** The moment of the last thing that happened from outside. */
  disturbedAt(): number;
  did(name: string, deed: Deed): void;
  /** Deletes the order's Job as a stranger would, at once or in the foreground. */
  steal(name: string): void;
  rob(name: string): void;
  /** Finds the order that a record of a store belongs to. */
  caseOf(site: Site): (execution: Execution) => Case | undefined;
  /** The execution of an order, once it is recorded. */
  find(name: string): Execution | undefined;
}

export function stageOf(lab: Lab, scenario: Scenario, cancel: (name: string) => void): Stage {
  const deeds = new Map(scenario.orders.map(({ name }) => [name, [] as Done[]]));
  const orders = new Map(scenario.orders.map((order) => [order.name, order]));
  const waiting = new Set(scenario.happenings ?? []);
  let disturbedAt = lab.time.now();

  const siteOf = (name: string) => lab.sites[orders.get(name)?.site ?? 0];
  const find = (name: string) =>
    siteOf(name)
      ?.ledger.all()
      .find(({ execution }) => execution.request.labels['name'] === name)?.execution;
  const did = (name: string, deed: Deed, jobUid: string | null = null) => {
    deeds.get(name)?.push({ deed, jobUid });
    lab.journal.push({ at: lab.time.now(), text: `somebody: ${deed} ${name} ${jobUid ?? ''}`.trimEnd() });
  };
  const view = viewOf(lab, siteOf, find);
  const hands = handsOf(lab, { siteOf, find, view, did, cancel });
  const happen = (happening: Happening) => {
    disturbedAt = lab.time.now();
    void happening.act(hands);
  };

  return {
    look() {
      for (const happening of waiting) {
        if (!happening.when(view)) continue;
        waiting.delete(happening);
        if (happening.afterMs === undefined) happen(happening);
        else lab.time.setTimeout(() => happen(happening), happening.afterMs);
      }
    },
    disturbedAt: () => disturbedAt,
    did,
    steal: (name) => hands.disrupt(name, 'job_deleted'),
    rob: hands.deleteInForeground,
    caseOf: (site) => (execution) => {
      const name = execution.request.labels['name'] ?? '';
      const order = orders.get(name);
      const known = deeds.get(name);
      if (order === undefined || known === undefined || siteOf(name) !== site) return undefined;
      const own = known.filter(
        ({ jobUid }) => jobUid === null || execution.state === 'ACCEPTED' || jobUid === execution.jobUid,
      );
      const orphaned: Deed[] = lab.orphaned.has(execution.id) ? ['crashed'] : [];
      return { order, deeds: new Set([...own.map(({ deed }) => deed), ...orphaned]) };
    },
    find,
  };
}

type SiteOf = (name: string) => Site | undefined;
type Find = Stage['find'];

function viewOf({ cluster }: Lab, siteOf: SiteOf, find: Find): View {
  const events = (name: string, type: string) => {
    const id = find(name)?.id;
    const installation = siteOf(name)?.installation;
    return cluster.history.filter(
      (event) => event.type === type && event.executionId === id && event.installation === installation,
    );
  };
  return {
    state: (name) => find(name)?.state,
    job: (name) =>
      events(name, 'jobCreated')
        .filter(({ client }) => client !== stranger)
        .at(-1)?.jobUid,
    hasPod: (name) => events(name, 'podCreated').length > 0,
    starts: (name) => events(name, 'started').length,
    stops: (name) => events(name, 'stopped').length,
  };
}
