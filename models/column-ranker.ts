import { NonFiniteScores, valuesOf, type Ranker } from './ranker.js';

/** Rankers without a model, each one column of the feature set: what is commonly done, to be measured against. */
export const COLUMN_RANKERS = {
  popularity: 'popularity',
  'popularity-7d': 'popularity_7d',
  'popularity-in-category': 'popularity_in_category',
  'item-knn': 'covisit_cosine_sum',
  'co-visitation': 'covisit_sum',
  'last-item': 'last_item_similarity',
} as const;

export type ColumnRankerName = keyof typeof COLUMN_RANKERS;

export function isColumnRanker(name: string): name is ColumnRankerName {
  return Object.hasOwn(COLUMN_RANKERS, name);
}

/** A ranker whose score is the column; equal values keep the first phase's order. There is nothing to open or to close. */
export function columnRanker(name: ColumnRankerName): Ranker {
  const id = `${name}@column`;
  return {
    id,
    inputs: ['columns'],
    columns: [COLUMN_RANKERS[name]],
    dims: { text: null, image: null },
    modalities: [],
    score(input) {
      const scores = Float32Array.from(valuesOf(input, 'columns'));
      if (!scores.every(Number.isFinite)) return Promise.reject(new NonFiniteScores(`${id} gave a score that is not a number`));
      return Promise.resolve({ scores, attention: null, gate: null, contributions: null });
    },
    contributeColumns(input) {
      return Promise.resolve({ expected: 0, values: Float64Array.from(valuesOf(input, 'columns')) });
    },
    close: () => Promise.resolve(),
  };
}
