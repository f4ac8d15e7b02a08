import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapMean, bootstrapMeans } from '../../../tuning/significance/bootstrap.js';
import { comparePaired, comparePairedColumns, verdictOf } from '../../../tuning/significance/paired-comparison.js';
import { seedStream } from '../../../models/random-stream.js';
import { standardError } from '../../../tuning/significance/student-t.js';

const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

/** Two standard normals from two uniforms (Box–Muller). */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

describe('comparePaired', () => {
  it('counts wins, ties and losses, and takes what differs by rounding alone for a tie', () => {
    expect(comparePaired([0.2, 0, 0.1, -0.1, 0.3 - (0.1 + 0.2)], { seed: 1 })).toMatchObject({ pairs: 5, wins: 2, ties: 2, losses: 1 });
  });

  it('derives the smallest detectable difference from the spread', () => {
    // Deviations −1.5, −.5, .5, 1.5: variance 5/3 over four values; z.975 + z.8 = 1.96 + .8416.
    const { smallestDetectable } = comparePaired([1, 2, 3, 4], { seed: 1 });
    expect(smallestDetectable).toBeCloseTo((1.96 + 0.8416) * Math.sqrt(5 / 3 / 4), 3);
  });

  it('would find a difference of that size four times of five', () => {
    const pairs = 80;
    const size = ((1.96 + 0.8416) * 0.3) / Math.sqrt(pairs);
    const next = seedStream(41);
    let found = 0;
    for (let trial = 0; trial < 400; trial += 1) {
      const { p } = comparePaired(
        Array.from({ length: pairs }, () => size + 0.3 * normal(next)),
        { seed: trial, draws: 50, test: 't' },
      );
      if (p < 0.05) found += 1;
    }
    expect(found / 400).toBeGreaterThan(0.74);
    expect(found / 400).toBeLessThan(0.86);
  });

  it('says of a run beside itself: p 1, no losses, nothing resolved', () => {
    for (const test of ['randomization', 't'] as const) {
      expect(comparePaired(new Array<number>(50).fill(0), { seed: 3, test })).toMatchObject({
        difference: 0,
        interval: [0, 0],
        p: 1,
        wins: 0,
        ties: 50,
        losses: 0,
        smallestDetectable: 0,
        verdict: 'not resolved',
      });
    }
  });

  it('says nothing of no queries', () => {
    expect(comparePaired([], { seed: 1 })).toMatchObject({ pairs: 0, difference: NaN, p: 1, verdict: 'not resolved' });
  });

  it('turns round with the two runs: the same p, the figures negated', () => {
    fc.assert(
      fc.property(differences, fc.nat(), fc.constantFrom('randomization' as const, 't' as const), (values, seed, test) => {
        const options = { seed, draws: 200, test };
        const [forth, back] = [
          comparePaired(values, options),
          comparePaired(
            values.map((value) => -value),
            options,
          ),
        ];
        expect(back.p).toBe(forth.p);
        expect(back.difference).toBeCloseTo(-forth.difference, 12);
        expect([back.wins, back.ties, back.losses]).toEqual([forth.losses, forth.ties, forth.wins]);
        // Resampled by the same places, so the interval is the mirror image.
        expect(back.interval[0]).toBeCloseTo(-forth.interval[1], 12);
        expect(back.interval[1]).toBeCloseTo(-forth.interval[0], 12);
        const turned = { better: 'worse', worse: 'better', 'not resolved': 'not resolved' } as const;
        expect(back.verdict).toBe(turned[forth.verdict]);
      }),
      { numRuns: 60 },
    );
  });

  it('gives each column what it would get alone', () => {
    fc.assert(
      fc.property(fc.array(differences, { minLength: 1, maxLength: 5 }), fc.nat(), (columns, seed) => {
        const options = { seed, draws: 60 };
        expect(bootstrapMeans(columns, options)).toEqual(columns.map((column) => bootstrapMean(column, options)));
        expect(comparePairedColumns(columns, options)).toEqual(columns.map((column) => comparePaired(column, options)));
      }),
      { numRuns: 40 },
    );
  });

  it('approaches the interval of the normal distribution on many queries', () => {
    const values = Array.from({ length: 400 }, (_, place) => ((place * 7919) % 400) / 400 - 0.5);
    const { interval, difference } = comparePaired(values, { seed: 5 });
    expect(interval[0]).toBeCloseTo(difference - 1.96 * standardError(values), 2);
    expect(interval[1]).toBeCloseTo(difference + 1.96 * standardError(values), 2);
  });
});

describe('the word "better"', () => {
  it('is said only where the interval is clear of zero and the test agrees, of six queries or more', () => {
    const sure = { interval: [0.001, 0.02] as const, p: 0.01, pairs: 40 };
    expect(verdictOf(sure)).toBe('better');
    expect(verdictOf({ ...sure, interval: [-0.02, -0.001] })).toBe('worse');
    expect(verdictOf({ ...sure, interval: [-0.01, 0.03] })).toBe('not resolved');
    expect(verdictOf({ ...sure, interval: [0, 0.03] })).toBe('not resolved');
    expect(verdictOf({ ...sure, p: 0.06 })).toBe('not resolved');
    expect(verdictOf({ ...sure, pairs: 5 })).toBe('not resolved');
  });
});

/**
 * What experiments look like: two systems' values between 0 and 1 that share the query's difficulty, with many ties
 * (queries whose list did not change) and a planted mean difference. 1,000 seeds, 1,000 draws each (a run uses 10,000).
 */
describe('over a thousand seeds', () => {
  const SEEDS = 1000;
  const QUERIES = 120;

  function plant(seed: number, { size, queries }: { size: number; queries: number }): number[] {
    const next = seedStream(seed * 7919 + 13);
    // A third of the queries change; among them the mean is three times the planted one, with an SD of .25.
    return Array.from({ length: queries }, () => (next() < 1 / 3 ? 3 * size + 0.25 * normal(next) : 0));
  }

  it.each([QUERIES, 400])('covers a planted difference in 93–97 %: of %i queries', (queries) => {
    let covered = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const [low, high] = comparePaired(plant(seed, { size: 0.02, queries }), { seed, draws: 1000 }).interval;
      if (low <= 0.02 && 0.02 <= high) covered += 1;
    }
    expect(covered / SEEDS).toBeGreaterThanOrEqual(0.93);
    expect(covered / SEEDS).toBeLessThanOrEqual(0.97);
  });

  it.each([50, QUERIES, 400])(
    'says "better" or "worse" of equal systems in at most 6 %, and p is under .05 in about 5 %: of %i queries',
    (queries) => {
      let [resolved, significant] = [0, 0];
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { verdict, p } = comparePaired(plant(seed, { size: 0, queries }), { seed, draws: 1000 });
        if (verdict !== 'not resolved') resolved += 1;
        if (p < 0.05) significant += 1;
      }
      expect(resolved / SEEDS).toBeLessThanOrEqual(0.06);
      expect(significant / SEEDS).toBeGreaterThan(0.03);
      expect(significant / SEEDS).toBeLessThan(0.07);
    },
  );
});
