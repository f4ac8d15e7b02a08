import type { ItemStatistics } from '../statistics/item-statistics.js';
import type { Covisits } from './covisits.js';
import { logOf, scale, type ColumnValues, type ColumnsOfList } from './column-values.js';
import type { ListFacts } from './list-facts.js';

/** As with reviews, ln(1 + 148) is 1. */
const COUNT_SCALE = 1 / 5;

/** What the statistics of the shop's own events say of each candidate, and of its company in the shopper's history. */
export const BEHAVIOUR_COLUMNS: ColumnsOfList = {
  covisit_max: (list) => pool(list, ({ weights, width }, row) => Math.log1p(greatestOf(weights, row, width))),
  covisit_sum: (list) => pool(list, ({ weights, width }, row) => Math.log1p(sumOf(weights, row, width))),
  covisit_cosine_sum: (list) => pool(list, ({ cosines, width }, row) => sumOf(cosines, row, width)),
  factor_cosine: (list) =>
    pool(list, ({ factors, factorsKnown, width }, row) => {
      if (factorsKnown === 0 || !list.candidates[row]?.item?.statistics?.factor) return null;
      return sumOf(factors(), row, width) / factorsKnown;
    }),
  popularity: (list) => read(list, ({ popularity }) => popularity),
  popularity_7d: (list) => read(list, ({ popularity7d }) => popularity7d),
  popularity_in_category: (list) => read(list, ({ popularityInCategory }) => popularityInCategory),
  log_views_7d: (list) => read(list, ({ views7d }) => scale(logOf(views7d), COUNT_SCALE)),
  log_carts_7d: (list) => read(list, ({ carts7d }) => scale(logOf(carts7d), COUNT_SCALE)),
  log_purchases_7d: (list) => read(list, ({ purchases7d }) => scale(logOf(purchases7d), COUNT_SCALE)),
  ctr: (list) => read(list, ({ ctr }) => ctr),
  cvr: (list) => read(list, ({ cvr }) => cvr),
  popularity_by_history: (list) => {
    const length = list.historyLength();
    return read(list, ({ popularity }) => (length === null ? null : scale(popularity, length)));
  },
};

/** A member of each candidate's own statistics. */
function read({ candidates }: ListFacts, member: (statistics: ItemStatistics) => number | null): ColumnValues {
  return candidates.map(({ item }) => (item?.statistics ? member(item.statistics) : null));
}

/** A number made of each candidate's row of meetings with the history. */
function pool(list: ListFacts, reduce: (met: Covisits, row: number) => number | null): ColumnValues {
  const met = list.covisits();
  return list.candidates.map((_, row) => reduce(met, row));
}

function sumOf(matrix: Float32Array, row: number, width: number): number {
  let sum = 0;
  for (let at = row * width; at < (row + 1) * width; at += 1) sum += matrix[at] ?? 0;
  return sum;
}

function greatestOf(matrix: Float32Array, row: number, width: number): number {
  let greatest = 0;
  for (let at = row * width; at < (row + 1) * width; at += 1) greatest = Math.max(greatest, matrix[at] ?? 0);
  return greatest;
}
