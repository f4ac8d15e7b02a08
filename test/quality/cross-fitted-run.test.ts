import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseByFold, foldOf } from './cross-fitted-run.js';

const QUERIES = Array.from({ length: 60 }, (_, place) => `q${place}`);

test('no query has a part in the choice that it is answered by', () => {
  const lucky = QUERIES[0] ?? '';
  const values = (own: number, of: (query: string) => number): Map<string, number> =>
    new Map(QUERIES.map((query) => [query, query === lucky ? own : of(query)]));
  const choose = (own: number): readonly string[] =>
    chooseByFold([
      { name: 'steady', values: values(0.5, () => 0.5) },
      { name: 'wild', values: values(own, (query) => (foldOf(query) === foldOf(lucky) ? 0.9 : 0.49)) },
    ]);
  // In its own fold the wild one would win by far; the others say it is worse, whatever the lucky query gives.
  for (const own of [0, 0.5, 1]) expect(choose(own)[foldOf(lucky)]).toBe('steady');
});

test('every fold gets what did best outside of it, and the first of two that did alike', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 60, maxLength: 60 }), { minLength: 1, maxLength: 4 }),
      (columns) => {
        const choices = columns.map((column, place) => ({
          name: String(place),
          values: new Map(QUERIES.map((query, at) => [query, column[at] ?? 0])),
        }));
        for (const [fold, name] of chooseByFold(choices).entries()) {
          const sums = columns.map((column) =>
            column.reduce((sum, value, at) => sum + (foldOf(QUERIES[at] ?? '') === fold ? 0 : value), 0),
          );
          expect(Number(name)).toBe(sums.indexOf(Math.max(...sums)));
        }
      },
    ),
  );
  const folds = QUERIES.map(foldOf);
  expect(new Set(folds)).toEqual(new Set([0, 1, 2, 3, 4]));
});
