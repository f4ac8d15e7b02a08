/** Gains of the four ESCI grades as the data set's authors use them (Reddy et al. 2022). */
export const ESCI_GAINS = { E: 1, S: 0.1, C: 0.01, I: 0 } as const;
export type EsciGrade = keyof typeof ESCI_GAINS;

/** Gains of judged products by id; a product that is not in it is unjudged and counts 0. */
export type Gains = ReadonlyMap<string, number>;

/**
 * Normalised discounted cumulative gain with linear gains (Järvelin, Kekäläinen 2002; `ndcg_cut` of trec_eval):
 * Σ gain(i) / log2(i + 1) over ranks i = 1…k, divided by the same sum over all judged products in their best order, cut
 * at k. 0–1. A query without a single positive gain has no best order: NaN, which a mean must not hide.
 */
export function ndcgLin(ranking: readonly string[], gains: Gains, k: number): number {
  const ideal = [...gains.values()].sort((a, b) => b - a);
  return (
    discount(
      ranking.map((id) => gains.get(id) ?? 0),
      k,
    ) / discount(ideal, k)
  );
}

/** Σ gain(i) / log2(i + 1) over the first k. */
function discount(gains: readonly number[], k: number): number {
  return gains.slice(0, k).reduce((sum, gain, place) => sum + gain / Math.log2(place + 2), 0);
}

/** Share of the first k that were judged at all, 0–1; an nDCG over few judged products says little. */
export function judgedAt(ranking: readonly string[], gains: Gains, k: number): number {
  const top = ranking.slice(0, k);
  return top.length === 0 ? 0 : top.filter((id) => gains.has(id)).length / top.length;
}

/** Share of the first k that are wanted, 0–1; fewer than k hits count as misses. */
export function precisionAt(ranking: readonly string[], isWanted: (id: string) => boolean, k: number): number {
  return ranking.slice(0, k).filter(isWanted).length / k;
}
