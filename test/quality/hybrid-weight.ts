import { meanOf } from '../../tuning/significance/bootstrap.js';

/** Scores of documents by their place in the catalogue; what a retriever did not return has none. */
export type Scores = ReadonlyMap<number, number>;

/** Each retriever's scores are spread over 0–1 before they are mixed: min–max, the last of the list and all behind it at 0. */
export function mixConvex(words: Scores, vectors: Scores, weight: number): [place: number, score: number][] {
  const [a, b] = [spread(words), spread(vectors)];
  const places = new Set([...a.keys(), ...b.keys()]);
  return [...places]
    .map((place): [number, number] => [place, (1 - weight) * (a.get(place) ?? 0) + weight * (b.get(place) ?? 0)])
    .sort(byScore);
}

/** The best `depth` of all scores. */
export function cutBest(scores: ArrayLike<number>, depth: number): Map<number, number> {
  const all = Array.from(scores, (score, place): [number, number] => [place, score]);
  return new Map(all.sort(byScore).slice(0, depth));
}

function byScore(one: readonly [number, number], other: readonly [number, number]): number {
  return other[1] - one[1] || one[0] - other[0];
}

function spread(scores: Scores): Map<number, number> {
  const values = [...scores.values()];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = high - low;
  return new Map([...scores].map(([place, score]) => [place, width > 0 ? (score - low) / width : 1]));
}

/**
 * A value a query at a weight that was chosen on the other folds: the weight whose mean over the queries of all other folds is best, the
 * first of equals. So no query's figure hangs on a choice that it took part in.
 *
 * @param byWeight values a query by weight, all of one length
 * @param folds the fold of each query
 */
export function crossFit(
  byWeight: ReadonlyMap<number, readonly number[]>,
  folds: readonly number[],
): { values: number[]; chosen: Map<number, number> } {
  const chosen = new Map<number, number>();
  for (const fold of new Set(folds)) {
    let best = -Infinity;
    for (const [weight, values] of byWeight) {
      const mean = meanOf(values.filter((_, query) => folds[query] !== fold));
      if (mean > best) {
        best = mean;
        chosen.set(fold, weight);
      }
    }
  }
  const values = folds.map((fold, query) => byWeight.get(chosen.get(fold) ?? Number.NaN)?.[query] ?? Number.NaN);
  return { values, chosen };
}
