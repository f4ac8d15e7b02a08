import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../examples/small-source.js';
import { findSmallBrands, shelveProducts, writeShelves } from './shelves.js';

const mapOf = (counts: Record<string, number>): Map<string, number> => new Map(Object.entries(counts));

describe('products by how often they were met', () => {
  test('are cut into thirds', () => {
    const shelves = shelveProducts(mapOf({ a: 5, b: 9, c: 1, d: 2, e: 30, f: 7 }));
    expect(Object.fromEntries(shelves)).toEqual({ c: 'tail', d: 'tail', a: 'middle', f: 'middle', b: 'head', e: 'head' });
  });

  test('stand together where they were met equally often, and in order of that', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }), (counts) => {
        const shelves = shelveProducts(new Map(counts.map((count, place) => [String(place), count])));
        const rank = { tail: 0, middle: 1, head: 2 };
        const ranks = counts.map((count, place) => ({ count, rank: rank[shelves.get(String(place)) ?? 'tail'] }));
        for (const one of ranks) {
          for (const other of ranks) if (one.count <= other.count) expect(one.rank).toBeLessThanOrEqual(other.rank);
        }
        expect(ranks.filter((each) => each.rank === 0).length).toBeGreaterThanOrEqual(Math.ceil(counts.length / 3));
      }),
    );
  });

  test('small brands are what the largest with half of the events leave over', () => {
    const brands = new Map(Object.entries({ a: 'Big', b: 'Big', c: 'Mid', d: 'Small', e: 'Tiny' }));
    expect([...findSmallBrands(brands, mapOf({ a: 30, b: 10, c: 25, d: 20, e: 1 }))]).toEqual(['Small', 'Tiny']); // 40 + 25 of 86
  });
});

test('writeShelves says in products and in the tags of queries where a product stands', async () => {
  const folder = await makeFolder();
  const write = (name: string, lines: readonly object[]): Promise<void> =>
    writeFile(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const met = (id: string): object => ({ user_id: 'u', event_attributes: { object: { object_id: id } } });
  await write('products.ndjson', [{ id: 'p1', title: 'Lamp', brand: null }, { id: 'p2' }, { id: 'p3' }]);
  await write('events.ndjson', [met('p1'), met('p1'), met('p3')]);
  await write('queries.ndjson', [
    { query_id: 'q1', query: 'lamps, red', tags: ['with-word'] },
    { query_id: 'q2', query: 'x' },
  ]);
  await writeFile(join(folder, 'judgments.csv'), 'query_id,query,docid,rating\nq1,"lamps, red",p1,1\nq2,x,p2,1\n');
  expect(await writeShelves(folder)).toBe('--keyword-fields shelf');
  const read = async (name: string): Promise<unknown[]> =>
    (await readFile(join(folder, name), 'utf8'))
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  expect(await read('products.ndjson')).toEqual([
    { id: 'p1', title: 'Lamp', brand: null, shelf: 'head' },
    { id: 'p2', shelf: 'tail' },
    { id: 'p3', shelf: 'middle' },
  ]);
  expect(await read('queries.ndjson')).toEqual([
    { query_id: 'q1', query: 'lamps, red', tags: ['with-word', 'target:head'] },
    { query_id: 'q2', query: 'x', tags: ['target:tail'] },
  ]);
});
