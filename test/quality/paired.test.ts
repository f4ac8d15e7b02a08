import { describe, expect, test } from 'vitest';
import { comparePaired, standardError, verdictOf } from './paired.js';

const of = (...values: number[]): Map<string, number> => new Map(values.map((value, place) => [`q${place}`, value]));

describe('comparePaired', () => {
  test('takes the differences query by query', () => {
    const result = comparePaired(of(0.2, 0.5, 0.5, 0.9), of(0.4, 0.5, 0.6, 0.8), { seed: 1 });
    expect(result.difference).toBeCloseTo(0.05, 12);
    expect(result).toMatchObject({ wins: 2, ties: 1, losses: 1 });
    expect(result.interval[0]).toBeLessThanOrEqual(0.05);
    expect(result.interval[1]).toBeGreaterThanOrEqual(0.05);
  });

  test('gives the same interval for the same seed', () => {
    const [a, b] = [of(0.1, 0.4, 0.3, 0.8, 0.2), of(0.3, 0.3, 0.6, 0.9, 0.2)];
    expect(comparePaired(a, b, { seed: 7 })).toEqual(comparePaired(a, b, { seed: 7 }));
  });

  test('has an interval of no width where every difference is the same', () => {
    const { interval } = comparePaired(of(0.1, 0.2, 0.3), of(0.2, 0.3, 0.4), { seed: 3 });
    expect(interval[0]).toBeCloseTo(0.1, 9);
    expect(interval[1]).toBeCloseTo(0.1, 9);
  });

  test('approaches the interval of the normal distribution on many queries', () => {
    const values = Array.from({ length: 400 }, (_, place) => ((place * 7919) % 400) / 400 - 0.5);
    const { interval } = comparePaired(of(...values.map(() => 0)), of(...values), { seed: 5 });
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(interval[0]).toBeCloseTo(mean - 1.96 * standardError(values), 2);
    expect(interval[1]).toBeCloseTo(mean + 1.96 * standardError(values), 2);
  });

  test('refuses other queries on the other side', () => {
    expect(() => comparePaired(of(1, 2), of(1), { seed: 1 })).toThrow('the same queries');
    expect(() => comparePaired(new Map([['a', 1]]), new Map([['b', 1]]), { seed: 1 })).toThrow('the same queries');
  });
});

test('verdictOf says better or worse only where the interval is clear of zero', () => {
  expect(verdictOf({ interval: [0.001, 0.02] })).toBe('better');
  expect(verdictOf({ interval: [-0.02, -0.001] })).toBe('worse');
  expect(verdictOf({ interval: [-0.01, 0.03] })).toBe('not resolved');
});

test('standardError is the sample deviation over the root of the count', () => {
  // Deviations −1.5, −0.5, 0.5, 1.5: variance 5 / 3 over four values.
  expect(standardError([1, 2, 3, 4])).toBeCloseTo(Math.sqrt(5 / 3 / 4), 12);
});
