import type { Table } from '../measured-page.js';

/** One thing that is demanded. */
export interface Demand {
  readonly what: string;
  /** As one writes it. */
  readonly target: string;
  readonly measured: string;
  /** Null: not measured, or what was measured decides nothing. */
  readonly met: boolean | null;
}

export function verdictTable(demands: readonly Demand[]): Table {
  return {
    columns: ['demand', 'target', 'measured', 'verdict'],
    rows: demands.map(({ what, target, measured, met }) => [
      what,
      target,
      measured,
      met === null ? (measured === '' ? 'not measured' : 'open') : met ? 'met' : '**missed**',
    ]),
  };
}
