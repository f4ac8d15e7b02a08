import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askForNextItem, deriveQuery, nameHistoryLength } from '../../../tuning/rows/next-item-query.js';

const lipstick = { id: 'p1', title: 'Ruby Lipstick for Lips, 12 g, matte', category: ['Makeup', 'Lips', 'Lipsticks'] };

describe('deriveQuery', () => {
  test('asks for the narrowest category, with a word of the title that no category says for about a third of the shoppers', () => {
    const queries = Array.from({ length: 3000 }, (_, shopper) => deriveQuery(lipstick, { seed: 1, shopper: `s${shopper}` }));
    const texts = new Set(queries.map((query) => `${query?.kind}: ${query?.text}`));
    expect([...texts].sort()).toEqual(['bare-category: Lipsticks', 'with-word: Lipsticks Ruby', 'with-word: Lipsticks matte'].sort());
    const share = queries.filter((query) => query?.kind === 'with-word').length / queries.length;
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.37);
  });

  test('another seed draws other shoppers, the same one the same', () => {
    const draw = (seed: number): string =>
      Array.from({ length: 60 }, (_, shopper) => deriveQuery(lipstick, { seed, shopper: String(shopper) })?.text).join();
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });

  test('a product without a category has no query; one without a title only its category', () => {
    expect(deriveQuery({ ...lipstick, category: [] }, { seed: 1, shopper: 's' })).toBeNull();
    fc.assert(
      fc.property(fc.string(), (shopper) => {
        expect(deriveQuery({ ...lipstick, title: null }, { seed: 1, shopper })).toEqual({ text: 'Lipsticks', kind: 'bare-category' });
      }),
    );
  });
});

describe('askForNextItem', () => {
  const earlier = (length: number) =>
    Array.from({ length }, (_, place) => ({ object_id: `p${place}`, action_name: 'click', age_s: length - place }));

  test('keeps the latest events and tags the whole length', () => {
    const question = askForNextItem(lipstick, { seed: 1, shopper: 'u7', earlier: earlier(60) });
    expect(question?.query_id).toBe('next-u7');
    expect(question?.history).toEqual(earlier(60).slice(10));
    expect(question?.tags).toContain('history:20+');
  });

  test.each([
    [0, '0'],
    [1, '1-4'],
    [4, '1-4'],
    [5, '5-19'],
    [19, '5-19'],
    [20, '20+'],
  ])('%i events are called %s', (events, name) => {
    expect(nameHistoryLength(events)).toBe(name);
  });
});
