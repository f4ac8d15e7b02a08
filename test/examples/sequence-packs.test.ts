import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { beauty } from '../../docs/examples/beauty/adapter.js';
import { ml1m } from '../../docs/examples/ml1m/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { ubiEventSchema } from '../../mappings/ubi-event.js';
import { convertSource, refusalOf, writeSource } from './small-source.js';

const lipstick = { id: 1, asin: 'A1', title: 'Velvet Lipstick', brand: 'Mora', categories: ['Makeup', 'Lipsticks'], attribute_ids: [1] };
const items = [
  lipstick,
  { id: 2, asin: 'A2', title: 'Sea Salt Soap', brand: null, categories: ['Bath', 'Soaps'], attribute_ids: [2] },
  { id: 3, asin: 'A3', title: null, brand: 'Tull', categories: ['Bath', 'Brushes'], attribute_ids: [3] },
  { id: 4, asin: 'A4', title: 'Gift', brand: null, categories: [], attribute_ids: [] },
];
const source = (sequences: string): Promise<string> => writeSource({ 'items.jsonl.gz': items, 'sequences.csv.gz': sequences });

describe('beauty', () => {
  test('keeps each row’s last product out of the events and makes it a query', async () => {
    const converted = await convertSource(beauty, await source('user,items\r\n7,1 2 3\r\n8,3 1\r\n'));
    expect(converted.files).toEqual(['events.ndjson', 'judgments.csv', 'products.ndjson', 'queries.ndjson']);
    expect(
      converted.events.map((event) => ({
        user: event.user_id,
        at: event.timestamp,
        action: event.action_name,
        ...event.event_attributes!,
      })),
    ).toEqual([
      { user: 'beauty-7', at: '2026-03-08T12:00:00.000Z', action: 'purchase', object: { object_id: 'A1', object_id_field: 'id' } },
      { user: 'beauty-7', at: '2026-03-09T12:00:00.000Z', action: 'purchase', object: { object_id: 'A2', object_id_field: 'id' } },
      { user: 'beauty-8', at: '2026-03-09T12:00:00.000Z', action: 'purchase', object: { object_id: 'A3', object_id_field: 'id' } },
    ]);
    const byId = new Map(converted.queries.map((query) => [query.query_id, query]));
    expect(byId.get('next-beauty-7')).toMatchObject({
      query: 'Brushes',
      history: [
        { object_id: 'A1', action_name: 'purchase', age_s: 172_800 },
        { object_id: 'A2', action_name: 'purchase', age_s: 86_400 },
      ],
      tags: ['bare-category', 'history:1-4'],
    });
    expect([...converted.judgments].sort()).toEqual(['next-beauty-7 A3 1', 'next-beauty-8 A1 1']);
    expect(converted.products).toHaveLength(4);
  });

  test('every event is one that the sidecar and the importer take', async () => {
    const { events } = await convertSource(beauty, await source('user,items\n7,1 2 3\n'));
    for (const event of events) expect(ubiEventSchema.safeParse(event).success).toBe(true);
  });

  test('samples shoppers by the seed; all of them stay in the events', async () => {
    const rows = Array.from({ length: 50 }, (_, user) => `${user + 1},1 2`).join('\n');
    const folder = await source(`user,items\n${rows}\n`);
    const sample = async (seed: number): Promise<string[]> =>
      (await convertSource(beauty, folder, { queries: 5, seed })).queries.map(({ query_id }) => query_id);
    expect(await sample(1)).toHaveLength(5);
    expect(await sample(1)).toEqual(await sample(1));
    expect(await sample(1)).not.toEqual(await sample(2));
    expect((await convertSource(beauty, folder, { queries: 5 })).events).toHaveLength(50);
  });

  test('a last product without a category is no query, and that is said', async () => {
    const converted = await convertSource(beauty, await source('user,items\n7,1 4\n8,1 2\n'));
    expect(converted.queries).toHaveLength(1);
    expect(converted.remarks).toContain('1 last products have no category, hence no query');
  });

  test('--known-events leaves out products by what lies before each shopper’s last two', async () => {
    // Before the last two: 1 three times, 2 twice, 3 once.
    const folder = await source('user,items\n7,1 1 2 3 1\n8,1 2 3 1 2\n9,1 3\n10,2 3\n');
    const converted = await convertSource(beauty, folder, { flags: { 'known-events': '2' } });
    expect(converted.products.map(({ id }) => id).sort()).toEqual(['A1', 'A2']);
    const events = converted.events.map((event) => ubiEventSchema.parse(event));
    expect(events.map((event) => `${event.user_id} ${event.event_attributes?.object?.object_id}`)).toEqual([
      ...['beauty-7 A1', 'beauty-7 A1', 'beauty-7 A2', 'beauty-8 A1', 'beauty-8 A2', 'beauty-8 A1', 'beauty-9 A1', 'beauty-10 A2'],
    ]);
    // Of 9 and 10 the last product is left out; what is kept stays at its time.
    expect(converted.judgments.toSorted()).toEqual(['next-beauty-7 A1 1', 'next-beauty-8 A2 1']);
    expect(converted.queries.find(({ query_id }) => query_id === 'next-beauty-8')?.history).toMatchObject([
      { object_id: 'A1', age_s: 4 * 86_400 },
      { object_id: 'A2', age_s: 3 * 86_400 },
      { object_id: 'A1', age_s: 86_400 },
    ]);
    expect(converted.remarks).toContain('2 last products are left out, hence no query');
    expect(converted.remarks).toContain('2 products with fewer than 2 events before each shopper’s last two are left out');
    const whole = await convertSource(beauty, folder);
    expect(whole.products).toHaveLength(4);
    expect(whole.remarks.some((remark) => remark.startsWith('a 5-core gives every product five events'))).toBe(true);
  });

  test('--known-events takes whole numbers alone', async () => {
    const folder = await source('user,items\n7,1 2\n');
    await expect(convertSource(beauty, folder, { flags: { 'known-events': 'five' } })).rejects.toThrow(
      '--known-events five: write a whole number from 0',
    );
  });

  test.each([
    ['user,items\n7,1 9\n', 'sequences.csv.gz, line 2: item 9 is not among the items'],
    ['user,items\n7,1 2\n7,2 1\n', 'sequences.csv.gz, line 3: user 7 comes twice'],
    ['user,things\n7,1 2\n', 'sequences.csv.gz, line 1: no column items; there are: user, things'],
    ['user,items\n7,1 2,3\n', 'sequences.csv.gz, line 2: Invalid Record Length: columns length is 2, got 3 on line 2'],
  ])('refuses %j', async (sequences, message) => {
    expect(await refusalOf(beauty, await source(sequences))).toBe(message);
  });

  test.each([
    [[{ ...lipstick, title: 5 }], /^items\.jsonl\.gz, line 1: title: .*string/],
    [[lipstick, lipstick], /^items\.jsonl\.gz, line 2: item 1 comes twice$/],
  ])('refuses broken items', async (rows, message) => {
    const folder = await writeSource({ 'items.jsonl.gz': rows, 'sequences.csv.gz': 'user,items\n7,1\n' });
    expect(await refusalOf(beauty, folder)).toMatch(message);
  });

  test('names what a folder lacks', async () => {
    const folder = await writeSource({ 'items.jsonl': items });
    expect(await refusalOf(beauty, folder)).toBe(`${folder} holds no sequences.csv.gz or sequences.csv; name the folder that does`);
    expect(await refusalOf(beauty, join(folder, 'nowhere'))).toMatch(/nowhere: no such folder/);
  });
});

test('sports has no titles, so brand and narrowest category stand in their place', async () => {
  const untitled = items.map((item) => ({ ...item, title: null }));
  const folder = await writeSource({ 'items.jsonl.gz': untitled, 'sequences.csv.gz': 'user,items\n7,1 2\n' });
  const { products } = await convertSource(sports, folder);
  expect(new Map(products.map(({ id, title }) => [id, title]))).toEqual(
    new Map<unknown, unknown>([
      ['A1', 'Mora Lipsticks'],
      ['A2', 'Soaps'],
      ['A3', 'Tull Brushes'],
      ['A4', null],
    ]),
  );
});

test('ml1m gives plots as text and posters as paths below the source', async () => {
  const film = {
    title: 'Kites',
    year: 1961,
    genres: ['Comedy', 'Drama'],
    directors: ['A. Wind'],
    actors: [],
    plot: 'A kite is lost.',
    poster: true,
  };
  const folder = await writeSource({
    'items.jsonl.gz': [
      { id: 1, original_id: 9, ...film },
      { id: 2, original_id: 8, ...film, title: 'Rain', plot: null, poster: false },
    ],
    'sequences.train.csv.gz': 'user,items,restored\n5,1 2,0\n',
  });
  const { products, events, queries, folder: output } = await convertSource(ml1m, folder);
  const byId = new Map(products.map((product) => [product.id, product]));
  expect(byId.get('film-1')).toMatchObject({ image: 'posters/1.jpg', plot: 'A kite is lost.', category: ['Comedy', 'Drama'] });
  expect(byId.get('film-2')).not.toHaveProperty('image');
  expect(byId.get('film-2')).not.toHaveProperty('plot');
  expect(events).toMatchObject([{ user_id: 'ml1m-5', action_name: 'view', event_attributes: { object: { object_id: 'film-1' } } }]);
  expect(queries[0]?.query).toMatch(/^Drama/);
  expect(await readFile(join(output, 'judgments.csv'), 'utf8')).toMatch(/^query_id,query,docid,rating\nnext-ml1m-5,Drama.*,film-2,1\n$/);
});
