import { PRODUCT, type CosinePair, type ProductIndexMeta } from '../../mappings/product-index.js';
import type { Json, JsonObject } from '../json/value.js';

/** A vector to look around, and the kind of pair that it makes with a product's. */
export interface Probe {
  readonly field: 'text' | 'image';
  readonly vector: readonly number[];
  readonly pair: CosinePair;
  /** Default 1. */
  readonly weight?: number;
}

/** A member of `_source` as a vector; null where it is none. */
export function readVector(value: Json | undefined): number[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const numbers = value.filter((each) => typeof each === 'number');
  return numbers.length === value.length ? numbers : null;
}

/**
 * The query for products near the probes. A clause scores (1 + cosine) / 2; several are summed, each over the spread that cosines of its
 * kind have in this index, so that a text as near as texts come counts as much as a picture as near as pictures come.
 * @param options.k neighbours of each probe
 * @param options.more clauses that only raise scores
 */
export function nearestQuery(
  probes: readonly Probe[],
  options: { k: number; filter: readonly Json[]; mustNot: readonly Json[]; meta: ProductIndexMeta | null; more?: readonly Json[] },
): JsonObject {
  const { k, filter, mustNot, meta, more = [] } = options;
  const around = filter.length + mustNot.length === 0 ? {} : { filter: { bool: { filter: [...filter], must_not: [...mustNot] } } };
  const knn = ({ field, vector }: Probe, boost: number): JsonObject => ({
    knn: {
      [field === 'text' ? PRODUCT.textVector : PRODUCT.imageVector]: {
        vector: [...vector],
        k,
        ...around,
        ...(boost === 1 ? {} : { boost }),
      },
    },
  });
  const [single] = probes;
  if (single && probes.length + more.length === 1) return knn(single, 1);
  const boosts = probes.map(({ pair, weight = 1 }) => weight / (meta?.cosine_stats[pair]?.[1] ?? 1));
  return {
    bool: {
      should: [...probes.map((probe, place) => knn(probe, boosts[place] ?? 1)), ...more],
      minimum_should_match: 1,
      filter: [...filter],
      must_not: [...mustNot],
    },
  };
}
