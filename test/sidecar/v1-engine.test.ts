import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPicture } from '../../demo/picture.js';
import { generateShop } from '../../demo/shop.js';
import { PRODUCT } from '../../mappings/product-index.js';
import { statisticsIndexBody, type ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import {
  embedAnswer,
  errorAnswer,
  pageAnswer,
  rankAnswer,
  type EmbedAnswer,
  type PageAnswer,
  type RankItemsAnswer,
} from '../../sidecar/v1/answers.js';
import { ShopStatistics } from '../../sidecar/v1/shop-statistics.js';
import { openHouse, type House } from '../house.js';

let house: House;
const generated = [...generateShop({ values: 'demo', count: 80, seed: 5 })].map(({ product }) => product.id);
/** Products in the engine's order of a query for all of them. */
let ids: string[];

beforeAll(async () => {
  house = await openHouse({
    products: 80,
    profile: { inStock: 'material:leather' },
    moreProfiles: (index) => ({
      plain: { index, budgetMs: 5_000, retrieval: { add: 'none' } },
      ruled: {
        index,
        budgetMs: 5_000,
        exclude: [{ ids: generated.slice(0, 79).filter((_, place) => place % 5 === 0) }, { query: 'gift', ids: generated.slice(79) }],
        pins: [{ ids: [generated[41] ?? ''], position: 2 }],
        diversity: { maxPerGroup: { field: 'brand', max: 2 } },
      },
    }),
    beforeSidecar: writeStatistics,
  });
  ids = [...(await house.direct({ query: { match_all: {} }, size: 80 })).ids];
});
afterAll(() => house.close());

/** Every tenth product is popular, the later the more; the third was met with the seventh and the eighth, with the eighth more. */
async function writeStatistics({ engine, config, alias, entries }: Pick<House, 'engine' | 'config' | 'alias' | 'entries'>): Promise<void> {
  const idAt = (place: number): string => entries[place]?.product.id ?? '';
  const index = `${config.behaviour.statistics}-1`;
  const counted = { events: 100, users: 9, items: 9, pairs: 2 };
  const stamp = {
    version: 1 as const,
    catalogue: alias,
    events: config.behaviour.events,
    until: '2026-03-01T00:00:00.000Z',
    counted,
    min_users_per_pair: 2,
  };
  await engine.indices.create({ index, body: statisticsIndexBody(stamp) });
  const rows: Partial<ItemStatisticsDocument>[] = [1, 2, 3, 4, 5, 6].map((tenth) => ({
    item_id: idAt(tenth * 10),
    popularity: tenth / 10,
    popularity_7d: tenth / 10,
  }));
  rows.push({ item_id: idAt(2), neighbour_ids: [idAt(6), idAt(7)], neighbour_weights: [2, 9], neighbour_cosines: [0.1, 0.4] });
  for (const row of rows) await engine.index({ index, id: row.item_id ?? '', body: { ...EMPTY_ROW, ...row } });
  await engine.indices.refresh({ index });
  await engine.indices.updateAliases({ body: { actions: [{ add: { index, alias: config.behaviour.statistics } }] } });
}
const EMPTY_ROW = {
  ...{ users: 9, impressions: null, views: 9, carts: 2, purchases: 1, views_7d: 3, carts_7d: 1, purchases_7d: 0, ctr: null, cvr: null },
  ...{
    popularity: null,
    popularity_7d: null,
    popularity_in_category: null,
    neighbour_ids: [],
    neighbour_weights: [],
    neighbour_cosines: [],
    factor: null,
  },
};

const at = (place: number): string => house.entries[place]?.product.id ?? '';
const clicked = (...places: number[]): object[] => places.map((place) => ({ object_id: at(place), action_name: 'click', age_s: 60 }));
const idsOf = (answer: PageAnswer | RankItemsAnswer): string[] => answer.items.map(({ id }) => id);

async function ask(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${house.sidecar.url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, body: await response.json() };
}
async function page(path: string, body?: unknown): Promise<PageAnswer> {
  const answer = await ask(path, body);
  expect(answer).toMatchObject({ status: 200 });
  return pageAnswer.strict().parse(answer.body);
}
async function rank(body: object): Promise<RankItemsAnswer> {
  const answer = await ask('/v1/rank', body);
  expect(answer).toMatchObject({ status: 200 });
  return rankAnswer.strict().parse(answer.body);
}
async function refusal(path: string, body?: unknown): Promise<{ status: number; reason: string }> {
  const answer = await ask(path, body);
  const { error, status } = errorAnswer.parse(answer.body);
  expect(status).toBe(answer.status);
  return { status, reason: error.reason };
}
/** The vectors that the index holds of a product. */
async function storedVectors(id: string): Promise<{ text: number[]; image: number[] }> {
  const found = await house.direct({ query: { ids: { values: [id] } } });
  const source = found.body.hits.hits[0]?._source ?? {};
  return { text: source[PRODUCT.textVector] as number[], image: source[PRODUCT.imageVector] as number[] };
}
function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, value, place) => sum + value * (y[place] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('POST /v1/rank', () => {
  it('orders items of the index by the model, as a search over them does', async () => {
    const items = ids.slice(0, 40).map((id) => ({ id }));
    const answer = await rank({ index: house.alias, query: 'red leather boots', items, history: clicked(4, 9) });
    expect(answer).toMatchObject({ applied: true, model: expect.stringMatching(/^fusion-base-/) as string });
    expect(answer.items.map(({ rank: place }) => place)).toEqual(items.map((_, place) => place));
    const scores = answer.items.map(({ score }) => score ?? NaN);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(idsOf(answer).toSorted()).toEqual(ids.slice(0, 40).toSorted());
    expect(idsOf(answer)).not.toEqual(ids.slice(0, 40));
  });

  it('gives the same order for the same items sent in another one, and mixes in their own scores as blend says', async () => {
    const items = ids.slice(0, 30).map((id, place) => ({ id, score: 30 - place }));
    const asked = { index: house.alias, query: 'blue dress', history: clicked(3) };
    const [forward, backward] = await Promise.all([rank({ ...asked, items }), rank({ ...asked, items: items.toReversed() })]);
    expect(idsOf(forward)).toEqual(idsOf(backward));
    const kept = await rank({ ...asked, items: items.toReversed(), blend: 0 });
    expect(idsOf(kept)).toEqual(ids.slice(0, 30));
  });

  it('is the very order of _search for the same candidates, scores and shopper', async () => {
    const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
    const shopper = clicked(5, 12);
    const profile = { window: 200 };
    const engine = await house.direct({ query, size: 80 });
    const searched = await house.search(
      { query, size: 80, ext: { fuserank: { history: shopper, ...profile } } },
      { headers: { 'x-fuserank-profile': 'plain' } },
    );
    expect(searched.label).toMatch(/^applied/);
    const items = engine.body.hits.hits.map(({ _id, _score }) => ({ id: _id, score: _score ?? 0 }));
    const ranked = await rank({ index: house.alias, profile: 'plain', query: 'lamp mug dress', history: shopper, items });
    expect(idsOf(ranked)).toEqual(searched.ids);
  });

  it('ranks products that come with fields by what is given, and puts what nobody knows last', async () => {
    const wanted = house.entries[4]?.product;
    const given = { id: 'new-1', fields: { title: wanted?.title, brand: wanted?.brand, price: wanted?.price, text_vector: [1, 2] } };
    const items = [{ id: 'nowhere' }, { id: at(20) }, given, { id: at(50) }];
    const answer = await rank({ index: house.alias, query: wanted?.title, blend: 1, items });
    expect(answer.applied).toBe(true);
    expect(answer.items[0]).toMatchObject({ id: 'new-1', known: 'fields' });
    expect(answer.items.at(-1)).toEqual({ id: 'nowhere', rank: 3, score: null, known: 'no' });
  });

  it('explains a score by shares that sum to it', async () => {
    const items = ids.slice(0, 12).map((id) => ({ id }));
    const answer = await rank({ index: house.alias, query: 'boots', items, history: clicked(1, 2), explain: true });
    for (const { score, explain } of answer.items) {
      const shares = Object.values((explain?.['shares'] ?? {}) as Record<string, number>);
      expect(shares.length).toBeGreaterThan(3);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(score ?? NaN, 6);
    }
  });

  it('finds the index by the profile, and keeps the first phase where it may not take its time', async () => {
    const items = ids.slice(0, 10).map((id, place) => ({ id, score: place }));
    const answer = await rank({ profile: 'plain', query: 'boots', items, budget_ms: 0 });
    expect(answer).toMatchObject({ applied: false, reason: 'budget' });
    expect(idsOf(answer)).toEqual(ids.slice(0, 10).toReversed());
  });

  it('refuses what it can not rank, naming the fix', async () => {
    const items = [{ id: 'a' }];
    expect(await refusal('/v1/rank', { index: house.alias, items, colour: 'red' })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('colour') as string,
    });
    expect(await refusal('/v1/rank', { items })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('configured: shop, plain') as string,
    });
    expect(await refusal('/v1/rank', { profile: 'nix', items })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('no profile [nix]') as string,
    });
    expect(await refusal('/v1/rank', { index: `${house.alias}-gone`, items })).toMatchObject({
      status: 404,
      reason: expect.stringContaining('no such index') as string,
    });
    expect(await refusal('/v1/rank', { index: house.alias, items: [] })).toMatchObject({ status: 400 });
    const many = Array.from({ length: 201 }, (_, place) => ({ id: `new-${place}`, fields: { title: 'x' } }));
    expect(await refusal('/v1/rank', { index: house.alias, items: many })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('at most 200') as string,
    });
  });
});

describe('/v1/similar', () => {
  it('finds the nearest by text, by picture and by both, never the product itself', async () => {
    const vectors = await Promise.all(house.entries.map(async ({ product }) => ({ id: product.id, ...(await storedVectors(product.id)) })));
    const own = vectors[17];
    if (!own) throw new Error('no product');
    for (const modality of ['text', 'image'] as const) {
      const answer = await page(`/v1/similar/${house.alias}/${own.id}?modality=${modality}&size=10`);
      const nearest = vectors
        .filter(({ id }) => id !== own.id)
        .toSorted((a, b) => cosine(b[modality], own[modality]) - cosine(a[modality], own[modality]));
      expect(idsOf(answer)).toEqual(nearest.slice(0, 10).map(({ id }) => id));
      expect(answer).toMatchObject({ applied: false, reason: 'no_history', sources: [modality] });
    }
    const both = await page(`/v1/similar/${house.alias}/${own.id}`);
    expect(both.sources).toEqual(['text', 'image']);
    expect(idsOf(both)).toHaveLength(24);
    expect(idsOf(both)).not.toContain(own.id);
    expect(JSON.stringify(both)).not.toMatch(/_vector|rank_key|content_hash/);
  });

  it('finds what was met in the same histories, the heaviest first', async () => {
    const answer = await page(`/v1/similar/${house.alias}/${at(2)}?modality=behaviour`);
    expect(idsOf(answer)).toEqual([at(7), at(6)]);
    expect(await page(`/v1/similar/${house.alias}/${at(3)}?modality=behaviour`)).toMatchObject({ items: [], reason: 'no_neighbours' });
  });

  it('is ranked for a shopper with a history, and the same bytes for one without and for nobody', async () => {
    const path = `/v1/similar/${house.alias}/${at(17)}`;
    const nobody = await page(path);
    const unknown = await page(`${path}?user=never-seen`);
    expect({ ...unknown, took: 0 }).toEqual({ ...nobody, took: 0 });
    const shopper = await page(path, { history: clicked(30, 31) });
    expect(shopper.applied).toBe(true);
    expect(idsOf(shopper)).not.toEqual(idsOf(nobody));
    const withheld = await page(path, { history: clicked(30, 31), consent: 'none' });
    expect({ ...withheld, took: 0 }).toEqual({ ...nobody, took: 0 });
  });

  it.each(['text', 'both'] as const)('stays with the kind of the product for a shopper with another taste: %s', async (modality) => {
    const kindOf = (id: string): string => house.entries.find(({ product }) => product.id === id)?.product.category.join() ?? '';
    const share = (answer: PageAnswer, id: string): number => idsOf(answer).filter((each) => kindOf(each) === kindOf(id)).length;
    const shares = { nobody: 0, shopper: 0 };
    for (const place of [5, 17, 23, 44, 60]) {
      const path = `/v1/similar/${house.alias}/${at(place)}`;
      shares.nobody += share(await page(path, { modality, size: 4 }), at(place));
      const others = house.entries.filter(({ product }) => kindOf(product.id) !== kindOf(at(place))).slice(0, 3);
      const history = others.map(({ product }) => ({ object_id: product.id, action_name: 'click', age_s: 60 }));
      shares.shopper += share(await page(path, { modality, size: 4, history }), at(place));
    }
    expect(shares.shopper).toBeGreaterThanOrEqual(0.65 * shares.nobody);
  });

  it('keeps to a filter and to what is in stock, and shows the fields that were asked for', async () => {
    const brand = house.entries[3]?.product.brand ?? '';
    const filtered = await page(`/v1/similar/${house.alias}/${at(3)}`, { filter: { term: { brand } }, fields: ['brand'] });
    expect(filtered.items.length).toBeGreaterThan(0);
    for (const { fields } of filtered.items) expect(fields).toEqual({ brand });
    const stocked = await page(`/v1/similar/${house.alias}/${at(3)}?in_stock_only=true&fields=material`);
    expect(stocked.items.length).toBeGreaterThan(0);
    for (const { fields } of stocked.items) expect(fields).toEqual({ material: 'leather' });
  });

  it('pages on without repeating', async () => {
    const path = `/v1/similar/${house.alias}/${at(17)}`;
    const shopper = { history: clicked(30, 31), size: 10 };
    const [first, second] = [await page(path, shopper), await page(path, { ...shopper, from: 10 })];
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(20);
    expect(second.items[0]?.rank).toBe(10);
  });

  it('says what is wrong', async () => {
    const path = `/v1/similar/${house.alias}`;
    expect(await refusal(`${path}/no-such-id`)).toMatchObject({
      status: 404,
      reason: expect.stringContaining('product [no-such-id]') as string,
    });
    expect(await refusal(`${path}/${at(1)}?modality=smell`)).toMatchObject({
      status: 400,
      reason: expect.stringContaining('modality') as string,
    });
    expect(await refusal(`${path}/${at(1)}?in_stock_only=true`, { in_stock_only: true, profile: 'plain' })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('profiles.plain.inStock') as string,
    });
    expect(await refusal(`${path}/${at(1)}`, { filter: { nonsense: {} } })).toMatchObject({ status: 400 });
    expect(await refusal(`/v1/similar/${house.alias}-gone/1?profile=shop`)).toMatchObject({ status: 404 });
  });
});

describe('POST /v1/recommend', () => {
  it('shows a shopper without a history what is popular now, then anything', async () => {
    const answer = await page(`/v1/recommend/${house.alias}`, {});
    expect(idsOf(answer).slice(0, 6)).toEqual([60, 50, 40, 30, 20, 10].map(at));
    expect(answer).toMatchObject({ applied: false, reason: 'no_history', sources: ['popular', 'any'] });
    expect(answer.items).toHaveLength(24);
  });

  it('knows nothing of popularity from statistics that were written before it could be asked for', async () => {
    const index = `${house.config.behaviour.statistics}-old`;
    const mappings = { dynamic: false as const, properties: { item_id: { type: 'keyword' as const } } };
    await house.engine.indices.create({ index, body: { mappings } });
    await house.engine.index({ index, id: 'a', body: { item_id: 'a', popularity: 0.5, popularity_7d: 0.5 }, refresh: true });
    expect(await new ShopStatistics(house.engine).popular({ index, until: '', catalogue: house.alias, products: [] })).toEqual([]);
  });

  it('looks around what a shopper touched, and where that led others', async () => {
    const answer = await page(`/v1/recommend/${house.alias}`, { history: clicked(2), size: 40 });
    expect(answer).toMatchObject({ applied: true, sources: ['history', 'behaviour', 'popular', 'any'] });
    const plain = await page(`/v1/recommend/${house.alias}`, { history: clicked(2), blend: 0, size: 12 });
    expect(plain).toMatchObject({ applied: false, reason: 'blend_zero' });
    expect(idsOf(plain)).toEqual(expect.arrayContaining([at(6), at(7)]));
    expect(idsOf(plain)).not.toEqual(idsOf(answer).slice(0, 12));
  });

  it('leaves out what was bought, or all that was touched', async () => {
    const history = [{ object_id: at(2), action_name: 'purchase' }, ...clicked(3)];
    const all = { history, size: 100 };
    const path = `/v1/recommend/${house.alias}`;
    expect(idsOf(await page(path, all))).toHaveLength(79);
    expect(idsOf(await page(path, { ...all, exclude: 'seen' }))).toHaveLength(78);
    expect(idsOf(await page(path, { ...all, exclude: 'nothing' }))).toHaveLength(80);
  });

  it('keeps its list for the next pages though the shopper clicks meanwhile', async () => {
    const shopper = { user: 'browsing', size: 20 };
    const path = `/v1/recommend/${house.alias}`;
    await post('/ubi/events', event('browsing', at(40)));
    const first = await page(path, shopper);
    await post('/ubi/events', event('browsing', at(9)));
    const rest = [20, 40, 60].map((from) => page(path, { ...shopper, from }));
    const all = [...idsOf(first), ...(await Promise.all(rest)).flatMap(idsOf)];
    expect(all).toHaveLength(80);
    expect(new Set(all).size).toBe(80);
    expect(idsOf(await page(path, shopper))).not.toEqual(idsOf(first));
  });

  it('keeps to a filter', async () => {
    const brand = house.entries[3]?.product.brand ?? '';
    const answer = await page(`/v1/recommend/${house.alias}`, { history: clicked(2), filter: [{ term: { brand } }], fields: ['brand'] });
    expect(answer.items.length).toBeGreaterThan(0);
    for (const { fields } of answer.items) expect(fields).toEqual({ brand });
  });
});

describe('POST /v1/search/{index}/image', () => {
  const photoOf = async (place: number): Promise<Buffer> => renderPicture(house.entries[place]?.svg ?? '');

  it('finds the product of a photo first, sent as JSON or as a form', async () => {
    const photo = await photoOf(17);
    const json = await page(`/v1/search/${house.alias}/image`, { image: photo.toString('base64'), blend: 0.2 });
    expect(idsOf(json)[0]).toBe(at(17));
    expect(json).toMatchObject({ applied: true, sources: ['image'] });
    const form = new FormData();
    form.set('image', new Blob([new Uint8Array(photo)]), 'photo.png');
    form.set('blend', '0.2');
    const response = await fetch(`${house.sidecar.url}/v1/search/${house.alias}/image`, { method: 'POST', body: form });
    expect({ ...pageAnswer.parse(await response.json()), took: 0 }).toEqual({ ...json, took: 0 });
  });

  it('takes words along', async () => {
    const title = house.entries[5]?.product.title ?? '';
    const answer = await page(`/v1/search/${house.alias}/image`, { image: (await photoOf(17)).toString('base64'), query: title, size: 40 });
    expect(answer.sources).toEqual(['image', 'text']);
    expect(idsOf(answer)).toEqual(expect.arrayContaining([at(5), at(17)]));
  });

  it('refuses what is no picture', async () => {
    const path = `/v1/search/${house.alias}/image`;
    expect(await refusal(path, { image: Buffer.from('<svg/>').toString('base64') })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('JPEG, PNG, WebP or GIF') as string,
    });
    expect(await refusal(path, { image: 'not base64!' })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('image') as string,
    });
    expect(await refusal(path, {})).toMatchObject({ status: 400 });
  });
});

describe('POST /v1/embed', () => {
  it('gives the vectors that the index holds', async () => {
    const entry = house.entries[8];
    const picture = entry ? (await renderPicture(entry.svg)).toString('base64') : '';
    const answer = await ask('/v1/embed', { texts: [entry?.product.title, ''], images: [picture] });
    const { texts, images, encoders }: EmbedAnswer = embedAnswer.strict().parse(answer.body);
    const stored = await storedVectors(entry?.product.id ?? '');
    expect(cosine(texts[0] ?? [], stored.text)).toBeCloseTo(1, 5);
    expect(cosine(images[0] ?? [], stored.image)).toBeCloseTo(1, 5);
    expect(texts[1]).toBeNull();
    expect(encoders.text.dims).toBe(stored.text.length);
    expect(encoders.image.dims).toBe(stored.image.length);
  });

  it('refuses too much, nothing, and what is no picture', async () => {
    expect(await refusal('/v1/embed', {})).toMatchObject({ status: 400, reason: expect.stringContaining('texts or images') as string });
    expect(await refusal('/v1/embed', { texts: Array.from({ length: 65 }, () => 'x') })).toMatchObject({ status: 400 });
    expect(await refusal('/v1/embed', { images: ['aGVsbG8='] })).toMatchObject({
      status: 400,
      reason: expect.stringContaining('images.0') as string,
    });
  });
});

describe('the rules of the shop', () => {
  const shoppers = [
    {},
    { history: clickedOf(30, 31) },
    { history: clickedOf(30, 31), blend: 0 },
    { history: clickedOf(30, 31), budget_ms: 0 },
  ];
  const excluded = generated.slice(0, 79).filter((_, place) => place % 5 === 0);

  function clickedOf(...places: number[]): object[] {
    return places.map((place) => ({ object_id: generated[place], action_name: 'click', age_s: 60 }));
  }

  it('keep excluded products out of every page, whoever asks and whatever ranks it', async () => {
    const image = (await renderPicture(house.entries[17]?.svg ?? '')).toString('base64');
    for (const shopper of shoppers) {
      const asked = { profile: 'ruled', size: 200, ...shopper };
      const pages = {
        similar: await page(`/v1/similar/${house.alias}/${at(17)}`, asked),
        behaviour: await page(`/v1/similar/${house.alias}/${at(2)}`, { ...asked, modality: 'behaviour' }),
        recommended: await page(`/v1/recommend/${house.alias}`, asked),
        photo: await page(`/v1/search/${house.alias}/image`, { ...asked, image }),
      };
      for (const [name, answer] of Object.entries(pages)) {
        expect(answer.items.length, name).toBeGreaterThan(0);
        expect(
          idsOf(answer).filter((id) => excluded.includes(id)),
          `${name} for ${JSON.stringify(shopper)}`,
        ).toEqual([]);
      }
      expect(idsOf(pages.recommended)).toHaveLength(64);
      expect(idsOf(pages.photo)).toContain(at(79));
      const gift = await page(`/v1/search/${house.alias}/image`, { ...asked, image, query: 'Gift' });
      expect(idsOf(gift)).not.toContain(at(79));
    }
  });

  it('pin and diversify a page in the order of its query, too', async () => {
    const path = `/v1/similar/${house.alias}/${at(17)}`;
    const plain = await page(path, { profile: 'plain', fields: ['brand'], size: 200 });
    const ruled = await page(path, { profile: 'ruled', fields: ['brand'], size: 200, explain: true });
    expect(ruled).toMatchObject({ applied: false, reason: 'no_history', sources: ['text', 'image'] });
    expect(idsOf(ruled)[1]).toBe(at(41));
    const counts = new Map<unknown, number>([[house.entries[41]?.product.brand, 1]]);
    const kept: string[] = [];
    const beyond: string[] = [];
    for (const { id, fields } of plain.items) {
      if (id === at(41) || excluded.includes(id)) continue;
      const count = (counts.get(fields['brand']) ?? 0) + 1;
      counts.set(fields['brand'], count);
      (count <= 2 ? kept : beyond).push(id);
    }
    expect(idsOf(ruled).filter((id) => id !== at(41))).toEqual([...kept, ...beyond]);
    expect(ruled.items[1]?.explain).toMatchObject({ moved_by: { rule: 'pin' } });
  });

  it('do not touch what was sent to be scored', async () => {
    const answer = await rank({ index: house.alias, profile: 'ruled', query: 'boots', items: ids.slice(0, 20).map((id) => ({ id })) });
    expect(idsOf(answer).toSorted()).toEqual(ids.slice(0, 20).toSorted());
  });
});

async function post(path: string, body: object): Promise<void> {
  expect(await ask(path, body)).toMatchObject({ status: 200 });
}
function event(user: string, id: string): object {
  return { action_name: 'click', timestamp: Date.now(), user_id: user, event_attributes: { object: { object_id: id } } };
}
