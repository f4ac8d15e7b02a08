import { describe, expect, it } from 'vitest';
import { checkMetric, measureLine } from '../../../tuning/compare/line-metric.js';
import { inventLine } from './invented-run.js';

const line = inventLine({ query_id: 'q', grades: [1, null, 3, 0], judged: [3, 2, 1, 0] });

describe('measureLine', () => {
  it('divides exponential gains by the best order of all judged', () => {
    const [one, two, three] = [1, Math.log2(3), 2];
    expect(measureLine(line, 'ndcg@3')).toBeCloseTo((1 / one + 7 / three) / (7 / one + 3 / two + 1 / three), 12);
    expect(measureLine(line, 'ndcg_lin@3')).toBeCloseTo((1 / one + 3 / three) / (3 / one + 2 / two + 1 / three), 12);
    expect(measureLine(line, 'ndcg_lin@1')).toBeCloseTo(1 / 3, 12);
  });

  it('counts relevant hits from grade 1 on, and judged ones', () => {
    expect(measureLine(line, 'mrr')).toBe(1);
    expect(measureLine(inventLine({ query_id: 'q', grades: [0, 0.5, 2] }), 'mrr')).toBeCloseTo(1 / 3, 12);
    expect(measureLine(inventLine({ query_id: 'q', grades: [0, 0.5, 2] }), 'mrr@2')).toBe(0);
    expect(measureLine(line, 'p@5')).toBe(2 / 5);
    expect(measureLine(line, 'judged@4')).toBe(3 / 4);
  });

  it('is null where a metric says nothing of the query, and 0 for an answer without hits', () => {
    const hopeless = inventLine({ query_id: 'q', grades: [0, 0] });
    for (const metric of ['ndcg@10', 'ndcg_lin@10', 'mrr', 'p@10']) expect(measureLine(hopeless, metric)).toBeNull();
    const empty = inventLine({ query_id: 'q', state: 'zero-results', hits: [], judged: [2] });
    expect(['ndcg@10', 'ndcg_lin@10', 'mrr', 'p@10', 'judged@10'].map((metric) => measureLine(empty, metric))).toEqual([0, 0, 0, 0, null]);
  });
});

it.each(['ndcg', 'ndcg@0', 'NDCG@10', 'map@10 ', 'toString'])('knows no metric %j', (name) => {
  expect(() => checkMetric(name)).toThrow('known: ndcg@k');
});
