import type { OpenExecution } from '../../src/execution/execution.ts';
import type { ProgramName } from './programs.ts';
import type { Happening, Order } from './scenario.ts';

/** A story of one execution, called `e`. */
export function one(program: ProgramName): { readonly orders: readonly Order[] } {
  return { orders: [{ name: 'e', program }] };
}

export const atOnce: Happening['when'] = () => true;
export const isStarted: Happening['when'] = (view) => view.starts('e') > 0;
export const isState =
  (state: OpenExecution['state']): Happening['when'] =>
  (view) =>
    view.state('e') === state;
export const isOver: Happening['when'] = (view) => {
  const state = view.state('e');
  return state !== undefined && !['ACCEPTED', 'LAUNCHING', 'RUNNING', 'STOPPING'].includes(state);
};
