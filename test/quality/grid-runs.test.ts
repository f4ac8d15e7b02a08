import { expect, test } from 'vitest';
import { compareArms, compareGains, costOfHiding, type GridRun } from './grid-runs.js';

function runOf(arm: string, seed: number, gains: readonly number[], more: Partial<GridRun> = {}): GridRun {
  const asked = gains.length + 2;
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / asked;
  return {
    ...{ pack: 'beauty', arm, group: 'fusion', seed, lists: { test: gains.length, asked } },
    systems: { own: { 'ndcg@10': mean, gains: [...gains] }, 'dial 0.75': { 'ndcg@10': mean / 2, gains: [...gains] } },
    ...more,
  };
}

const low = Array.from({ length: 40 }, (_, place) => (place % 3) / 10);
const high = low.map((gain) => gain + 0.2);

test('an arm is paired with the default over the seeds that both have, lists that were not found counting 0', () => {
  const runs = [runOf('default', 1, low), runOf('default', 2, high), runOf('fusion mlp', 1, high), runOf('untrained', 0, low)];
  const arms = compareArms(runs, { pack: 'beauty', beside: 'default' });
  const of = (name: string): (typeof arms)[number] | undefined => arms.find(({ arm }) => arm === name);
  expect(of('default')?.seeds).toEqual([1, 2]);
  expect(of('default')?.comparison.difference).toBe(0);
  // Seed 1 alone: .2 more on each of 40 lists of 42 asked.
  expect(of('fusion mlp')?.comparison.difference).toBeCloseTo((0.2 * 40) / 42, 12);
  expect(of('fusion mlp')?.comparison.verdict).toBe('better');
  expect(of('fusion mlp')?.served).toBeCloseTo((of('fusion mlp')?.means[0] ?? 0) / 2, 12);
  // What has no seed in common is paired with the mean of all.
  expect(of('untrained')?.comparison.difference).toBeCloseTo((-0.1 * 40) / 42, 12);
});

test('runs of other lists are not compared, and a pack without the default is told of', () => {
  expect(() => compareGains([1, 0], [1], 2)).toThrow(/measured on 1 and 2 lists/);
  expect(() => compareArms([runOf('fusion mlp', 1, low)], { pack: 'beauty', beside: 'default' })).toThrow(/no run of default on beauty/);
});

test('what hidden pictures cost is paired within one run', () => {
  const run = runOf('default', 1, high, { 'hidden pictures': { '0.5': { 'ndcg@10': 0, gains: low } } });
  expect(costOfHiding(run, '0.5')?.difference).toBeCloseTo((-0.2 * 40) / 42, 12);
  expect(costOfHiding(run, '0.7')).toBeNull();
});
