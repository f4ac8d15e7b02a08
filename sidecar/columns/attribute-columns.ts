import { PURCHASE, identifyAction } from '../../models/feature-set.js';
import { logOf, meanOf, scale, standardise, weightedMean, type ColumnValues, type ColumnsOfList } from './column-values.js';
import type { ListFacts } from './list-facts.js';

/** Reviews that the list's mean rating counts for. */
const PRIOR_REVIEWS = 10;

/** A product's price, ratings, brand and categories, alone, beside the query's words, and beside the shopper's history. */
export const ATTRIBUTE_COLUMNS: ColumnsOfList = {
  log_price_z: ({ candidates }) => standardise(candidates.map(({ item }) => logOf(item?.price))),
  price_missing: ({ candidates }) => candidates.map(({ item }) => (logOf(item?.price) === null ? 1 : 0)),
  rating_z: ({ candidates }) => {
    const mean = meanOf(candidates.map(({ item }) => item?.rating ?? null)) ?? 0;
    const smoothed = candidates.map(({ item }) => {
      if (item === null || item.rating === null) return null;
      const reviews = item.ratingCount ?? 1;
      return (reviews * item.rating + PRIOR_REVIEWS * mean) / (reviews + PRIOR_REVIEWS);
    });
    return standardise(smoothed);
  },
  log_reviews: ({ candidates }) => candidates.map(({ item }) => scale(logOf(item?.ratingCount), 1 / 5)),
  price_closeness: (list) => {
    const logPrice = weightedMean(
      list.history.map(({ item }) => logOf(item?.price)),
      list.eventWeights(),
    );
    return list.candidates.map(({ item }) => {
      const price = logOf(item?.price);
      return price === null || logPrice === null ? null : Math.exp(-Math.abs(price - logPrice));
    });
  },
  brand_affinity: (list) => affinity(list, list.similarity().brand),
  category_affinity: (list) => affinity(list, list.similarity().category),
  seen: (list) => list.recency().map((value) => (value === null ? 0 : 1)),
  seen_recency: (list) => list.recency(),
  bought: ({ candidates, history }) => {
    const bought = new Set(history.flatMap(({ objectId, action }) => (identifyAction(action) === PURCHASE ? [objectId] : [])));
    return candidates.map(({ item }) => (item !== null && bought.has(item.id) ? 1 : 0));
  },
  history_length: (list) => {
    const length = list.historyLength();
    return list.candidates.map(() => length);
  },
  query_category_match: ({ candidates, query }) => {
    const words = wordsOf(query.text ?? '');
    return candidates.map(({ item }) => {
      if (item === null || item.category.length === 0 || words.length === 0) return null;
      const own = categoryWords(item.category);
      return words.filter((word) => own.has(word)).length / words.length;
    });
  },
};

/** Mean similarity of each candidate with the history under the events' weights; null without a known product. */
function affinity(list: ListFacts, similarity: Float32Array): ColumnValues {
  const weights = list.knownWeights();
  const rows = list.candidates.length;
  let total = 0;
  for (const weight of weights) total += weight;
  if (total === 0) return new Array<null>(rows).fill(null);
  const shares = new Array<number>(rows);
  for (let row = 0, at = 0; row < rows; row += 1) {
    let sum = 0;
    for (let place = 0; place < weights.length; place += 1, at += 1) sum += (weights[place] ?? 0) * (similarity[at] ?? 0);
    shares[row] = sum / total;
  }
  return shares;
}

/** Remembered with the list of values, which the item store keeps from search to search. */
function categoryWords(category: readonly string[]): ReadonlySet<string> {
  let words = wordsByCategory.get(category);
  if (words === undefined) wordsByCategory.set(category, (words = new Set(category.flatMap(wordsOf))));
  return words;
}
const wordsByCategory = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Runs of letters and digits, in lower case. */
function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
