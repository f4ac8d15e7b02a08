import { describe, expect, it } from 'vitest';
import { renderComparison, renderExplanation } from '../../tuning/comparison-table.js';
import type { HitExplanation, SeenHit } from '../../tuning/search-console.js';

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

  it('names the heaviest columns, the modalities, and where the hit would stand without a group', () => {
    const exact = {
      ...explanation,
      columns: [
        { name: 'popularity', value: 0.12345, share: 0.5 },
        { name: 'seen', value: 0, share: -0.25 },
      ],
      modalities: [{ name: 'words', share: 1 }],
      without: { history: { rank: 11 }, counts: { rank: null } },
    };
    const text = renderExplanation({ id: 'p1', title: 'Lamp', fields: [], explanation: exact });
    expect(text).toContain('heaviest columns: popularity +0.500 (0.123), seen -0.250 (0)');
    expect(text).toContain('modalities: words +1.000');
    expect(text).toContain('rank by score alone without history: 12, counts: none');
  });

  it('says which vectors brought a hit that the words did not find, and why one was not ranked', () => {
    const added = { ...explanation, first_phase: { rank: null, score: null, z: -1 }, text_knn: { rank: 2 }, image_knn: { rank: null } };
    const hit = { id: 'p1', title: 'Lamp', fields: [] };
    expect(renderExplanation({ ...hit, explanation: added })).toContain('first phase did not find it, added by text vectors at rank 3;');
    expect(renderExplanation({ ...hit, explanation: null, label: 'skipped; reason=sort' })).toBe(
      'p1  Lamp: not ranked (skipped; reason=sort)',
    );
  });
});

describe('two orders side by side', () => {
  it('name the products, and from how far below they came', () => {
    const hit = (id: string): SeenHit => ({ id, title: `Title ${id}`, fields: ['12'], explanation: null });
    const engineIds = ['a', 'b', 'c', 'd', 'e', 'f'];
    const shown = { engine: ['a', 'b'].map(hit), ranked: ['f', 'a', 'x'].map(hit), engineIds, total: 7, label: '', stages: {} };
    const [, first, second, third] = renderComparison(shown).split('\n');
    expect(first).toMatch(/^ {2}1 {2}a · Title a · 12 +f · Title f · 12 +▲ 5$/);
    expect(second).toMatch(/b · Title b · 12 +a · Title a · 12 +▼ 1$/);
    expect(third).toMatch(/x · Title x · 12 +▲ new$/);
  });
});
