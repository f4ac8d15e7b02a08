import type { CandidateList, HistoryEntry } from '../candidate-list.js';
import { digestId } from '../statistics/neighbours.js';
import { dot, once } from './column-values.js';

/** How each candidate was met together with each distinct product of the history. */
export interface Covisits {
  /** Distinct products of the history, D. */
  readonly width: number;
  /** [L]: the place of each history entry's product among the distinct ones. */
  readonly placeOf: readonly number[];
  /** [N·D] row-major: co-visitation weight, and the same as a cosine; 0 where the two never met. */
  readonly weights: Float32Array;
  readonly cosines: Float32Array;
  /** [N·D]: product of the two factors; 0 where either has none. */
  readonly factors: () => Float32Array;
  /** Distinct products that have a factor. */
  readonly factorsKnown: number;
}

/** Looks every pair up at the candidate and, as its list of neighbours is cut, at the history's product. */
export function meetHistory({ candidates, history }: Pick<CandidateList, 'candidates' | 'history'>): Covisits {
  const places = new Map<string, number>();
  const distinct: { digest: number; statistics: NonNullable<HistoryEntry['item']>['statistics'] }[] = [];
  const placeOf = history.map(({ objectId, item }) => {
    let place = places.get(objectId);
    if (place === undefined) {
      place = distinct.push({ digest: digestId(objectId), statistics: item?.statistics ?? null }) - 1;
      places.set(objectId, place);
    }
    const known = distinct[place];
    if (known && known.statistics === null) known.statistics = item?.statistics ?? null;
    return place;
  });
  const width = distinct.length;
  const weights = new Float32Array(candidates.length * width);
  const cosines = new Float32Array(candidates.length * width);
  const inverse = distinct.some(({ statistics }) => statistics?.neighbours);
  candidates.forEach(({ item }, row) => {
    if (item === null) return;
    const own = item.statistics?.neighbours ?? null;
    if (own === null && !inverse) return;
    const digest = digestId(item.id);
    distinct.forEach((past, place) => {
      const there = own?.find(past.digest) ?? -1;
      const back = there < 0 ? (past.statistics?.neighbours?.find(digest) ?? -1) : -1;
      const neighbours = there >= 0 ? own : past.statistics?.neighbours;
      const found = Math.max(there, back);
      if (found < 0 || !neighbours) return;
      weights[row * width + place] = neighbours.weights[found] ?? 0;
      cosines[row * width + place] = neighbours.cosines[found] ?? 0;
    });
  });
  return {
    width,
    placeOf,
    weights,
    cosines,
    factors: once(() => {
      const products = new Float32Array(candidates.length * width);
      candidates.forEach(({ item }, row) => {
        const own = item?.statistics?.factor;
        if (!own) return;
        distinct.forEach(({ statistics }, place) => {
          if (statistics?.factor) products[row * width + place] = dot(own, statistics.factor);
        });
      });
      return products;
    }),
    factorsKnown: distinct.filter(({ statistics }) => statistics?.factor).length,
  };
}
