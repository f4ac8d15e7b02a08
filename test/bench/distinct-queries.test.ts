import { expect, test } from 'vitest';
import { distinctQueries } from './distinct-queries.js';

const colours = ['red', 'blue', 'green', 'grey', 'black'];
const kinds = ['lamp', 'mug', 'rug', 'scarf', 'vase', 'chair'];
const texts = Array.from({ length: 300 }, (_, place) => `The ${colours[place % 5]} ${kinds[place % 6]}`);

function take(count: number, seed: number): string[] {
  const queries = distinctQueries({ texts, leastHits: 50, seed });
  return Array.from({ length: count }, () => queries.next().value ?? '');
}

test('no query comes twice, whichever way its words stand', () => {
  const sets = take(60, 1).map((query) => query.split(' ').sort().join(' '));
  expect(new Set(sets).size).toBe(60);
  expect(sets.every((query) => query.length > 0)).toBe(true);
});

test('every query has its hits, and a word that stands everywhere is never asked', () => {
  for (const query of take(60, 2)) {
    const words = query.split(' ');
    expect(texts.filter((text) => words.some((word) => text.toLowerCase().split(' ').includes(word))).length).toBeGreaterThanOrEqual(50);
    expect(words).not.toContain('the');
  }
});

test('the same seed asks the same', () => {
  expect(take(20, 7)).toEqual(take(20, 7));
  expect(take(20, 7)).not.toEqual(take(20, 8));
});

test('it ends where there is nothing left to ask', () => {
  expect([...distinctQueries({ texts: texts.slice(0, 40), leastHits: 1000, seed: 1 })]).toEqual([]);
});
