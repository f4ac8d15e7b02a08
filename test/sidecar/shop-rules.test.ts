import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openHouse, type House, type RawAnswer } from '../house.js';

const words = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };

let house: House;
beforeAll(async () => {
  house = await openHouse({ products: 120 });
});
afterAll(() => house.close());

const search = (body: object, fuserank: object): Promise<RawAnswer> => house.search({ ...body, ext: { fuserank } });

const explained = z.object({
  hits: z.object({
    hits: z.array(
      z.object({
        _id: z.string(),
        fields: z.object({
          _fuserank: z.array(z.looseObject({ rank: z.number(), moved_by: z.looseObject({ rule: z.string() }).optional() })),
        }),
      }),
    ),
  }),
});

/** By id: the rule that moved a hit. */
function movesOf(answer: RawAnswer): Map<string, Record<string, unknown>> {
  const { hits } = explained.parse(JSON.parse(answer.text)).hits;
  return new Map(hits.flatMap((hit) => (hit.fields._fuserank[0]?.moved_by ? [[hit._id, hit.fields._fuserank[0].moved_by]] : [])));
}

function fieldOf(answer: RawAnswer, field: string): unknown[] {
  return answer.body.hits.hits.map((hit) => hit._source[field]);
}

const totalOf = (answer: RawAnswer): number => answer.body.hits.total?.value ?? NaN;

/** Products that the words do not find. */
async function strangers(): Promise<{ id: string; price: number; material: string }[]> {
  const found = new Set((await house.direct({ query: words, size: 120 })).ids);
  return house.entries
    .filter(({ product }) => !found.has(product.id))
    .map(({ product }) => ({ id: product.id, price: product.price, material: product.material }));
}

describe('a pin', () => {
  it('puts a hit at its place on every page of the list, and says so', async () => {
    const plain = await search({ query: words, size: 20 }, {});
    const [, , third = '', , , , , eighth = ''] = plain.ids;
    const pins = [
      { ids: [eighth], position: 1 },
      { ids: [third], position: 13 },
      { query: 'something else', ids: [plain.ids[5]] },
    ];
    const first = await search({ query: words, size: 10 }, { pins, explain: true });
    expect(first.ids[0]).toBe(eighth);
    expect(movesOf(first).get(eighth)).toEqual({ rule: 'pin', from: 7 });
    expect(movesOf(first).size).toBe(1);
    const second = await search({ query: words, from: 10, size: 10 }, { pins });
    expect(second.label).toContain('list=stored');
    expect(second.ids[2]).toBe(third);
    expect([...first.ids, ...second.ids].filter((id) => id !== eighth && id !== third)).toEqual(
      plain.ids.filter((id) => id !== eighth && id !== third),
    );
  });

  it('brings a product that the words do not find, as an added hit', async () => {
    const [stranger] = await strangers();
    const answer = await search({ query: words, size: 10 }, { pins: [{ query: 'LAMP*', ids: [stranger?.id], position: 2 }] });
    expect(answer.ids[1]).toBe(stranger?.id);
    const list = await search({ query: words, size: 120 }, { pins: [{ query: 'LAMP*', ids: [stranger?.id], position: 2 }] });
    expect(new Set(list.ids).size).toBe(list.ids.length);
    expect(totalOf(answer)).toBe(list.ids.length);
  });

  it('never shows what the query’s constraints refuse: filter, must_not, post_filter, alias, an id that is not there', async () => {
    const [stranger] = await strangers();
    if (!stranger) throw new Error('the words find everything');
    const pins = [{ ids: [stranger.id, 'no-such-id'] }];
    const dearer = { range: { price: { gt: stranger.price } } };
    const same = { term: { material: stranger.material } };
    const cheaper = { range: { price: { lte: stranger.price } } };
    const ids = async (body: object): Promise<readonly string[]> => (await search({ size: 120, ...body }, { pins })).ids;
    expect((await ids({ query: { bool: { must: [words], filter: [cheaper] } } }))[0]).toBe(stranger.id);
    for (const body of [
      { query: { bool: { must: [words], filter: [dearer] } } },
      { query: { bool: { must: [words], must_not: [same] } } },
      { query: words, post_filter: dearer },
      { query: { bool: { must: [{ bool: { must: [words, dearer] } }] } } },
      { query: { constant_score: { filter: { bool: { must: [words], must_not: [same] } } } } },
      { query: { function_score: { query: { bool: { must: [words], filter: [dearer] } } } } },
    ]) {
      const shown = await ids(body);
      expect(shown).not.toContain(stranger.id);
      expect(shown).not.toContain('no-such-id');
    }
    const alias = `${house.alias}-dearer`;
    const concrete = Object.keys((await house.engine.indices.getAlias({ name: house.alias })).body)[0] ?? '';
    await house.engine.indices.putAlias({ index: concrete, name: alias, body: { filter: dearer } });
    const through = await house.search({ query: words, size: 120, ext: { fuserank: { pins } } }, { path: `${alias}/_search` });
    expect(through.label).toMatch(/^applied/);
    expect(through.ids).not.toContain(stranger.id);
  });

  it('brings only what the whole query finds where its tree is not understood, or it is no tree of ours to change', async () => {
    const [stranger] = await strangers();
    const found = (await house.direct({ query: words, size: 120 })).ids;
    const last = found.at(-1) ?? '';
    const pins = [{ ids: [stranger?.id ?? '', last] }];
    for (const body of [
      { query: { bool: { should: [words, { term: { material: 'no such material' } }] } } },
      { query: words, min_score: 0.0001 },
      {
        query: { hybrid: { queries: [words, { match: { title: 'lamp' } }], pagination_depth: 100 } },
        search_pipeline: {
          phase_results_processors: [
            { 'normalization-processor': { normalization: { technique: 'min_max' }, combination: { technique: 'arithmetic_mean' } } },
          ],
        },
      },
    ]) {
      // A window of three: the last hit is not among the candidates of its own accord.
      const answer = await search({ size: 10, ...body }, { pins, window: 3 });
      expect(answer.label).toMatch(/^applied/);
      expect(answer.ids[0]).toBe(last);
      expect(answer.ids).not.toContain(stranger?.id);
    }
  });

  it('counts for nothing at blend 0', async () => {
    const body = { query: words, size: 10 };
    const engine = await house.direct(body);
    const answer = await search(body, {
      blend: 0,
      pins: [{ ids: [engine.ids[5]] }],
      diversity: { maxPerGroup: { field: 'brand', max: 1 } },
    });
    expect(answer.ids).toEqual(engine.ids);
  });
});

describe('an exclusion', () => {
  it('takes a product out of hits, totals and pages alike, and changes no score', async () => {
    const engine = await house.direct({ query: words, size: 120 });
    const gone = [engine.ids[0] ?? '', engine.ids[3] ?? '', engine.ids.at(-1) ?? ''];
    const left = engine.ids.filter((id) => !gone.includes(id));
    const exclude = [{ ids: gone }, { query: 'boots', ids: [engine.ids[1]] }];
    for (const size of [5, 7, 120]) {
      const shown: string[] = [];
      for (let from = 0; from < left.length + 60; from += size) {
        const page = await search({ query: words, from, size }, { exclude, window: 10 });
        expect(page.label).toMatch(/^applied|no_hits/);
        expect(totalOf(page)).toBeGreaterThanOrEqual(left.length);
        shown.push(...page.ids);
      }
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown).toEqual(expect.arrayContaining(left));
      for (const id of gone) expect(shown).not.toContain(id);
    }
    // Without added hits, to the number: the engine's own arithmetic over what is left.
    const strict = await search({ query: { bool: { must: [words], should: [{ match_all: {} }] } }, size: 120, min_score: 0 }, { exclude });
    expect(totalOf(strict)).toBe(left.length);
  });

  it('holds where ranking fails, beside a filter of the client’s own, and for vectors', async () => {
    const body = { query: words, size: 60, post_filter: { range: { price: { gte: 10 } } } };
    const before = await search(body, {});
    const gone = before.ids.slice(0, 3);
    const answer = await search(body, { exclude: [{ ids: gone }] });
    for (const id of gone) expect(answer.ids).not.toContain(id);
    for (const price of fieldOf(answer, 'price')) expect(price).toBeGreaterThanOrEqual(10);
    const late = await search(body, { exclude: [{ ids: gone }], dry_run: true });
    expect(late.label).toBe('skipped; reason=dry_run');
    for (const id of gone) expect(late.ids).not.toContain(id);
  });

  it('wins over a pin', async () => {
    const { ids } = await search({ query: words, size: 5 }, {});
    const answer = await search({ query: words, size: 5 }, { exclude: [{ ids: [ids[1]] }], pins: [{ ids: [ids[1], ids[2]] }] });
    expect(answer.ids).not.toContain(ids[1]);
    expect(answer.ids[0]).toBe(ids[2]);
  });

  it('holds for its own search of an _msearch, and for no neighbour', async () => {
    const engine = await house.direct({ query: words, size: 10, track_total_hits: true });
    const [first = ''] = engine.ids;
    const own = { query: words, size: 10, track_total_hits: true, ext: { fuserank: { exclude: [{ ids: [first] }], profile: 'shop' } } };
    const lines = [{}, own, {}, { ...own, ext: undefined }];
    const response = await fetch(`${house.sidecar.url}/${house.alias}/_msearch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    expect(response.headers.get('x-fuserank')).toMatch(/^applied; items=2\/2/);
    const listSchema = z.object({
      hits: z.object({ total: z.object({ value: z.number() }), hits: z.array(z.object({ _id: z.string() })) }),
    });
    const { responses } = z.object({ responses: z.tuple([listSchema, listSchema]) }).parse(await response.json());
    const [without, neighbour] = responses.map(({ hits }) => ({ total: hits.total.value, ids: hits.hits.map(({ _id }) => _id) }));
    const alone = await search({ query: words, size: 10, track_total_hits: true }, { exclude: [{ ids: [first] }] });
    expect(without).toEqual({ total: totalOf(alone), ids: alone.ids });
    expect(without?.ids).not.toContain(first);
    expect(neighbour?.ids).toEqual((await search({ query: words, size: 10, track_total_hits: true }, {})).ids);
  });

  it('reaches searches by address, whose body is empty', async () => {
    const path = `${house.alias}/_search?q=lamp%20mug&size=20`;
    const before = await fetch(`${house.sidecar.url}/${path}`);
    expect(before.status).toBe(200);
    const first = (await search({ query: words, size: 1 }, {})).ids[0] ?? '';
    const source = encodeURIComponent(JSON.stringify({ query: words, size: 20, ext: { fuserank: { exclude: [{ ids: [first] }] } } }));
    const after = await fetch(`${house.sidecar.url}/${house.alias}/_search?source_content_type=application/json&source=${source}`);
    expect(after.headers.get('x-fuserank')).toMatch(/^applied/);
    const text = await after.text();
    expect(text).toContain('"hits"');
    expect(text).not.toContain(`"_id":"${first}"`);
  });
});

describe('diversity', () => {
  it('keeps at most so many hits of a brand in front, and names the rule', async () => {
    const body = { query: words, size: 120 };
    const plain = await search(body, {});
    const diversity = { maxPerGroup: { field: 'brand', max: 2 } };
    const answer = await search(body, { diversity, explain: true });
    expect([...answer.ids].sort()).toEqual([...plain.ids].sort());
    const moves = movesOf(answer);
    const kept = answer.body.hits.hits.filter((hit) => !moves.has(hit._id));
    const counts = new Map<unknown, number>();
    for (const { _source } of kept) counts.set(_source.brand, (counts.get(_source.brand) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBe(2);
    expect(moves.size).toBeGreaterThan(0);
    for (const hit of answer.body.hits.hits.slice(kept.length)) {
      expect(moves.get(hit._id)).toMatchObject({ rule: 'max_per_group', group: hit._source.brand });
    }
  });

  it('by vectors chooses other products among the same', async () => {
    const body = { query: words, size: 30 };
    const plain = await search(body, {});
    const answer = await search(body, { diversity: { mmr: { lambda: 0.3, depth: 30 } }, explain: true });
    expect(answer.ids[0]).toBe(plain.ids[0]);
    expect(answer.ids).not.toEqual(plain.ids);
    expect([...answer.ids].sort()).toEqual([...plain.ids].sort());
    const moved = [...movesOf(answer)];
    expect(moved.length).toBeGreaterThan(0);
    for (const [, move] of moved) expect(move).toMatchObject({ rule: 'mmr', like: expect.any(String) as unknown });
    const all = await search(body, { diversity: { mmr: { lambda: 1 } } });
    expect(all.ids).toEqual(plain.ids);
  });

  it('gives a brand its share of the top, and moves nobody far', async () => {
    const body = { query: words, size: 60 };
    const plain = await search(body, {});
    const brandOf = new Map(plain.body.hits.hits.map((hit) => [hit._id, hit._source.brand]));
    const count = (ids: readonly string[], brand: unknown) => ids.filter((id) => brandOf.get(id) === brand).length;
    const low = [...new Set(brandOf.values())].find((brand) => count(plain.ids, brand) >= 3 && count(plain.ids.slice(0, 10), brand) < 3);
    expect(low, 'a brand that the top has too few of').toBeDefined();
    const floor = { field: 'brand', values: [low], share: 0.3, depth: 10, maxDisplacement: 60 };
    const answer = await search(body, { diversity: { floor }, explain: true });
    expect([...answer.ids].sort()).toEqual([...plain.ids].sort());
    const ofBrand = (ids: readonly string[]) => ids.filter((id) => brandOf.get(id) === low);
    expect(ofBrand(answer.ids.slice(0, 10)).length).toBe(Math.max(3, ofBrand(plain.ids.slice(0, 10)).length));
    expect(ofBrand(answer.ids)).toEqual(ofBrand(plain.ids));
    const moves = movesOf(answer);
    expect(moves.size).toBeGreaterThan(0);
    for (const [id, move] of moves) expect(move).toEqual({ rule: 'floor', from: plain.ids.indexOf(id) });
    const near = await search(body, { diversity: { floor: { ...floor, maxDisplacement: 1 } } });
    near.ids.forEach((id, place) => expect(Math.abs(place - plain.ids.indexOf(id))).toBeLessThanOrEqual(1));
  });

  it('by a field that can not be counted is no silent nothing', async () => {
    const answer = await search({ query: words, size: 5 }, { diversity: { maxPerGroup: { field: 'title', max: 2 } } });
    expect(answer.label).toBe('skipped; reason=legs_failed');
  });

  it('by fields that no hit has names them in the block', async () => {
    const floor = { field: 'sellr', values: ['small'], share: 0.3, depth: 10, maxDisplacement: 60 };
    const diversity = { maxPerGroup: { field: 'brnd', max: 2 }, floor };
    const answer = await search({ query: words, size: 20 }, { diversity, ext: true });
    expect(answer.ids).toEqual((await search({ query: words, size: 20 }, {})).ids);
    expect(JSON.parse(answer.text)).toMatchObject({ ext: { fuserank: { rules: { without_values: ['brnd', 'sellr'] } } } });
    const right = await search({ query: words, size: 20 }, { diversity: { maxPerGroup: { field: 'brand', max: 2 } }, ext: true });
    expect(JSON.parse(right.text)).not.toHaveProperty('ext.fuserank.rules');
  });
});
