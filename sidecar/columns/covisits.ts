import type { CandidateList, Item } from '../candidate-list.js';
import { digestIds } from '../statistics/neighbours.js';
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
  const { placeOf, ids, statistics } = distinctProducts(history);
  const width = ids.length;
  const weights = new Float32Array(candidates.length * width);
  const cosines = new Float32Array(candidates.length * width);
  // Only where somebody has neighbours: a shop without a log pays nothing.
  const listed = once(() => digestIds(candidates.map(({ item }) => item?.id ?? null)));
  statistics.forEach((past, place) => {
    past?.neighbours?.meet(listed().digests, (product, neighbour) => {
      const at = (listed().places[product] ?? 0) * width + place;
      weights[at] = past.neighbours?.weights[neighbour] ?? 0;
      cosines[at] = past.neighbours?.cosines[neighbour] ?? 0;
    });
  });
  const seen = once(() => digestIds(ids));
  candidates.forEach(({ item }, row) => {
    const own = item?.statistics?.neighbours;
    own?.meet(seen().digests, (product, neighbour) => {
      const at = row * width + (seen().places[product] ?? 0);
      weights[at] = own.weights[neighbour] ?? 0;
      cosines[at] = own.cosines[neighbour] ?? 0;
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
        statistics.forEach((past, place) => {
          if (past?.factor) products[row * width + place] = dot(own, past.factor);
        });
      });
      return products;
    }),
    factorsKnown: statistics.filter((past) => past?.factor).length,
  };
}

/** The products of a history, each once, with the statistics that any of its events has. */
function distinctProducts(history: CandidateList['history']): { placeOf: number[]; ids: string[]; statistics: Item['statistics'][] } {
  const places = new Map<string, number>();
  const statistics: Item['statistics'][] = [];
  const placeOf = history.map(({ objectId, item }) => {
    const place = places.get(objectId) ?? places.size;
    places.set(objectId, place);
    statistics[place] ??= item?.statistics ?? null;
    return place;
  });
  return { placeOf, ids: [...places.keys()], statistics };
}
