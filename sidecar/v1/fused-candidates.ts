/** Ids that one source names, best first, and how much its ranks count. */
export interface RankedSource {
  readonly ids: readonly string[];
  readonly weight: number;
}

/** Reciprocal rank fusion's constant (Cormack, Clarke, Büttcher 2009). */
const RANK_CONSTANT = 60;

/**
 * Reciprocal rank fusion: Σ weight / (60 + rank), ranks from 1. Best first; ties by the order of the sources.
 * @returns scores over the best one's, above 0 and at most 1
 */
export function fuseSources(sources: readonly RankedSource[]): { id: string; score: number }[] {
  const scores = new Map<string, number>();
  for (const { ids, weight } of sources)
    ids.forEach((id, place) => scores.set(id, (scores.get(id) ?? 0) + weight / (RANK_CONSTANT + place + 1)));
  const best = Math.max(Number.MIN_VALUE, ...scores.values());
  return [...scores].map(([id, score]) => ({ id, score: score / best })).sort((a, b) => b.score - a.score);
}
