import { expect, test } from 'vitest';
import { measureAlignment } from './alignment.js';

const rows = (...values: number[][]): Float32Array[] => values.map((row) => Float32Array.from(row));

test('measureAlignment ranks the own picture among all', () => {
  const pictures = rows([1, 0], [0, 1], [0.6, 0.8]);
  // Text 0 finds its own first; text 1 leans to picture 2 (0.96 over 0.8); text 2 finds its own first.
  const aligned = measureAlignment(rows([1, 0], [0.6, 0.8], [0.6, 0.8]), pictures);
  expect(aligned).toMatchObject({ pairs: 3, recallAt1: 2 / 3, recallAt10: 1, medianRank: 1 });
  expect(aligned.meanReciprocalRank).toBeCloseTo((1 + 1 / 2 + 1) / 3, 12);
});

test('a tie counts against the own picture', () => {
  const same = rows([1, 0], [1, 0]);
  expect(measureAlignment(same, same)).toMatchObject({ recallAt1: 0, medianRank: 2 });
});

test('measureAlignment refuses texts without pictures', () => {
  expect(() => measureAlignment(rows([1]), [])).toThrow('every text needs its picture');
});
