import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openHouse, type House, type RawAnswer } from '../house.js';

/** Finds some 40 of 160 products; the vector legs add what they may. */
const query = { multi_match: { query: 'lamp mug dress jacket sofa ring', fields: ['title', 'description'] } };

let house: House;
beforeAll(async () => {
  const profile = { index: 'house-*', budgetMs: 5_000 };
  house = await openHouse({
    products: 160,
    config: {
      profiles: {
        shop: profile,
        strict: { ...profile, retrieval: { add: 'none' } },
        keep: { ...profile, scores: 'keep' },
        narrow: { ...profile, window: 15, retrieval: { maxAdded: 7 } },
      },
    },
  });
});
afterAll(() => house.close());

const search = (body: object, fuserank: object = {}): Promise<RawAnswer> => house.search({ ...body, ext: { fuserank } });
const scoresOf = (answer: RawAnswer): (number | null)[] => answer.body.hits.hits.map((hit) => hit._score);
const totalOf = (answer: RawAnswer): number => answer.body.hits.total?.value ?? NaN;

const own = new Set(['text_vector', 'image_vector', 'rank_key', 'content_hash', 'group_key']);

/** Every hit of an answer by id, without its score and without members of ours, which the engine's own answer still shows. */
function hitsOf(text: string): Map<string, unknown> {
  const json: unknown = JSON.parse(text, (key, value: unknown) => (own.has(key) ? undefined : value));
  const answer = z.object({ hits: z.object({ hits: z.array(z.looseObject({ _id: z.string() })) }) }).parse(json);
  return new Map(answer.hits.hits.map(({ _score: _, ...hit }) => [hit._id, hit]));
}

async function readPages(body: object, fuserank: object, size: number): Promise<{ ids: string[]; pages: RawAnswer[] }> {
  const pages: RawAnswer[] = [];
  const ids: string[] = [];
  for (let from = 0; ; from += size) {
    const page = await search({ ...body, from, size }, fuserank);
    pages.push(page);
    ids.push(...page.ids);
    if (page.ids.length < size) return { ids, pages };
  }
}

describe('a click between two pages', () => {
  const click = async (user: string, id: string): Promise<void> => {
    const event = { action_name: 'add_to_cart', user_id: user, event_attributes: { object: { object_id: id } } };
    const body = JSON.stringify({ ...event, query_id: `q-${user}`, timestamp: new Date().toISOString() });
    const answer = await fetch(`${house.sidecar.url}/ubi/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(200);
  };

  it('neither repeats nor loses a hit on the second, and the next first page shows its effect', async () => {
    const shopper = { user_id: 'reader' };
    const whole = await search({ query, size: 200 }, shopper);
    const first = await search({ query, size: 10 }, shopper);
    expect(first.ids).toEqual(whole.ids.slice(0, 10));
    await click('reader', first.ids[9] ?? '');
    const second = await search({ query, from: 10, size: 10 }, shopper);
    expect(second.label).toContain('list=stored');
    expect(second.ids).toEqual(whole.ids.slice(10, 20));
    const again = await search({ query, size: 10 }, shopper);
    expect(again.ids).not.toEqual(first.ids);
    // The reader who goes on from there reads on in the new order.
    const fresh = await search({ query, from: 10, size: 10 }, shopper);
    expect(fresh.ids.filter((id) => again.ids.includes(id))).toEqual([]);
    expect(fresh.ids).not.toEqual(second.ids);
  });
});

describe('the pages of one list', () => {
  it.each([
    ['shop', 7],
    ['shop', 50],
    ['narrow', 4],
    ['narrow', 10],
    ['narrow', 22],
    ['narrow', 23],
    ['strict', 9],
  ])('%s, %i at a time: no hit twice, none lost, one falling line of scores, one total', async (profile, size) => {
    const engine = await house.direct({ query, size: 200 });
    const whole = await search({ query, size: 200 }, { profile });
    const { ids, pages } = await readPages({ query }, { profile }, size);
    expect(ids).toEqual(whole.ids);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of engine.ids) expect(ids).toContain(id);
    const scores = pages.flatMap(scoresOf).map((score) => score ?? NaN);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    for (const page of pages) {
      expect(page.label).toMatch(/^applied/);
      expect(totalOf(page)).toBe(totalOf(whole));
      expect(page.text).toContain(/"max_score":[\d.]+/.exec(engine.text)?.[0] ?? 'no score');
    }
  });

  it('are the same when a later one comes first: nothing is stored yet, the list is ranked anew', async () => {
    const whole = await search({ query, size: 200 }, { window: 30 });
    const later = await search({ query, from: 5, size: 12 }, { window: 30, query_id: 'nobody stored this', session_id: 'fresh' });
    expect(later.label).toContain('window=new');
    expect(later.ids).toEqual(whole.ids.slice(5, 17));
  });

  it('beyond the end are empty, with the total that there is', async () => {
    const whole = await search({ query, size: 200 });
    const beyond = await search({ query, from: whole.ids.length + 40, size: 10 });
    expect(beyond.ids).toEqual([]);
    expect(totalOf(beyond)).toBe(totalOf(whole));
  });

  it('after a list with added hits go on where the engine’s own order would', async () => {
    const engine = await house.direct({ query, size: 200 });
    const { ids } = await readPages({ query }, { profile: 'narrow' }, 10);
    const list = ids.slice(0, 22);
    expect(list.filter((id) => engine.ids.slice(0, 15).includes(id))).toHaveLength(15);
    expect(ids.slice(22)).toEqual(engine.ids.slice(15).filter((id) => !list.includes(id)));
  });
});

describe('totals', () => {
  it.each([
    ['false', { track_total_hits: false }],
    ['a number below', { track_total_hits: 3 }],
    ['true', { track_total_hits: true }],
  ])('track_total_hits %s: the engine’s, but never below the list', async (_, more) => {
    const body = { query, size: 12, ...more };
    const ours = await search(body);
    const engine = await house.direct(body);
    expect(ours.label).toMatch(/^applied/);
    expect(Object.keys(ours.body.hits)).toEqual(Object.keys(engine.body.hits));
    if (engine.body.hits.total === undefined) return;
    const list = await search({ query, size: 200 });
    expect(ours.body.hits.total).toMatchObject({ value: list.ids.length, relation: engine.body.hits.total.relation });
    const strict = await search(body, { profile: 'strict' });
    expect(strict.body.hits.total).toEqual(engine.body.hits.total);
  });

  it('rest_total_hits_as_int: one number, where one was', async () => {
    const answer = await fetch(`${house.sidecar.url}/${house.alias}/_search?rest_total_hits_as_int=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, size: 12 }),
    });
    expect(answer.headers.get('x-fuserank')).toMatch(/^applied/);
    const list = await search({ query, size: 200 });
    expect(await answer.text()).toContain(`"total":${list.ids.length},`);
  });
});

describe('strict mode', () => {
  const around = { aggs: { brands: { terms: { field: 'brand' } } }, suggest: { s: { text: 'lmp', term: { field: 'title' } } } };
  it.each<[string, object]>([
    ['plain', { query, size: 200 }],
    ['with everything around', { query, size: 200, ...around, highlight: { fields: { title: {} } }, explain: true, version: true }],
    ['a page', { query, from: 8, size: 12, ...around, track_total_hits: true }],
    ['function_score', { query: { function_score: { query, field_value_factor: { field: 'rating', missing: 1 } } }, size: 200 }],
    ['rescore', { query, size: 200, rescore: { window_size: 20, query: { rescore_query: { match: { title: 'sofa' } } } } }],
    ['nothing found', { query: { match: { title: 'nosuchword' } }, size: 5, ...around }],
  ])('%s: the engine’s answer, permuted inside the window', async (_, body) => {
    const ours = await search(body, { profile: 'strict' });
    const engine = await house.direct(body);
    expect(ours.label).toMatch(/^applied|no_hits/);
    expect(ours.body.hits.total).toEqual(engine.body.hits.total);
    expect(ours.body.aggregations).toEqual(engine.body.aggregations);
    expect(ours.body['suggest']).toEqual(engine.body['suggest']);
    expect(Object.keys(ours.body)).toEqual(Object.keys(engine.body));
    expect(scoresOf(ours)).toEqual(scoresOf(engine));
    const { query: asked, ...rest } = z
      .looseObject({ query: z.unknown(), from: z.unknown(), size: z.unknown() })
      .parse({ from: 0, ...body });
    const all = hitsOf((await house.direct({ ...rest, query: asked, from: 0, size: 200 })).text);
    for (const [id, hit] of hitsOf(ours.text)) expect(hit).toEqual(all.get(id));
  });

  it('only moves pins that the window holds', async () => {
    const engine = await house.direct({ query, size: 200 });
    const found = new Set(engine.ids);
    const stranger = house.entries.map(({ product }) => product.id).find((id) => !found.has(id));
    const pins = [{ ids: [stranger, engine.ids[12]] }];
    const ours = await search({ query, size: 200 }, { profile: 'strict', pins });
    expect(ours.ids[0]).toBe(engine.ids[12]);
    expect([...ours.ids].sort()).toEqual([...engine.ids].sort());
  });
});

describe('scores: keep', () => {
  it('leaves each hit its own', async () => {
    const engine = await house.direct({ query, size: 200 });
    const given = new Map(engine.body.hits.hits.map((hit) => [hit._id, hit._score]));
    const ours = await search({ query, size: 200 }, { profile: 'keep' });
    const last = Math.min(...[...given.values()].map((score) => score ?? NaN));
    for (const hit of ours.body.hits.hits) expect(hit._score).toBe(given.get(hit._id) ?? last);
  });
});

describe('collapse', () => {
  it('moves groups whole: their inner hits are the engine’s own, also of groups that come up from below the page', async () => {
    const collapse = {
      field: 'brand',
      inner_hits: [
        { name: 'cheapest', size: 2, sort: [{ price: 'asc' }], _source: ['price'] },
        { name: 'best', size: 3, from: 1 },
      ],
    };
    for (const more of [{}, { post_filter: { range: { price: { lte: 150 } } } }]) {
      const body = { query, collapse, ...more };
      const whole = hitsOf((await house.direct({ ...body, size: 100 })).text);
      expect(whole.size).toBeGreaterThan(6);
      for (const [from, size] of [
        [0, 3],
        [3, 3],
        [0, 100],
      ]) {
        const ours = await search({ ...body, from, size });
        expect(ours.label).toMatch(/^applied/);
        for (const [id, hit] of hitsOf(ours.text)) expect(hit).toEqual(whole.get(id));
      }
      const { ids } = await readPages(body, {}, 3);
      expect(new Set(ids)).toEqual(new Set(whole.keys()));
      expect(ids).toHaveLength(whole.size);
    }
  });

  it('without inner hits lets an added hit only open a group of its own', async () => {
    const ours = await search({ query, collapse: { field: 'brand' }, size: 200 });
    const brands = ours.body.hits.hits.map((hit) => hit._source.brand);
    expect(new Set(brands).size).toBe(brands.length);
  });
});
