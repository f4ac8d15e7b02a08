import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawPlot, fitAxis, placeOn, type Plot } from './svg-plot.js';

const AXIS = { name: 'x', low: 0, high: 10, ticks: [] };

function plotOf(points: Plot['series'][number]['points']): string {
  return drawPlot({ title: 'Gain & cost', x: AXIS, y: { ...AXIS, name: 'y', high: 1 }, series: [{ name: 'a < b', joined: true, points }] });
}

const marks = (svg: string): { x: number; y: number }[] =>
  [...svg.matchAll(/<circle [^>]*cx="([\d.-]+)" cy="([\d.-]+)"/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }));

describe('a plot', () => {
  test('puts its points where its axes say, higher values further up', () => {
    const [low, middle, high] = marks(
      plotOf([
        { x: 0, y: 0 },
        { x: 5, y: 0.5 },
        { x: 10, y: 1 },
      ]),
    );
    expect((low?.x ?? 0) + (high?.x ?? 0)).toBeCloseTo(2 * (middle?.x ?? 0), 0);
    expect((low?.y ?? 0) + (high?.y ?? 0)).toBeCloseTo(2 * (middle?.y ?? 0), 0);
    expect(high?.y).toBeLessThan(low?.y ?? 0);
    expect(high?.x).toBeGreaterThan(low?.x ?? 0);
  });

  test('escapes what it writes, and loads nothing', () => {
    const svg = plotOf([{ x: 1, y: 0.2, label: '"one" & two', interval: [0.1, 0.3] }]);
    expect(svg).toContain('Gain &amp; cost');
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('&quot;one&quot; &amp; two');
    expect(svg).not.toMatch(/<script|href|url\(|@import/);
  });

  test('draws a guide dashed, without marks', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 10, y: 1 },
    ];
    const series = [{ name: 'equal', joined: true, guide: true, points }];
    const svg = drawPlot({ title: 'Guide', x: AXIS, y: { ...AXIS, high: 1 }, series });
    expect(svg.match(/class="guide"/g)).toHaveLength(2); // itself, and its sign
    expect(marks(svg)).toEqual([]);
  });

  test('keeps labels of one place apart', () => {
    const svg = plotOf([
      { x: 5, y: 0.5, label: 'one' },
      { x: 5, y: 0.5, label: 'two' },
    ]);
    const tops = [...svg.matchAll(/y="([\d.]+)">(?:one|two)</g)].map(([, y]) => Number(y));
    expect(Math.abs((tops[0] ?? 0) - (tops[1] ?? 0))).toBeGreaterThanOrEqual(13);
  });
});

test('an axis covers its values with a few round ticks', () => {
  expect(fitAxis('ndcg@10', [0.21, 0.39]).ticks.map(({ text }) => text)).toEqual(['.20', '.25', '.30', '.35', '.40']);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
      const axis = fitAxis('x', values);
      expect(axis.low).toBeLessThanOrEqual(Math.min(...values) + 1e-9);
      expect(axis.high).toBeGreaterThanOrEqual(Math.max(...values) - 1e-9);
      expect(axis.ticks.length).toBeLessThanOrEqual(8);
    }),
  );
});

test('a logarithmic axis lays powers of ten equally far apart', () => {
  const axis = { ...AXIS, low: 0.1, high: 10, logarithmic: true };
  expect([0.1, 1, 10].map((value) => placeOn(axis, value))).toEqual([0, 0.5, 1]);
});
