import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findWords } from '../../sidecar/request/text-clauses.js';
import { matchesWildcard } from '../../sidecar/request/wildcard.js';

describe('a pattern with stars', () => {
  it('matches like a regular expression in which only the star means something', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (value, query) => {
        const naive = new RegExp(`^${query.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(value);
        expect(matchesWildcard(value, query)).toBe(naive);
      }),
    );
  });

  it('keeps nobody waiting, however many stars a request puts in the name of a field', { timeout: 5_000 }, () => {
    const searched = (stars: number, end: string): string | null =>
      findWords(
        { bool: { must: [{ match: { tenant: 'acme' } }, { multi_match: { query: 'boots', fields: [`${'*'.repeat(stars)}${end}`] } }] } },
        ['description'],
      );
    expect(searched(100_000, 'z')).toBe('acme');
    expect(searched(100_000, 'n')).toBe('boots');
  });
});
