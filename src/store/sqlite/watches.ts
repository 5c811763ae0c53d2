import { createWatches, type Watches } from '../watches.ts';
import type { Connection } from './connection.ts';

/** Milliseconds between looks for other processes' changes; a look without news costs some microseconds. */
const pollMs = 25;

/** Watches that hear of this process's changes at once and poll for those of others while there are listeners. */
export interface SqliteWatches extends Watches {
  /** The last look could not read: all are due again at the next poll. */
  failed(): void;
}

export function sqliteWatches(connection: Connection): SqliteWatches {
  const watches = createWatches();
  let timer: NodeJS.Timeout | undefined;
  let listeners = 0;
  let seen: unknown;

  const poll = () => {
    const version = dataVersion(connection);
    if (version !== undefined && version === seen) return;
    seen = version;
    watches.anyChanged();
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };

  return {
    ...watches,
    add(document, look) {
      const remove = watches.add(document, look);
      listeners += 1;
      timer ??= setInterval(poll, pollMs);
      let added = true;
      return () => {
        remove();
        if (added) listeners -= 1;
        added = false;
        if (listeners === 0) stop();
      };
    },
    failed() {
      seen = undefined;
    },
    clear() {
      stop();
      watches.clear();
    },
  };
}

/** Changes when another connection has committed; undefined when the file cannot be read now. */
function dataVersion(connection: Connection): unknown {
  try {
    return connection.statement('PRAGMA data_version').get()?.['data_version'];
  } catch {
    return undefined;
  }
}
