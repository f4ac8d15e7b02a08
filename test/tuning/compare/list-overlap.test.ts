import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jaccardAt, rankBiasedOverlap } from '../../../tuning/compare/list-overlap.js';

const lists = fc.uniqueArray(fc.constantFrom(...'abcdefghijkl'), { maxLength: 10 });

/** Equation 32 of Webber, Moffat and Zobel as it is written, with overlaps counted anew at each depth. */
function extrapolated(a: readonly string[], b: readonly string[], p: number): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const [s, l] = [short.length, long.length];
  const overlap = (depth: number): number => short.slice(0, depth).filter((id) => long.slice(0, depth).includes(id)).length;
  let sum = 0;
  for (let d = 1; d <= l; d += 1) sum += (overlap(d) / d) * p ** d;
  for (let d = s + 1; d <= l; d += 1) sum += ((overlap(s) * (d - s)) / (s * d)) * p ** d;
  return ((1 - p) / p) * sum + ((overlap(l) - overlap(s)) / l + overlap(s) / s) * p ** l;
}

describe('rank-biased overlap', () => {
  it('is the paper’s formula', () => {
    fc.assert(
      fc.property(lists, lists, fc.constantFrom(0.5, 0.9, 0.98), (a, b, p) => {
        fc.pre(a.length > 0 && b.length > 0);
        expect(rankBiasedOverlap(a, b, p)).toBeCloseTo(extrapolated(a, b, p), 12);
      }),
    );
  });

  it('is 1 for a list and itself, 0 for lists with nothing in common, and the same both ways', () => {
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        expect(rankBiasedOverlap(a, a, 0.9)).toBeCloseTo(1, 12);
        expect(rankBiasedOverlap(a, b, 0.9)).toBeCloseTo(rankBiasedOverlap(b, a, 0.9), 12);
        if (b.length > 0) {
          expect(
            rankBiasedOverlap(
              b.map((id) => `${id}!`),
              b,
              0.9,
            ),
          ).toBe(0);
        }
      }),
    );
  });

  it('weighs the top more', () => {
    const list = [...'abcdef'];
    expect(rankBiasedOverlap(list, [...'bacdef'], 0.9)).toBeLessThan(rankBiasedOverlap(list, [...'abcdfe'], 0.9));
  });
});

describe('Jaccard@k', () => {
  it('is the share of common ids in the union of the tops', () => {
    expect(jaccardAt([...'abcd'], [...'bcxd'], 3)).toBe(2 / 4);
    expect(jaccardAt([...'ab'], [...'ba'], 10)).toBe(1);
    expect(jaccardAt([], [], 10)).toBe(1);
    expect(jaccardAt([...'ab'], [], 10)).toBe(0);
  });
});
