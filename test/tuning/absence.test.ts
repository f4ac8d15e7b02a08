import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHouse, type House } from '../house.js';
import { openEngine, openRig } from '../sidecar/http-rig.js';
import { renderAbsence, type Absence } from '../../tuning/absence.js';
import { SearchConsole } from '../../tuning/search-console.js';

const words = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };

let house: House;
let told: SearchConsole;
beforeAll(async () => {
  const profile = { index: 'house-*', budgetMs: 5_000, window: 5, retrieval: { textK: 10, imageK: 10, maxAdded: 1 } };
  house = await openHouse({
    products: 120,
    config: { profiles: { shop: { ...profile, exclude: [{ query: 'excluding *', ids: ['mug-0001'] }] } } },
  });
  told = await SearchConsole.open({ config: house.config, alias: house.alias, url: house.sidecar.url });
});
afterAll(async () => {
  await told.close();
  await house.close();
});

async function absenceOf(id: string, body: Record<string, unknown> | null = { query: words }, text = 'lamp mug dress'): Promise<Absence> {
  const answer = await told.explain({ text, body, id, user: null });
  if (!('causes' in answer)) throw new Error(`${id} is there`);
  return answer;
}

const causesOf = ({ causes }: Absence): string[] => causes.map(({ cause }) => cause);

describe('a sidecar that wants a token', () => {
  it('is no engine that refuses an account: the message says how to show one', async () => {
    const engine = await openEngine();
    const tokens = [{ name: 'shop', token: 'a-token-for-searching', scopes: ['search' as const] }];
    const rig = await openRig({ engineUrl: engine.url, flags: { server: { tokens, requireToken: true } } });
    await expect(SearchConsole.open({ config: house.config, alias: 'shop', url: rig.url })).rejects.toThrow(
      /a token of scope search is needed.*FUSERANK_OPENSEARCH_AUTH_TYPE=bearer and FUSERANK_OPENSEARCH_AUTH_TOKEN/,
    );
    await rig.close();
    engine.close();
  });
});

describe('why a product is absent', () => {
  it('is told of one that is not: its arithmetic', async () => {
    const { ids } = await house.search({ query: words, size: 3 });
    const answer = await told.explain({ text: 'lamp mug dress', body: { query: words }, id: ids[1] ?? '', user: null });
    expect(answer).toMatchObject({ id: ids[1], explanation: { rank: 1 } });
  });

  it('is told of one that was not ranked: why not', async () => {
    const body = { query: words, sort: [{ price: 'asc' }] };
    const [id = ''] = (await house.direct({ ...body, size: 1 })).ids;
    const answer = await told.explain({ text: 'lamp', body, id, user: null });
    expect(answer).toMatchObject({ id, explanation: null, label: 'skipped; reason=sort' });
  });

  it('not in the index, or behind an alias whose filter refuses it', async () => {
    expect(causesOf(await absenceOf('no-such-id'))).toEqual(['not_in_index']);
    const concrete = Object.keys((await house.engine.indices.getAlias({ name: house.alias })).body)[0] ?? '';
    const alias = `${house.alias}-cheap`;
    await house.engine.indices.putAlias({ index: concrete, name: alias, body: { filter: { range: { price: { lt: 0.01 } } } } });
    const through = await SearchConsole.open({ config: house.config, alias, url: house.sidecar.url });
    const answer = await through.explain({ text: 'x', body: { query: words }, id: 'lamp-0001', user: null });
    await through.close();
    expect('causes' in answer && causesOf(answer)).toEqual(['alias_filter']);
  });

  it('excluded by a rule', async () => {
    const absence = await absenceOf('mug-0001', { query: words }, 'excluding mugs');
    expect(absence.causes).toEqual([{ cause: 'excluded', detail: 'profiles.shop.exclude.0 (query "excluding *") excludes it' }]);
  });

  it('each clause that refuses it, in the clause’s own words', async () => {
    const { product } = house.entries.find(({ product: { id } }) => id === 'lamp-0001') ?? house.entries[0] ?? { product: null };
    if (!product) throw new Error('no product');
    const dear = { range: { price: { gt: product.price } } };
    const same = { term: { material: product.material } };
    const query = { bool: { must: [words], filter: [{ exists: { field: 'brand' } }, dear], must_not: [same] } };
    const absence = await absenceOf(product.id, { query, post_filter: { term: { brand: 'no such brand' } } });
    expect(causesOf(absence)).toEqual(['filter', 'must_not', 'post_filter']);
    expect(absence.causes[0]?.detail).toContain(JSON.stringify(dear));
    expect(renderAbsence(absence, 'lamp')).toContain('lamp-0001 is absent for "lamp"');
  });

  it('cut by the window, with its place in the engine’s order', async () => {
    const engine = await house.direct({ query: words, size: 120 });
    const list = await house.search({ query: words, size: 6 });
    const id = engine.ids.findLast((each) => !list.ids.includes(each)) ?? '';
    const absence = await absenceOf(id);
    expect(causesOf(absence)[0]).toBe('window');
    expect(absence.firstPhase).toEqual({ rank: engine.ids.indexOf(id), window: 5 });
  });

  it('not found by the words, nor near by vectors, nor with any', async () => {
    const lamps = { query: { match: { title: 'lamp' } } };
    const engine = new Set((await house.direct({ ...lamps, size: 120 })).ids);
    const list = new Set((await house.search({ ...lamps, size: 200 })).ids);
    const far = house.entries.map(({ product }) => product.id).filter((id) => !engine.has(id) && !list.has(id));
    const absences: Absence[] = [];
    for (const id of far) absences.push(await absenceOf(id, lamps, 'lamp'));
    for (const absence of absences) expect(causesOf(absence)[0]).toBe('words');
    const nowhere = absences.find(({ text, image }) => text?.rank === null && image?.rank === null);
    expect(nowhere && causesOf(nowhere)).toEqual(['words', 'not_near', 'not_near']);
    const near = absences.find(({ text, image }) => text?.rank !== null || image?.rank !== null);
    expect(near && causesOf(near)).toContain('not_added');
    const concrete = Object.keys((await house.engine.indices.getAlias({ name: house.alias })).body)[0] ?? '';
    await house.engine.index({ index: concrete, id: 'bare', body: { id: 'bare', title: 'nothing', rank_key: 'bare' }, refresh: true });
    expect(causesOf(await absenceOf('bare', lamps, 'lamp'))).toEqual(['words', 'no_vectors', 'no_vectors']);
  });

  it('its group is shown by another', async () => {
    const engine = await house.direct({ query: words, size: 120 });
    const grouped = await house.direct({ query: words, size: 120, collapse: { field: 'brand' } });
    const id = engine.ids.find((each) => !grouped.ids.includes(each)) ?? '';
    expect(causesOf(await absenceOf(id, { query: words, collapse: { field: 'brand' } }))[0]).toBe('collapsed');
  });
});
