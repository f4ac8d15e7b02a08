/** Pairs of products that enough shoppers' histories share, in both directions, row by row. */
export interface PairGraph {
  /** Row `i` is at `offsets[i]` to `offsets[i + 1]` of the other two. */
  offsets: Uint32Array;
  neighbours: Uint32Array;
  weights: Float64Array;
}

/** Pairs as they come, each once. */
export interface PairList {
  low: readonly number[];
  high: readonly number[];
  weight: readonly number[];
}

/** @param items products of the catalogue: places run from 0 to one below */
export function buildPairGraph(pairs: PairList, items: number): PairGraph {
  const offsets = new Uint32Array(items + 1);
  const count = (item: number): void => {
    offsets[item + 1] = (offsets[item + 1] ?? 0) + 1;
  };
  for (const item of pairs.low) count(item);
  for (const item of pairs.high) count(item);
  for (let item = 0; item < items; item += 1) offsets[item + 1] = (offsets[item + 1] ?? 0) + (offsets[item] ?? 0);
  const next = offsets.slice();
  const neighbours = new Uint32Array(2 * pairs.low.length);
  const weights = new Float64Array(neighbours.length);
  const put = (item: number, other: number, weight: number): void => {
    const place = next[item] ?? 0;
    next[item] = place + 1;
    neighbours[place] = other;
    weights[place] = weight;
  };
  pairs.weight.forEach((weight, position) => {
    const [low, high] = [pairs.low[position] ?? 0, pairs.high[position] ?? 0];
    put(low, high, weight);
    put(high, low, weight);
  });
  return { offsets, neighbours, weights };
}

export const NEIGHBOUR_LIMIT = 100;

export interface Neighbour {
  item: number;
  weight: number;
  /** weight / √(sum of one · sum of the other), 0 to 1. */
  cosine: number;
}

/**
 * The heaviest neighbours of a product, at most NEIGHBOUR_LIMIT; equal weights in the order of the catalogue.
 * @param sums weight of all pairs of each product, also of those that were left out of the graph
 */
export function heaviestNeighbours(graph: PairGraph, item: number, sums: Float64Array): Neighbour[] {
  const found: Neighbour[] = [];
  for (let place = graph.offsets[item] ?? 0; place < (graph.offsets[item + 1] ?? 0); place += 1) {
    const other = graph.neighbours[place] ?? 0;
    const weight = roundWeight(graph.weights[place] ?? 0);
    const cosine = weight / Math.sqrt((sums[item] ?? 0) * (sums[other] ?? 0));
    found.push({ item: other, weight, cosine: Math.min(1, Number(cosine.toPrecision(6))) });
  }
  found.sort((a, b) => b.weight - a.weight || a.item - b.item);
  return found.slice(0, NEIGHBOUR_LIMIT);
}

/** Sums of the same numbers in another order differ in the last bits; the order of neighbours must not. */
function roundWeight(weight: number): number {
  return Number(weight.toPrecision(8));
}
