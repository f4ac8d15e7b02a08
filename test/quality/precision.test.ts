import { expect, test } from 'vitest';
import { precisionAt } from './precision.js';

test('precisionAt counts what is missing as a miss', () => {
  expect(precisionAt(['red', 'blue', 'red'], (id) => id === 'red', 2)).toBe(0.5);
  expect(precisionAt(['red'], (id) => id === 'red', 4)).toBe(0.25);
  expect(precisionAt([], () => true, 10)).toBe(0);
});
