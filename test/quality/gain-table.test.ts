import { describe, expect, test } from 'vitest';
import { askedRuns, PLACE_METRICS } from './placed-runs.js';
import { formatGain, gainTable, meanOverSeeds, seedTable, sliceGainTable } from './gain-table.js';

describe('tables of gains', () => {
  test('say what a system gains over each baseline, as a share, and whom it harms', async () => {
    const runs = await askedRuns({ engine: [2, 2, 2, 2, 2, 2, 2, 2], ranked: [1, 1, 1, 1, 1, 1, 1, 4] });
    const paired = await runs.pair(['engine', 'ranked'], 'engine');
    const { columns, rows } = gainTable(paired, { metrics: PLACE_METRICS, over: new Map([['engine', paired]]) });
    expect(columns).toEqual(['system', 'mrr', 'over engine', 'harm', 'wins / losses', 'verdict']);
    expect(rows[0]).toEqual(['engine', '.500', '', '', '', '']);
    // (7 · 1 + .25) / 8 = .90625 against .5; one query in eight lost .25.
    expect(rows[1]?.slice(0, 2)).toEqual(['ranked', '.906']);
    expect(rows[1]?.[2]).toMatch(/^\+81 % \[\+\d+, \+\d+\]$/);
    expect(rows[1]?.slice(3)).toEqual(['12.5 %', '7 / 1', 'better']);
  });

  test('take the gain apart by tags', async () => {
    const runs = await askedRuns({ engine: [2, 2, 2, 2, 2, 2, 2], ranked: [1, 1, 1, 2, 2, 2, 2] });
    const { rows } = sliceGainTable(await runs.pair(['ranked'], 'engine'), { tags: ['with-word', 'history:0', 'bare-category'] });
    expect(rows).toEqual([
      ['with-word (3)', '.500', '1.000', '+100 % [+100, +100]', '0.0 %'],
      ['bare-category (4)', '.500', '.500', '+0 % [+0, +0]', '0.0 %'],
    ]);
  });

  test('lay seeds beside each other, and gain by each query’s mean over them', async () => {
    const runs = await askedRuns({ shipped: [2, 2, 2, 2], one: [1, 2, 2, 2], two: [1, 1, 2, 2], rival: [2, 2, 2, 4] });
    const comparisons = (await runs.pair(['one', 'two'], 'shipped')).map(({ comparison }) => comparison);
    const rivals = { name: 'rival', comparisons: (await runs.pair(['rival', 'rival'], 'shipped')).map(({ comparison }) => comparison) };
    expect(meanOverSeeds({ name: 'tuned', comparisons }).map(({ b }) => b)).toEqual([1, 0.75, 0.5, 0.5]);
    const { rows } = seedTable([{ name: 'tuned', comparisons, rival: rivals }], { seeds: [1, 2, 3], baseline: 'shipped' });
    // Means .625 and .75, SD .0884; .6875 over .5 = +38 %, over the rival's .4375 = +57 %.
    expect(rows[0]?.slice(0, 6)).toEqual(['tuned', '.625', '.750', '', '.688', '.088']);
    expect(rows[0]?.[6]).toMatch(/^\+38 % /);
    expect(rows[0]?.[7]).toMatch(/^\+57 % /);
  });

  test('a system that was not asked is named', async () => {
    const runs = await askedRuns({ engine: [1] });
    await expect(runs.pair(['ranked'], 'engine')).rejects.toThrow('ranked was not asked; there are engine');
  });
});

test('a gain is written in whole percent', () => {
  expect(formatGain({ gain: 0.6349, interval: [0.571, 0.6801] })).toBe('+63 % [+57, +68]');
  expect(formatGain({ gain: -0.04, interval: [-0.081, 0.001] })).toBe('-4 % [-8, +0]');
  expect(formatGain({ gain: Number.NaN, interval: [Number.NaN, Number.NaN] })).toBe('');
});
