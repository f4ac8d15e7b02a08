import { FEATURE_SET, PURCHASE, identifyAction } from '../models/feature-set.js';
import type { ProductIndexMeta } from '../mappings/product-index.js';

/** What the item store knows of a product. Vectors are unit length. */
export interface Item {
  id: string;
  text: Float32Array | null;
  image: Float32Array | null;
  price: number | null;
  rating: number | null;
  ratingCount: number | null;
  brand: string | null;
  /** Broad to narrow, or the values of a facet. */
  category: readonly string[];
}

/** One hit of the window; ranks count from 0. */
export interface Candidate {
  /** Null: the item store does not hold it (yet); it is ranked by its first-phase columns alone. */
  item: Item | null;
  /** Null: not in the first phase, added by a vector leg. */
  firstPhaseScore: number | null;
  firstPhaseRank: number | null;
  textRank: number | null;
  imageRank: number | null;
}

export interface HistoryEntry {
  objectId: string;
  /** UBI's action_name. */
  action: string;
  ageSeconds: number;
  runningSession: boolean;
  item: Item | null;
}

/** All that one ranking looks at. */
export interface CandidateList {
  candidates: readonly Candidate[];
  /** Oldest first; entries before the last 50 are not looked at. */
  history: readonly HistoryEntry[];
  query: { text: string | null; textVector: Float32Array | null; imageVector: Float32Array | null; headVector: Float32Array | null };
  /** Random-pair statistics of the index; a pair without them is not looked at. */
  cosineStats: ProductIndexMeta['cosine_stats'];
  /** A signal switched off is absent everywhere: vectors, leg ranks, history. */
  signals: { text: boolean; image: boolean; history: boolean };
  textDims: number;
  imageDims: number;
}

/** Similarity in attributes of each candidate with each history entry, [N·L] row-major, 0–1. */
export interface AttributeSimilarity {
  brand: Float32Array;
  category: Float32Array;
}

/** Weight of an event lost with each later event. */
const HISTORY_DECAY = 0.9;
/** Rank at which a reciprocal-rank column has fallen to one half. */
const HALF_RANK = 10;
/** Reviews that the list's mean rating counts for. */
const PRIOR_REVIEWS = 10;
const RETRIEVERS = 3;
const LONG_QUERY_WORDS = 8;
const LONGEST_HISTORY = 50;

/** Values of one column for all candidates, null where not known. */
type ColumnValues = (number | null)[];

/**
 * The columns of the feature set, [N·F] row-major, missing values as declared, clipped.
 * @param list with its history already cut and its signals already applied
 */
export function computeColumns(list: CandidateList, similarity: AttributeSimilarity): Float32Array {
  const computed = new Map<string, ColumnValues>([
    ...firstPhaseColumns(list),
    ...itemColumns(list.candidates),
    ...userColumns(list, similarity),
  ]);
  const width = FEATURE_SET.columns.length;
  const columns = new Float32Array(list.candidates.length * width);
  FEATURE_SET.columns.forEach(({ name, missing, clip }, place) => {
    const values = computed.get(name);
    if (!values) throw new Error(`feature-set.json lists the column "${name}", which nothing computes`);
    values.forEach((value, row) => {
      columns[row * width + place] = value === null ? missing : Math.min(clip[1], Math.max(clip[0], value));
    });
  });
  return columns;
}

function firstPhaseColumns({ candidates, query }: CandidateList): [string, ColumnValues][] {
  const standard = standardise(candidates.map(({ firstPhaseScore }) => firstPhaseScore));
  const scored = standard.filter((z) => z !== null).sort((a, b) => b - a);
  const lowest = scored.at(-1) ?? null;
  const gap = scored.length > 1 ? (scored[0] ?? 0) - (scored[1] ?? 0) : null;
  const words = query.text?.split(/\s+/).filter((word) => word !== '').length ?? 0;
  const found = (rank: number | null): number => (rank === null ? 0 : 1);
  return [
    ['first_phase_z', standard.map((z) => z ?? lowest)],
    ['first_phase_rr', candidates.map(({ firstPhaseRank }) => reciprocalRank(firstPhaseRank))],
    ['is_added', candidates.map(({ firstPhaseScore }) => (firstPhaseScore === null ? 1 : 0))],
    ['retrievers', candidates.map((hit) => (found(hit.firstPhaseRank) + found(hit.textRank) + found(hit.imageRank)) / RETRIEVERS)],
    ['first_phase_gap', candidates.map(() => gap)],
    ['query_length', candidates.map(() => (words === 0 ? null : words / LONG_QUERY_WORDS))],
    ['text_knn_rr', candidates.map(({ textRank }) => reciprocalRank(textRank))],
    ['image_knn_rr', candidates.map(({ imageRank }) => reciprocalRank(imageRank))],
  ];
}

function itemColumns(candidates: readonly Candidate[]): [string, ColumnValues][] {
  const ratings = candidates.map(({ item }) => item?.rating ?? null);
  const mean = meanOf(ratings) ?? 0;
  const smoothed = candidates.map(({ item }) => {
    if (item === null || item.rating === null) return null;
    const reviews = item.ratingCount ?? 1;
    return (reviews * item.rating + PRIOR_REVIEWS * mean) / (reviews + PRIOR_REVIEWS);
  });
  return [
    ['log_price_z', standardise(candidates.map(({ item }) => logOf(item?.price)))],
    ['price_missing', candidates.map(({ item }) => (logOf(item?.price) === null ? 1 : 0))],
    ['rating_z', standardise(smoothed)],
    ['log_reviews', candidates.map(({ item }) => scale(logOf(item?.ratingCount), 1 / 5))],
  ];
}

function userColumns({ candidates, history }: CandidateList, similarity: AttributeSimilarity): [string, ColumnValues][] {
  const weights = history.map((_, place) => HISTORY_DECAY ** (history.length - 1 - place));
  const logPrice = weightedMean(
    history.map(({ item }) => logOf(item?.price)),
    weights,
  );
  const known = history.map(({ item }, place) => (item === null ? 0 : (weights[place] ?? 0)));
  const lastSeen = new Map<string, number>();
  const bought = new Set<string>();
  for (const { objectId, ageSeconds, action } of history) {
    lastSeen.set(objectId, Math.min(ageSeconds, lastSeen.get(objectId) ?? Infinity));
    if (identifyAction(action) === PURCHASE) bought.add(objectId);
  }
  const recency = candidates.map(({ item }) => {
    const age = item === null ? undefined : lastSeen.get(item.id);
    return age === undefined ? null : 1 / (1 + Math.log1p(Math.max(0, age) / 3600));
  });
  return [
    [
      'price_closeness',
      candidates.map(({ item }) => {
        const price = logOf(item?.price);
        return price === null || logPrice === null ? null : Math.exp(-Math.abs(price - logPrice));
      }),
    ],
    ['brand_affinity', affinity(similarity.brand, known, candidates.length)],
    ['category_affinity', affinity(similarity.category, known, candidates.length)],
    ['seen', recency.map((value) => (value === null ? 0 : 1))],
    ['seen_recency', recency],
    ['bought', candidates.map(({ item }) => (item !== null && bought.has(item.id) ? 1 : 0))],
    ['history_length', candidates.map(() => (history.length === 0 ? null : Math.log1p(history.length) / Math.log1p(LONGEST_HISTORY)))],
  ];
}

/** Mean similarity of each candidate with the history under the entries' weights; null without a known entry. */
function affinity(similarity: Float32Array, weights: readonly number[], rows: number): ColumnValues {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return new Array<null>(rows).fill(null);
  const shares = new Array<number>(rows);
  for (let row = 0, at = 0; row < rows; row += 1) {
    let sum = 0;
    for (let place = 0; place < weights.length; place += 1, at += 1) sum += (weights[place] ?? 0) * (similarity[at] ?? 0);
    shares[row] = sum / total;
  }
  return shares;
}

function reciprocalRank(rank: number | null): number | null {
  return rank === null ? null : HALF_RANK / (HALF_RANK + rank);
}

/** ln(1 + value) of a value from 0 up. */
function logOf(value: number | null | undefined): number | null {
  return value === null || value === undefined || !(value >= 0) ? null : Math.log1p(value);
}

function scale(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

function meanOf(values: readonly (number | null)[]): number | null {
  return weightedMean(
    values,
    values.map(() => 1),
  );
}

function weightedMean(values: readonly (number | null)[], weights: readonly number[]): number | null {
  let sum = 0;
  let total = 0;
  values.forEach((value, place) => {
    if (value === null) return;
    sum += value * (weights[place] ?? 0);
    total += weights[place] ?? 0;
  });
  return total === 0 ? null : sum / total;
}

/** (x − mean) / sd (of the population) over the values that are known; 0 where all are alike. */
function standardise(values: ColumnValues): ColumnValues {
  const mean = meanOf(values);
  if (mean === null) return values;
  const variance = meanOf(values.map((value) => (value === null ? null : (value - mean) ** 2))) ?? 0;
  // Values that differ by rounding alone are alike.
  const spread = variance > 1e-18 * (1 + mean * mean) ? Math.sqrt(variance) : Infinity;
  return values.map((value) => (value === null ? null : (value - mean) / spread));
}
