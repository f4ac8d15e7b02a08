import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seedStream } from '../../../models/random-stream.js';
import { measureRelativeGain } from '../../../tuning/significance/relative-gain.js';

/** As NDCG of one wanted product is: often 0, else high for the places at the top. */
function drawQueries(seed: number, count: number, gain: number): { a: number; b: number }[] {
  const next = seedStream(seed);
  return Array.from({ length: count }, () => {
    const hard = next();
    const a = next() < hard ? 0 : next();
    return { a, b: a * (1 + gain) + (next() - 0.5) * 0.4 };
  });
}

describe('the relative gain of paired values', () => {
  test('is the ratio of the means, not the mean of the ratios', () => {
    const { gain } = measureRelativeGain(
      [
        { a: 0.1, b: 0.3 },
        { a: 0.9, b: 0.9 },
        { a: 0, b: 0.3 },
      ],
      { seed: 1, draws: 50 },
    );
    expect(gain).toBeCloseTo(0.5, 12); // 1.5 / 1.0
  });

  test('has the interval of resampled pairs, derived again from the same draws', () => {
    const pairs = drawQueries(3, 15, 0.3);
    const draws = 400;
    const next = seedStream(11);
    const gains: number[] = [];
    for (let draw = 0; draw < draws; draw += 1) {
      const drawn = pairs.map(() => pairs[Math.floor(next() * pairs.length)] ?? { a: Number.NaN, b: Number.NaN });
      gains.push(drawn.reduce((sum, { b }) => sum + b, 0) / drawn.reduce((sum, { a }) => sum + a, 0) - 1);
    }
    gains.sort((one, other) => one - other);
    // Hesterberg’s level for 15 values: t(.975, 14) = 2.144787; 1 − 2 Φ(−√(15/14) · 2.144787) = .973586.
    const tail = (1 - 0.973586) / 2;
    const at = (share: number): number => {
      const place = share * (draws - 1);
      const [low, high] = [gains[Math.floor(place)] ?? Number.NaN, gains[Math.ceil(place)] ?? Number.NaN];
      return low + (high - low) * (place - Math.floor(place));
    };
    const { interval } = measureRelativeGain(pairs, { seed: 11, draws });
    expect(interval[0]).toBeCloseTo(at(tail), 3);
    expect(interval[1]).toBeCloseTo(at(1 - tail), 3);
  });

  test('holds the true gain in about 95 of 100 samples', () => {
    const seeds = Array.from({ length: 300 }, (_, seed) => seed);
    const held = seeds.filter((seed) => {
      const { interval } = measureRelativeGain(drawQueries(seed, 150, 0.3), { seed, draws: 400 });
      return interval[0] <= 0.3 && interval[1] >= 0.3;
    });
    expect(held.length / seeds.length).toBeGreaterThan(0.91);
    expect(held.length / seeds.length).toBeLessThan(0.985);
  });

  test('does not know a scale, and says nothing where there is nothing to gain on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 2,
          maxLength: 30,
        }),
        (drawn) => {
          const pairs = drawn.map(([a, b]) => ({ a, b }));
          const one = measureRelativeGain(pairs, { seed: 5, draws: 60 });
          const other = measureRelativeGain(
            pairs.map(({ a, b }) => ({ a: 4 * a, b: 4 * b })),
            { seed: 5, draws: 60 },
          );
          expect(other).toEqual(one);
          expect(one.interval[0]).toBeLessThanOrEqual(one.interval[1]);
        },
      ),
    );
    expect(measureRelativeGain([], { seed: 1 })).toEqual({ gain: Number.NaN, interval: [Number.NaN, Number.NaN] });
    expect(measureRelativeGain([{ a: 0, b: 1 }], { seed: 1 }).gain).toBeNaN();
  });
});
