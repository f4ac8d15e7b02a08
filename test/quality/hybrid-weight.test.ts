import { describe, expect, it } from 'vitest';
import { crossFit, cutBest, mixConvex } from './hybrid-weight.js';

describe('mixConvex', () => {
  const words = new Map([
    [0, 10],
    [1, 5],
    [2, 0],
  ]);
  const vectors = new Map([
    [2, 0.9],
    [1, 0.8],
    [3, 0.7],
  ]);

  it('spreads each list over 0–1 and adds them by weight', () => {
    const mixed = new Map(mixConvex(words, vectors, 0.5));
    expect(mixed.get(0)).toBeCloseTo(0.5, 12);
    expect(mixed.get(1)).toBeCloseTo(0.25 + 0.25, 12);
    expect(mixed.get(2)).toBeCloseTo(0.5, 12);
    expect(mixed.get(3)).toBeCloseTo(0, 12);
  });

  it('is either list alone at the ends', () => {
    expect(mixConvex(words, vectors, 0)[0]?.[0]).toBe(0);
    expect(mixConvex(words, vectors, 1)[0]?.[0]).toBe(2);
  });
});

it('cutBest keeps the best, the first of equals', () => {
  expect([...cutBest([1, 3, 3, 2], 2).keys()]).toEqual([1, 2]);
});

describe('crossFit', () => {
  it('takes for each fold the weight that is best on the others', () => {
    const byWeight = new Map([
      [0.3, [1, 1, 0, 0]],
      [0.7, [0, 0, 1, 1]],
    ]);
    const { values, chosen } = crossFit(byWeight, [0, 0, 1, 1]);
    expect([...chosen]).toEqual([
      [0, 0.7],
      [1, 0.3],
    ]);
    expect(values).toEqual([0, 0, 0, 0]); // what one half prefers is the worst for the other: nothing is flattered
  });
});
