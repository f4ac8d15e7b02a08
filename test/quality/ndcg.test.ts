import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgedAt, ndcgLin, precisionAt } from './ndcg.js';

const gains = new Map([
  ['exact', 1],
  ['substitute', 0.1],
  ['complement', 0.01],
  ['irrelevant', 0],
]);

describe('ndcgLin', () => {
  test('is what the formula gives by hand', () => {
    // 0.1/log2(2) + 0/log2(3) + 1/log2(4) over 1/log2(2) + 0.1/log2(3) + 0.01/log2(4)
    const expected = (0.1 + 1 / 2) / (1 + 0.1 / Math.log2(3) + 0.01 / 2);
    expect(ndcgLin(['substitute', 'unjudged', 'exact'], gains, 10)).toBeCloseTo(expected, 12);
  });

  test('cuts the ranking and its ideal at the same depth', () => {
    expect(ndcgLin(['substitute', 'exact'], gains, 1)).toBeCloseTo(0.1, 12);
    expect(ndcgLin(['exact'], gains, 1)).toBe(1);
  });

  test('agrees with a naive count over any ranking', () => {
    const ids = fc.uniqueArray(
      fc.integer({ min: 0, max: 40 }).map((number) => `p${number}`),
      { maxLength: 20 },
    );
    const judged = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 0.01, 0.1, 1)), {
      selector: ([id]) => id,
      minLength: 1,
    });
    fc.assert(
      fc.property(ids, judged, fc.integer({ min: 1, max: 12 }), (ranking, judgments, k) => {
        const byId = new Map(judgments.map(([id, gain]) => [`p${id}`, gain]));
        fc.pre([...byId.values()].some((gain) => gain > 0));
        let [sum, best] = [0, 0];
        for (let rank = 1; rank <= k; rank++) sum += (byId.get(ranking[rank - 1] ?? '') ?? 0) * (Math.LN2 / Math.log(rank + 1));
        const descending = [...byId.values()].sort((a, b) => b - a);
        for (let rank = 1; rank <= k; rank++) best += (descending[rank - 1] ?? 0) * (Math.LN2 / Math.log(rank + 1));
        expect(ndcgLin(ranking, byId, k)).toBeCloseTo(sum / best, 9);
        expect(ndcgLin(ranking, byId, k)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  test('is 1 for the best order and not a number without a positive gain', () => {
    expect(ndcgLin(['exact', 'substitute', 'complement', 'irrelevant'], gains, 10)).toBeCloseTo(1, 12);
    expect(ndcgLin(['a'], new Map([['a', 0]]), 10)).toBeNaN();
  });
});

test('judgedAt counts what was judged among what is there', () => {
  expect(judgedAt(['exact', 'unjudged', 'irrelevant', 'unjudged'], gains, 3)).toBeCloseTo(2 / 3, 12);
  expect(judgedAt([], gains, 10)).toBe(0);
});

test('precisionAt counts missing hits as misses', () => {
  expect(precisionAt(['red', 'blue', 'red'], (id) => id === 'red', 10)).toBeCloseTo(0.2, 12);
});
