import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomisationTest } from '../../../tuning/significance/randomisation.js';
import { seedStream } from '../../../models/random-stream.js';
import { expandedLevel } from '../../../tuning/significance/expanded-level.js';
import { centralT, incompleteBeta, pairedTTest } from '../../../tuning/significance/student-t.js';

/** All sign patterns, by recursion. */
function patternSums(differences: readonly number[]): number[] {
  const [first, ...rest] = differences;
  if (first === undefined) return [0];
  return patternSums(rest).flatMap((sum) => [sum + first, sum - first]);
}

describe('the paired randomisation test', () => {
  it('is exact for few queries', () => {
    // Of the 8 patterns of ±1 ±2 ±3, those with |sum| ≥ 6 are +++ and −−−; with |sum| ≥ 4 also those where 1 turns: 4.
    expect(randomisationTest([1, 2, 3], { seed: 1 })).toBe(2 / 8);
    expect(randomisationTest([-1, 2, 3], { seed: 1 })).toBe(4 / 8);
    expect(randomisationTest([0.3], { seed: 1 })).toBe(1);
    expect(randomisationTest([], { seed: 1 })).toBe(1);
  });

  it('counts what full enumeration counts', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 10 }), fc.nat(), (tenths, seed) => {
        const values = tenths.map((value) => value / 10);
        const sums = patternSums(tenths); // whole numbers, so that ties are exact here
        const seen = Math.abs(tenths.reduce((sum, value) => sum + value, 0));
        const expected = sums.filter((sum) => Math.abs(sum) >= seen).length / sums.length;
        expect(randomisationTest(values, { seed })).toBeCloseTo(expected, 12);
      }),
    );
  });

  it('is not moved by queries on which nothing changed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 30 }), fc.nat({ max: 50 }), (values, zeros) => {
        const padded = [...values, ...new Array<number>(zeros).fill(0)];
        expect(randomisationTest(padded, { seed: 4, draws: 200 })).toBe(randomisationTest(values, { seed: 4, draws: 200 }));
      }),
    );
  });

  it('draws patterns for many: near the exact share, from the seed alone, and never 0', () => {
    const values = Array.from({ length: 18 }, (_, place) => ((place * 37) % 19) - 7);
    const seen = Math.abs(values.reduce((sum, value) => sum + value, 0));
    const sums = patternSums(values);
    const exact = sums.filter((sum) => Math.abs(sum) >= seen).length / sums.length;
    const drawn = randomisationTest(values, { seed: 8 });
    // Three standard errors of a share from 10,000 draws.
    expect(Math.abs(drawn - exact)).toBeLessThan(3 * Math.sqrt((exact * (1 - exact)) / 10_000) + 1e-4);
    expect(randomisationTest(values, { seed: 8 })).toBe(drawn);
    expect(randomisationTest(new Array<number>(60).fill(0.1), { seed: 8, draws: 99 })).toBe(1 / 100);
  });

  it('agrees with drawing each sign alone', () => {
    const next = seedStream(77);
    const values = Array.from({ length: 203 }, () => next() - 0.47);
    const seen = Math.abs(values.reduce((sum, value) => sum + value, 0));
    let hits = 0;
    for (let draw = 0; draw < 5000; draw += 1) {
      if (Math.abs(values.reduce((sum, value) => sum + (next() < 0.5 ? value : -value), 0)) >= seen) hits += 1;
    }
    expect(Math.abs(randomisationTest(values, { seed: 1 }) - hits / 5000)).toBeLessThan(0.03);
  });
});

describe('the paired t-test', () => {
  it('gives the p of the tables', () => {
    // Student's table, two-sided: t = 2.776 at 4 degrees of freedom is .05, 2.262 at 9 is .05, 3.250 at 9 is .01.
    const tailOf = (t: number, freedom: number): number => incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
    expect(tailOf(2.7764451, 4)).toBeCloseTo(0.05, 7);
    expect(tailOf(2.2621572, 9)).toBeCloseTo(0.05, 7);
    expect(tailOf(3.2498355, 9)).toBeCloseTo(0.01, 7);
    expect(tailOf(1.9623391, 1000)).toBeCloseTo(0.05, 7);
    // One degree of freedom is Cauchy's distribution: 1 − 2·atan(t)/π. Two: 1 − t/√(2 + t²).
    expect(tailOf(1.7, 1)).toBeCloseTo(1 - (2 * Math.atan(1.7)) / Math.PI, 12);
    expect(tailOf(0.4, 2)).toBeCloseTo(1 - 0.4 / Math.sqrt(2.16), 12);
  });

  it('takes t from the mean and its standard error', () => {
    // Mean 2.5, SE √(5/3/4) = .6455: t = 3.873 at 3 degrees of freedom; its tails are p = .0305 (R: t.test(1:4)).
    expect(pairedTTest([1, 2, 3, 4])).toBeCloseTo(0.03047, 4);
  });

  it('says nothing of too few or of no change, and is sure of a constant one', () => {
    expect([pairedTTest([]), pairedTTest([0.4]), pairedTTest([0, 0, 0]), pairedTTest([0.25, 0.25])]).toEqual([1, 1, 1, 0]);
  });

  it('is near the randomisation test on well-behaved differences', () => {
    const next = seedStream(5);
    const values = Array.from({ length: 90 }, () => next() - 0.44);
    expect(Math.abs(pairedTTest(values) - randomisationTest(values, { seed: 2 }))).toBeLessThan(0.02);
  });
});

describe('the expanded level of an interval', () => {
  it('takes the t of tables', () => {
    // Two-sided 95 %, as printed in every table of Student's t.
    expect(centralT(0.95, 1)).toBeCloseTo(12.7062, 4);
    expect(centralT(0.95, 9)).toBeCloseTo(2.262157, 6);
    expect(centralT(0.95, 99)).toBeCloseTo(1.984217, 6);
    expect(centralT(0.9, 30)).toBeCloseTo(1.697261, 6);
  });

  it('is 2Φ(√(n / (n − 1)) · t) − 1, and what was asked for where values are many', () => {
    // √(10 / 9) · 2.262157 = 2.384518; Φ of it is .991449.
    expect(expandedLevel(10, 0.95)).toBeCloseTo(2 * 0.991449 - 1, 5);
    expect(expandedLevel(1_000_000, 0.95)).toBeCloseTo(0.95, 5);
    expect(expandedLevel(1, 0.95)).toBe(0.95);
    for (let values = 2; values < 60; values += 1) expect(expandedLevel(values, 0.95)).toBeGreaterThan(expandedLevel(values + 1, 0.95));
  });
});
