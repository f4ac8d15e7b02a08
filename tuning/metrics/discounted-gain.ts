import type { RunHit } from '../run/run-line.js';

/** What a metric of one answer looks at: the list, best first, and all grades that the judgments hold for the query. */
export interface GradedList {
  readonly hits: readonly RunHit[];
  readonly judged: readonly number[];
}

/**
 * nDCG@k with exponential gain, 0–1: Σ (2^r − 1) / log2(i + 1) over ranks i = 1…k, divided by the same sum over ALL judged documents in
 * their best order, cut at k (Burges et al. 2005, "Learning to rank using gradient descent"; `ndcg_burges` of ranx,
 * `nDCG(dcg='exp-log2')@k` of ir_measures). Not judged, or graded below 0: gain 0. Null where no judged document has a gain.
 */
export function measureNdcg(list: GradedList, k: number): number | null {
  return normalise(list, k, (grade) => 2 ** grade - 1);
}

/**
 * nDCG@k with linear gain, 0–1: r instead of 2^r − 1 (Järvelin, Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques";
 * `ndcg_cut` of trec_eval, `ndcg` of ranx, `nDCG@k` of ir_measures). The one for fractional gains. Null as for `measureNdcg`.
 */
export function measureLinearNdcg(list: GradedList, k: number): number | null {
  return normalise(list, k, (grade) => grade);
}

function normalise({ hits, judged }: GradedList, k: number, gain: (grade: number) => number): number | null {
  const best = [...judged].sort((a, b) => b - a);
  const ideal = discount(best, k, gain);
  if (ideal <= 0) return null;
  const reached = discount(
    hits.slice(0, k).map(({ grade }) => grade ?? 0),
    k,
    gain,
  );
  return reached / ideal;
}

/** DCG of the first k. */
function discount(grades: readonly number[], k: number, gain: (grade: number) => number): number {
  let sum = 0;
  for (let place = 0; place < Math.min(k, grades.length); place++) sum += Math.max(0, gain(grades[place] ?? 0)) / Math.log2(place + 2);
  return sum;
}
