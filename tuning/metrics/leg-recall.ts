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
 * (`recall_k` of trec_eval per leg). Null where the line keeps no legs, the query failed, or no judged document is relevant.
 */
export function measureLegRecall(line: RunLine, { k, rel }: Cut): LegRecall | null {
  const relevant = Object.entries(line.judgments ?? {}).flatMap(([id, grade]) => (grade >= rel ? [id] : []));
  if (line.legs === undefined || line.state === 'failed' || relevant.length === 0) return null;
  const legs = Object.entries(line.legs).map(([name, ids]): [string, Set<string>] => [name, new Set(ids.slice(0, k ?? ids.length))]);
  const share = (holds: (id: string) => boolean): number => relevant.filter(holds).length / relevant.length;
  return {
    legs: Object.fromEntries(legs.map(([name, ids]) => [name, share((id) => ids.has(id))])),
    fused: share((id) => legs.some(([, ids]) => ids.has(id))),
  };
}

/** Mean leg recall of a run, a line at a time. A leg that was not asked for some query found nothing there. */
export class MeanLegRecall {
  readonly #sums = new Map<string, number>();
  #fused = 0;
  #queries = 0;
  readonly #cut: Cut;

  constructor(cut: Cut) {
    this.#cut = cut;
  }

  take(line: RunLine): void {
    const recall = measureLegRecall(line, this.#cut);
    if (recall === null) return;
    this.#queries += 1;
    this.#fused += recall.fused;
    for (const [name, share] of Object.entries(recall.legs)) this.#sums.set(name, (this.#sums.get(name) ?? 0) + share);
  }

  /** Null where no line has legs and a relevant document. */
  means(): LegRecall | null {
    if (this.#queries === 0) return null;
    return {
      legs: Object.fromEntries([...this.#sums].map(([name, sum]) => [name, sum / this.#queries])),
      fused: this.#fused / this.#queries,
    };
  }
}
