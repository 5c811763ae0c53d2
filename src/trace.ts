import { AsyncLocalStorage } from 'node:async_hooks';

/** W3C trace context (https://www.w3.org/TR/trace-context/) of the work at hand. */
const current = new AsyncLocalStorage<string | undefined>();

/** Does the work within that trace; everything it publishes and logs belongs to it. */
export function withTrace<R>(traceparent: string | undefined, work: () => R): R {
  return current.run(traceparent, work);
}

export function currentTraceparent(): string | undefined {
  return current.getStore();
}
