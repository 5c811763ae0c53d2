import type { Execution } from '../execution/execution.ts';
import type { Store } from '../store/executions.ts';
import type { Query } from '../store/store.ts';

/** Records in memory at a time, each of which may be as large as a request. */
const pageSize = 50;

/** Every execution that matches, oldest first, in pages; the next is read when the one before was worked through. */
export async function* pages(
  { executions }: Pick<Store, 'executions'>,
  equal: Query['equal'],
  limit = pageSize,
): AsyncGenerator<readonly Execution[]> {
  let after: string | null = null;
  do {
    const cursor: { after?: string } = after === null ? {} : { after };
    const page = await executions.query({ equal, direction: 'ascending', limit, ...cursor });
    yield page.items;
    after = page.next;
  } while (after !== null);
}
