import { describe, expect, it } from 'vitest';
import type { Exclusion, Pin } from '../../config/list-rules.js';
import { profileSchema } from '../../config/schema.js';
import { findRules, type ListRules } from '../../sidecar/request/list-rules.js';

const unsaid = { pins: null, exclude: null, diversity: undefined };

function rulesOf(words: string | null, profile: { pins?: Partial<Pin>[]; exclude?: Partial<Exclusion>[] }): ListRules {
  return findRules(profileSchema.parse({ index: 'i', ...profile }), unsaid, words);
}

describe('the rules for a query', () => {
  it('are for these words, whatever their case and blanks, or for all where none are named', () => {
    const pins = [
      { query: 'Red  Boots', ids: ['a'] },
      { ids: ['b'], position: 3 },
    ];
    expect(rulesOf(' red boots ', { pins }).pins).toEqual([
      { id: 'a', place: 0 },
      { id: 'b', place: 2 },
    ]);
    expect(rulesOf('boots', { pins }).pins).toEqual([{ id: 'b', place: 2 }]);
    expect(rulesOf(null, { pins }).pins).toEqual([{ id: 'b', place: 2 }]);
  });

  it.each([
    ['*boots*', 'red boots for men', true],
    ['red*', 'red', true],
    ['red*red', 'red', false],
    ['*', '', true],
    ['a*b*c', 'a x b y c', true],
    ['a*b*b', 'a b', false],
    ['r.d', 'red', false],
  ])('%s %s: %s', (query, words, fits) => {
    expect(rulesOf(words, { pins: [{ query, ids: ['a'] }] }).pins).toHaveLength(fits ? 1 : 0);
  });

  it('want the same place for all ids of a pin, so that one which is not there leaves no gap, and one place for an id', () => {
    const pins = [
      { ids: ['a', 'b'], position: 2 },
      { ids: ['b', 'c'], position: 9 },
    ];
    expect(rulesOf('x', { pins }).pins).toEqual([
      { id: 'a', place: 1 },
      { id: 'b', place: 1 },
      { id: 'c', place: 8 },
    ]);
  });

  it('do not pin what they exclude', () => {
    const rules = rulesOf('x', { pins: [{ ids: ['a', 'b'] }], exclude: [{ ids: ['a'] }, { query: 'other', ids: ['b'] }] });
    expect(rules).toMatchObject({ pins: [{ id: 'b', place: 0 }], excluded: ['a'] });
  });

  it('are the request’s own where it names any', () => {
    const profile = profileSchema.parse({ index: 'i', pins: [{ ids: ['a'] }], exclude: [{ ids: ['z'] }] });
    const rules = findRules(profile, { pins: [], exclude: null, diversity: null }, 'x');
    expect(rules).toEqual({ pins: [], excluded: ['z'], diversity: null });
  });
});
