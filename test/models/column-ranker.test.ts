import { describe, expect, test } from 'vitest';
import { COLUMN_RANKERS, columnRanker, isColumnRanker } from '../../models/column-ranker.js';
import { findColumn } from '../../models/feature-set.js';
import { NonFiniteScores, type RankingInput } from '../../models/ranker.js';

const names = Object.keys(COLUMN_RANKERS).filter(isColumnRanker);

function inputOf(...values: number[]): RankingInput {
  const shape = { lists: 1, candidates: values.length, history: 1, textDims: 1, imageDims: 1, columns: 1 };
  return { shape, values: { columns: Float32Array.from(values) } };
}

describe.each(names)('the ranker %s', (name) => {
  const ranker = columnRanker(name);

  test('wants one column, which exists, and says its name', () => {
    expect(ranker.inputs).toEqual(['columns']);
    expect(ranker.columns.map((column) => findColumn(column)?.name)).toEqual([COLUMN_RANKERS[name]]);
    expect(ranker.id).toBe(`${name}@column`);
  });

  test('scores by the column alone, and trusts it wholly', async () => {
    expect(await ranker.score(inputOf(0.5, 0, 2))).toEqual({
      scores: Float32Array.of(0.5, 0, 2),
      attention: null,
      gate: null,
      contributions: null,
    });
  });

  test('refuses what is no number', async () => {
    await expect(ranker.score(inputOf(1, Number.NaN))).rejects.toThrow(NonFiniteScores);
  });
});

test('other names are no columns', () => {
  for (const name of ['builtin', 'shuffle', 'first-phase', './popularity', 'toString']) expect(isColumnRanker(name)).toBe(false);
});
