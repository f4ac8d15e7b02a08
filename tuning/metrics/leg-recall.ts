import type { RunLine } from '../run/run-line.js';
import type { Cut } from './binary-relevance.js';

/** Recall by leg and of all legs together, each 0–1. */
export interface LegRecall {
  readonly legs: Readonly<Record<string, number>>;
  /** Of the union: what ranking could have brought to the top at most. */
  readonly fused: number;
}

/**
 * Could ranking have won? The share of the relevant judged documents that the first k of each leg hold, and of the union of them
 * (`recall_k` of trec_eval per leg). A leg's documents beyond the answer have no grade in the line, so the judgments of the query are
 * asked for. Null where the line keeps no legs, the query failed, or no judged document is relevant.
 */
export function measureLegRecall(line: RunLine, grades: ReadonlyMap<string, number>, { k, rel }: Cut): LegRecall | null {
  const relevant = [...grades].filter(([, grade]) => grade >= rel).map(([id]) => id);
  if (line.legs === undefined || line.state === 'failed' || relevant.length === 0) return null;
  const legs = Object.entries(line.legs).map(([name, ids]): [string, Set<string>] => [name, new Set(ids.slice(0, k ?? ids.length))]);
  const share = (holds: (id: string) => boolean): number => relevant.filter(holds).length / relevant.length;
  return {
    legs: Object.fromEntries(legs.map(([name, ids]) => [name, share((id) => ids.has(id))])),
    fused: share((id) => legs.some(([, ids]) => ids.has(id))),
  };
}
