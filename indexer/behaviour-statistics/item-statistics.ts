import { FACTOR_DIMS, type ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import { factorise } from './behaviour-factors.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { heaviestNeighbours } from './pair-graph.js';
import type { MergedParts } from './part-merge.js';
import { catalogueRate, percentilesOf, percentilesWithin, POPULARITY_USERS, smoothRate } from './popularity.js';
import type { RecentCounts } from './recent-counts.js';

type Counters = Omit<ItemStatisticsDocument, 'item_id' | 'neighbour_ids' | 'neighbour_weights' | 'neighbour_cosines' | 'factor'>;

const UNTOLD: Counters = {
  users: null,
  impressions: null,
  views: null,
  carts: null,
  purchases: null,
  views_7d: null,
  carts_7d: null,
  purchases_7d: null,
  ctr: null,
  cvr: null,
  popularity: null,
  popularity_7d: null,
  popularity_in_category: null,
};

/** Documents of all products of which anything may be told, and how many of them have counters and factors. */
export interface ItemStatistics {
  counted: number;
  factors: number;
  documents(): Generator<ItemStatisticsDocument>;
}

export function describeItems(merged: MergedParts, recent: RecentCounts, catalogue: CountedCatalogue): ItemStatistics {
  const counters = describeCounters(merged, recent, catalogue);
  const factors = factorise(merged.graph, FACTOR_DIMS);
  return {
    counted: counters.size,
    factors: factors.count,
    *documents() {
      for (let item = 0; item < catalogue.ids.length; item += 1) {
        const counted = counters.get(item);
        const neighbours = heaviestNeighbours(merged.graph, item, merged.pairSums);
        if (counted === undefined && neighbours.length === 0) continue;
        const factor = factors.of(item);
        yield {
          item_id: catalogue.ids[item] ?? '',
          ...(counted ?? UNTOLD),
          neighbour_ids: neighbours.map(({ item: other }) => catalogue.ids[other] ?? ''),
          neighbour_weights: neighbours.map(({ weight }) => weight),
          neighbour_cosines: neighbours.map(({ cosine }) => cosine),
          factor: factor && Array.from(factor, (value) => Math.round(value * 1e6) / 1e6),
        };
      }
    },
  };
}

/** Counters of the products that enough shoppers touched, by place. Rates and ranks are among these products alone. */
function describeCounters(merged: MergedParts, recent: RecentCounts, catalogue: CountedCatalogue): Map<number, Counters> {
  const items = [...merged.users.keys()].filter((item) => (merged.users[item] ?? 0) >= POPULARITY_USERS);
  const valuesOf = (counts: Uint32Array): number[] => items.map((item) => counts[item] ?? 0);
  const [impressions, views, carts, purchases] = [merged.impressions, merged.views, merged.carts, merged.purchases].map(valuesOf);
  const [views7, carts7, purchases7] = [recent.views, recent.carts, recent.purchases].map(valuesOf);
  if (!impressions || !views || !carts || !purchases || !views7 || !carts7 || !purchases7) return new Map();
  const events = items.map((_, at) => (views[at] ?? 0) + (carts[at] ?? 0) + (purchases[at] ?? 0));
  const events7 = items.map((_, at) => (views7[at] ?? 0) + (carts7[at] ?? 0) + (purchases7[at] ?? 0));
  const popularity = percentilesOf(events);
  const popularity7 = percentilesOf(events7);
  const inCategory = percentilesWithin(
    events,
    items.map((item) => catalogue.categories[item] ?? null),
  );
  const clickRate = catalogueRate(sum(views), sum(impressions));
  const buyRate = catalogueRate(sum(purchases), sum(views));
  return new Map(
    items.map((item, at) => [
      item,
      {
        users: merged.users[item] ?? 0,
        impressions: impressions[at] ?? 0,
        views: views[at] ?? 0,
        carts: carts[at] ?? 0,
        purchases: purchases[at] ?? 0,
        views_7d: views7[at] ?? 0,
        carts_7d: carts7[at] ?? 0,
        purchases_7d: purchases7[at] ?? 0,
        ctr: clickRate === null ? null : smoothRate(views[at] ?? 0, impressions[at] ?? 0, clickRate),
        cvr: buyRate === null ? null : smoothRate(purchases[at] ?? 0, views[at] ?? 0, buyRate),
        popularity: popularity[at] ?? 0,
        popularity_7d: popularity7[at] ?? 0,
        popularity_in_category: inCategory[at] ?? null,
      },
    ]),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
