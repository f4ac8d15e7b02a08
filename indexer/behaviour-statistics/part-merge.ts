import type { PartRow } from '../../mappings/statistics-parts-index.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { buildPairGraph, type PairGraph } from './pair-graph.js';

/** All parts together, by place in the catalogue. */
export interface MergedParts {
  users: Uint32Array;
  impressions: Uint32Array;
  views: Uint32Array;
  carts: Uint32Array;
  purchases: Uint32Array;
  /** Weight of all pairs of a product, whatever the threshold. */
  pairSums: Float64Array;
  /** Pairs that enough shoppers share. */
  graph: PairGraph;
  pairs: { seen: number; kept: number };
}

/**
 * Adds rows up; products that have left the catalogue are left out.
 * @param rows one a product, see readPartRows
 * @param minUsersPerPair distinct shoppers that a pair must have met in the histories of
 */
export async function mergeParts(
  rows: AsyncIterable<PartRow>,
  { catalogue, minUsersPerPair }: { catalogue: CountedCatalogue; minUsersPerPair: number },
): Promise<MergedParts> {
  const counters = (): Uint32Array => new Uint32Array(catalogue.ids.length);
  const merged = { users: counters(), impressions: counters(), views: counters(), carts: counters(), purchases: counters() };
  const pairSums = new Float64Array(catalogue.ids.length);
  const kept = { low: [] as number[], high: [] as number[], weight: [] as number[] };
  let seen = 0;
  for await (const row of rows) {
    const item = catalogue.places.get(row.item_id);
    if (item === undefined) continue;
    merged.users[item] = row.users;
    merged.impressions[item] = row.impressions;
    merged.views[item] = row.views;
    merged.carts[item] = row.carts;
    merged.purchases[item] = row.purchases;
    row.pairs.ids.forEach((id, at) => {
      const other = catalogue.places.get(id);
      if (other === undefined) return;
      const weight = row.pairs.weights[at] ?? 0;
      seen += 1;
      pairSums[item] = (pairSums[item] ?? 0) + weight;
      pairSums[other] = (pairSums[other] ?? 0) + weight;
      if ((row.pairs.users[at] ?? 0) < minUsersPerPair) return;
      kept.low.push(item);
      kept.high.push(other);
      kept.weight.push(weight);
    });
  }
  return { ...merged, pairSums, graph: buildPairGraph(kept, catalogue.ids.length), pairs: { seen, kept: kept.low.length } };
}
