import type { ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import { Neighbours } from './neighbours.js';

/** What shoppers did with one product, as ranking sees it. Null: too few shoppers touched it to tell. */
export interface ItemStatistics {
  /** Shares of the counted products with fewer events, 0–1. */
  readonly popularity: number | null;
  readonly popularity7d: number | null;
  readonly popularityInCategory: number | null;
  /** Events of the last 7 days before the statistics' own moment. */
  readonly views7d: number | null;
  readonly carts7d: number | null;
  readonly purchases7d: number | null;
  /** Smoothed rates, 0–1. */
  readonly ctr: number | null;
  readonly cvr: number | null;
  readonly neighbours: Neighbours | null;
  /** Unit vector; null without neighbours. */
  readonly factor: Float32Array | null;
}

/** A product's statistics from its document. */
export function readItemStatistics(document: ItemStatisticsDocument): ItemStatistics {
  const { neighbour_ids: ids, neighbour_weights: weights, neighbour_cosines: cosines, factor } = document;
  return {
    popularity: document.popularity,
    popularity7d: document.popularity_7d,
    popularityInCategory: document.popularity_in_category,
    views7d: document.views_7d,
    carts7d: document.carts_7d,
    purchases7d: document.purchases_7d,
    ctr: document.ctr,
    cvr: document.cvr,
    neighbours: ids.length === 0 ? null : new Neighbours({ ids, weights, cosines }),
    factor: factor && Float32Array.from(factor),
  };
}
