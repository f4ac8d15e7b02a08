import { describe, expect, it } from 'vitest';
import { renderExplanation } from '../../tuning/comparison-table.js';
import type { HitExplanation } from '../../tuning/search-console.js';

const explanation: HitExplanation = {
  rank: 0,
  final: 0.5,
  first_phase: { rank: 3, score: 7.5, z: -1 },
  shares: { first_phase: -0.5, query_text: 1, business: 0, baseline: 0.25 },
  gate: 0.5,
  blend: 0.25,
  history: [],
};
const render = (history: HitExplanation['history']): string =>
  renderExplanation({ id: 'p1', title: 'Lamp', fields: [], explanation: { ...explanation, history } });

describe('an explanation on the terminal', () => {
  it('draws what speaks against a hit left of the axis, what speaks for it right', () => {
    const lines = render([]).split('\n');
    const sides = (name: string): number[] =>
      (lines.find((line) => line.trim().startsWith(name)) ?? '').split('│').map((side) => [...side].filter((sign) => sign === '█').length);
    expect(sides('first_phase')).toEqual([8, 0]);
    expect(sides('query_text')).toEqual([0, 16]);
    expect(sides('baseline')).toEqual([0, 4]);
    expect(lines.some((line) => line.includes('business'))).toBe(false);
    expect(lines.every((line) => line === line.trimEnd())).toBe(true);
  });

  it('adds up the history items that have no name', () => {
    const text = render([
      { object_id: null, weight: 0.3 },
      { object_id: 'p7', weight: 0.2 },
      { object_id: null, weight: 0.1 },
    ]);
    expect(text).toContain('p7 (20 %), 2 earlier products that this search did not return (40 %)');
    expect(text).not.toContain('null');
  });
});
