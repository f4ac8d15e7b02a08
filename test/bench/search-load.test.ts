import { expect, test } from 'vitest';
import { parseServerTiming } from './search-load.js';
import { quantilesOf } from './shop-view.js';

test('parseServerTiming reads names and milliseconds', () => {
  const stages = parseServerTiming('client;dur=5.20, first_phase;dur=4, engine;dur=7.91, ours;dur=2.05, total;dur=9.96');
  expect([...stages]).toEqual([
    ['client', 5.2],
    ['first_phase', 4],
    ['engine', 7.91],
    ['ours', 2.05],
    ['total', 9.96],
  ]);
  expect(parseServerTiming('').size).toBe(0);
});

test('quantilesOf interpolates between order statistics, in whatever order they come', () => {
  expect(quantilesOf([5, 1, 3, 2, 4])).toEqual({ p50: 3, p95: 4.8, p99: 4.96 });
});
