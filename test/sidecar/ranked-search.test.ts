import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openHouse, type House, type RawAnswer } from '../house.js';

const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };

let house: House;
beforeAll(async () => {
  house = await openHouse({ products: 120 });
});
afterAll(() => house.close());

/** The engine's own bytes, but for `took` and our own members. */
function plain(text: string): string {
  const own = /,?"(text_vector|image_vector|rank_key|content_hash|group_key)" ?: ?(\[[^\]]*\]|"[^"]*")/g;
  return text
    .replace(/"took":\d+/, '"took":0')
    .replace(own, '')
    .replace(/\{,/g, '{');
}

function sourceOf(answer: RawAnswer, place: number): Record<string, unknown> {
  return answer.body.hits.hits[place]?._source ?? {};
}

describe('a ranked search', () => {
  it('reorders the engine’s hits and says which model did', async () => {
    const ranked = await house.search({ query, size: 30 });
    const engine = await house.direct({ query, size: 30 });
    expect(ranked.status).toBe(200);
    expect(ranked.label).toMatch(/^applied; model=fusion-base-\S+; window=\d+$/);
    expect(ranked.ids).not.toEqual(engine.ids);
  });

  it('shows no vector, hash or key of ours, ranked or skipped, however the source is asked for', async () => {
    for (const body of [
      { query, size: 30 },
      { query, size: 30, _source: ['title', '*vector*'] },
      { query, size: 30, fields: ['*'] },
      { query, size: 30, sort: ['price'] },
      { query, size: 30, ext: { fuserank: { budget_ms: 0 } } },
    ]) {
      const { text, ids } = await house.search(body);
      expect(ids.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/text_vector|image_vector|content_hash|rank_key/);
    }
  });

  it('hands our members over when they are asked for by name', async () => {
    const named = await house.search({ query, size: 1, _source: ['title', 'rank_key'] });
    expect(sourceOf(named, 0)).toEqual({ title: expect.any(String) as unknown, rank_key: named.ids[0] });
  });

  it('keeps aggregations, highlights and totals of the client’s own request', async () => {
    const body = {
      query,
      size: 12,
      highlight: { fields: { title: {} } },
      aggs: { brands: { terms: { field: 'brand' } } },
      track_total_hits: true,
    };
    const ranked = await house.search(body);
    const engine = await house.direct(body);
    expect(ranked.body.aggregations).toEqual(engine.body.aggregations);
    expect(ranked.body.hits.total?.value).toBeGreaterThanOrEqual(engine.body.hits.total?.value ?? 0);
    expect(ranked.text).toContain('<em>');
  });

  it('lets the client’s pipeline shape every hit, also those that came up from below its page', async () => {
    const rename = { response_processors: [{ rename_field: { field: 'title', target_field: 'name', ignore_failure: true } }] };
    const answer = await house.search({ query, size: 10, search_pipeline: rename });
    expect(answer.label).toMatch(/^applied/);
    for (const hit of answer.body.hits.hits) expect(hit._source).toHaveProperty('name');
  });

  it('deals the list’s own scores out in page order', async () => {
    const scores = (answer: RawAnswer): number[] => answer.body.hits.hits.map((hit) => hit._score ?? Number.NaN);
    const ranked = scores(await house.search({ query, size: 20 }));
    const engine = scores(await house.direct({ query, size: 20 }));
    expect(ranked.slice(0, engine.length)).toEqual(engine);
    expect(ranked).toEqual(ranked.toSorted((a, b) => b - a));
  });

  it('pages through one list: no hit twice, none lost, also past the list’s end', async () => {
    const shopper = { fuserank: { user_id: 'pager' } };
    const total = (await house.search({ query: { match_all: {} }, size: 1, ext: shopper })).text;
    expect(total).toContain('"value":120');
    const first = await house.search({ query: { match_all: {} }, size: 50, ext: shopper });
    const second = await house.search({ query: { match_all: {} }, from: 50, size: 50, ext: shopper });
    const third = await house.search({ query: { match_all: {} }, from: 100, size: 50, ext: shopper });
    expect(second.label).toContain('list=stored');
    const all = [...first.ids, ...second.ids, ...third.ids];
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(120);
  });

  it('continues after a window smaller than the result, in the engine’s order', async () => {
    const body = { query: { match_all: {} }, ext: { fuserank: { window: 10 } } };
    const page = await house.search({ ...body, size: 30 });
    const engine = await house.direct({ query: { match_all: {} }, size: 30 });
    expect([...page.ids.slice(0, 10)].sort()).toEqual([...engine.ids.slice(0, 10)].sort());
    expect(page.ids.slice(10)).toEqual(engine.ids.slice(10));
    const next = await house.search({ ...body, from: 30, size: 10 });
    expect(next.ids).toEqual((await house.direct({ query: { match_all: {} }, from: 30, size: 10 })).ids);
  });

  it('finds what a picture alone shows, first', async () => {
    const { renderPicture } = await import('../../demo/picture.js');
    const wanted = house.entries[17];
    if (!wanted) throw new Error('no entry');
    const value = (await renderPicture(wanted.svg)).toString('base64');
    const answer = await house.search({
      query: { match_all: {} },
      size: 5,
      ext: { fuserank: { query_image: { format: 'base64', value } } },
    });
    expect(answer.ids[0]).toBe(wanted.product.id);
  });
});

describe('hits that the vector legs add', () => {
  const matching = {
    query: { bool: { must: [query], filter: [{ range: { price: { lte: 60 } } }], must_not: [{ term: { material: 'leather' } }] } },
    size: 100,
  };

  it('are told by retriever, with how many events were known, where the search asks for it', async () => {
    const block = z.looseObject({
      history_length: z.number(),
      legs: z.record(z.string(), z.array(z.string())).optional(),
      window: z.number(),
    });
    const blockOf = ({ text }: RawAnswer): z.output<typeof block> | null =>
      z.object({ ext: z.object({ fuserank: block }).optional() }).parse(JSON.parse(text)).ext?.fuserank ?? null;
    const body = { query: { multi_match: { query: 'teapot', fields: ['title'] } }, size: 100 };
    const engine = await house.direct(body);
    const history = [{ object_id: 'lamp-1' }, { object_id: 'mug-1', action_name: 'add_to_cart' }];
    const told = await house.search({ ...body, ext: { fuserank: { legs: true, history, window: 50 } } });
    const legs = blockOf(told)?.legs ?? {};
    expect(Object.keys(legs)).toEqual(['first_phase', 'text', 'image']);
    expect(legs['first_phase']).toEqual(engine.ids.slice(0, 50));
    const found = new Set(Object.values(legs).flat());
    expect(found.size).toBeGreaterThanOrEqual(told.ids.length);
    for (const id of told.ids) expect(found).toContain(id);
    expect(Math.max(...Object.values(legs).map((ids) => ids.length))).toBeLessThanOrEqual(50);
    expect(blockOf(told)).toMatchObject({ history_length: 2, window: Math.min(50, engine.ids.length) });
    expect(blockOf(await house.search({ ...body, ext: { fuserank: { ext: true } } }))).toMatchObject({ history_length: 0 });
    expect(blockOf(await house.search({ ...body, ext: { fuserank: { ext: true } } }))?.legs).toBeUndefined();
    expect(blockOf(await house.search(body))).toBeNull();
  });

  it('are not what the words found, and are at most as many as allowed', async () => {
    const few = { query: { multi_match: { query: 'teapot', fields: ['title'] } }, size: 100 };
    const engine = await house.direct(few);
    const ranked = await house.search(few);
    expect(ranked.ids.length).toBeGreaterThan(engine.ids.length);
    expect(ranked.ids.length).toBeLessThanOrEqual(engine.ids.length + 50);
    expect(ranked.ids).toEqual(expect.arrayContaining([...engine.ids]));
    expect(ranked.text).toContain(`"value":${ranked.ids.length}`);
  });

  it('obey filter, must_not and post_filter like the client’s own', async () => {
    const answer = await house.search({ ...matching, post_filter: { range: { rating: { gte: 3 } } } });
    expect(answer.label).toMatch(/^applied/);
    const sources = answer.ids.map((_, place) => sourceOf(answer, place));
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(source.price).toBeLessThanOrEqual(60);
      expect(source.material).not.toBe('leather');
      expect(source.rating).toBeGreaterThanOrEqual(3);
    }
  });

  it('do not come where the query’s tree is not wholly understood, and explain says why', async () => {
    const odd = { query: { bool: { should: [query, { term: { material: 'linen' } }] } }, size: 100, ext: { fuserank: { explain: true } } };
    const answer = await house.search(odd);
    const engine = await house.direct({ query: odd.query, size: 100 });
    expect([...answer.ids].sort()).toEqual([...engine.ids].sort());
    expect(answer.text).toContain('"no_vector_legs":"should mixes words and other clauses"');
  });
});

describe('an explanation', () => {
  it('has shares that add up to the final score, for every hit', async () => {
    const answer = await house.search({
      query,
      size: 30,
      ext: { fuserank: { explain: true, history: [{ object_id: house.entries[3]?.product.id ?? '' }] } },
    });
    expect(answer.body.hits.hits.length).toBeGreaterThan(5);
    for (const hit of answer.body.hits.hits) {
      const explanation = hit.fields?._fuserank?.[0];
      if (!explanation) throw new Error(`${hit._id} is not explained`);
      const sum = Object.values(explanation.shares).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - explanation.final)).toBeLessThan(1e-6);
      expect(Object.keys(explanation.shares)).toEqual(
        expect.arrayContaining(['first_phase', 'query_text', 'query_image', 'history_text', 'history_image', 'business']),
      );
    }
  });

  it('gives each retriever’s own score and rank, the words’ apart in a hybrid', async () => {
    const lamp = { multi_match: { query: 'lamp', fields: ['title'] } };
    const seen = z.looseObject({ score: z.number().nullable(), rank: z.number().nullable() });
    const read = z.object({ first_phase: seen, text_knn: seen, image_knn: seen, lexical: seen.optional() });
    const why = (answer: RawAnswer) => answer.body.hits.hits.map((hit) => read.parse(hit.fields?._fuserank?.[0]));
    const plain = why(await house.search({ query: lamp, size: 60, ext: { fuserank: { explain: true } } }));
    for (const { text_knn: text, image_knn: image } of plain) {
      expect(text.score === null).toBe(text.rank === null);
      expect(image.score === null).toBe(image.rank === null);
    }
    expect(plain.some(({ text_knn: text }) => text.score !== null)).toBe(true);
    const own = { hybrid: { queries: [lamp, { match: { description: 'linen' } }], pagination_depth: 50 } };
    const pipeline = {
      phase_results_processors: [
        { 'normalization-processor': { normalization: { technique: 'min_max' }, combination: { technique: 'arithmetic_mean' } } },
      ],
    };
    const hybrid = await house.search({ query: own, size: 60, search_pipeline: pipeline, ext: { fuserank: { explain: true } } });
    const either = await house.direct({ query: { bool: { should: own.hybrid.queries } }, size: 60 });
    expect(hybrid.ids.length).toBeGreaterThan(0);
    why(hybrid).forEach(({ lexical }, place) => {
      const rank = either.ids.indexOf(hybrid.ids[place] ?? '');
      expect(lexical).toEqual({ rank, score: either.body.hits.hits[rank]?._score });
    });
  });

  it('says where a hit would stand without history, pictures or counts', async () => {
    const place = z.object({ final: z.number(), rank: z.int() });
    const read = z.object({
      rank: z.int(),
      final: z.number(),
      model: z.object({ score: z.number(), mean: z.number(), spread: z.number() }),
      without: z.object({ history: place, picture: place, counts: place }),
    });
    const history = [{ object_id: house.entries[3]?.product.id ?? '' }];
    const asked = { query, size: 30, ext: { fuserank: { explain: true, history } } };
    const seen = (await house.search(asked)).body.hits.hits.map((hit) => ({ id: hit._id, ...read.parse(hit.fields?._fuserank?.[0]) }));
    const newcomer = await house.search({ query, size: 200, ext: { fuserank: { history: [] } } });
    const order = [...seen].sort((a, b) => a.without.history.rank - b.without.history.rank).map(({ id }) => id);
    expect(order).toEqual(newcomer.ids.filter((id) => order.includes(id)));
    expect(seen.some(({ rank, without }) => rank !== without.history.rank)).toBe(true);
    // Nothing is counted in this house: without counts everything is as it is.
    for (const { rank, final, without } of seen) expect(without.counts).toEqual({ rank, final });
  });

  it('does not change the order', async () => {
    const ext = { fuserank: { history: [{ object_id: house.entries[3]?.product.id ?? '' }] } };
    const plainOrder = await house.search({ query, size: 30, ext });
    const explained = await house.search({ query, size: 30, ext: { fuserank: { ...ext.fuserank, explain: true } } });
    expect(explained.ids).toEqual(plainOrder.ids);
  });
});

describe('whoever is nobody', () => {
  it('gets the same bytes: unknown, without history, with consent withheld', async () => {
    const body = { query, size: 30 };
    const anonymous = await house.search(body);
    const others = [
      { user_id: 'never-seen' },
      { user_id: 'never-seen', session_id: 'x' },
      { history: [] },
      { user_id: 'ada', consent: 'none', history: [{ object_id: house.entries[3]?.product.id ?? '' }] },
    ];
    for (const fuserank of others) {
      expect(plain((await house.search({ ...body, ext: { fuserank } })).text)).toBe(plain(anonymous.text));
    }
  });
});

describe('without ranking, the body is the engine’s own', () => {
  const hybrid = {
    hybrid: { queries: [query, { match: { description: 'linen' } }], pagination_depth: 50 },
  };
  const pipeline = {
    phase_results_processors: [
      {
        'normalization-processor': {
          normalization: { technique: 'min_max' },
          combination: { technique: 'arithmetic_mean', parameters: { weights: [0.6, 0.4] } },
        },
      },
    ],
  };
  const bodies: [string, object][] = [
    ['plain', { query, size: 24 }],
    ['highlight', { query, size: 24, highlight: { fields: { title: {}, description: {} } } }],
    ['aggregations', { query, size: 24, aggs: { brands: { terms: { field: 'brand' }, aggs: { price: { avg: { field: 'price' } } } } } }],
    ['from > 0', { query, from: 7, size: 24 }],
    ['hybrid', { query: hybrid, size: 24, search_pipeline: pipeline }],
    ['suggest', { query, size: 5, suggest: { s: { text: 'lmp', term: { field: 'title' } } } }],
    ['fields', { query, size: 5, fields: ['brand', 'price'], _source: false }],
  ];

  it.each(bodies)('%s: budget 0', async (_, body) => {
    const ours = await house.search({ ...body, ext: { fuserank: { budget_ms: 0 } } });
    const engine = await house.direct(body);
    expect(ours.label).toBe('skipped; reason=budget');
    expect(ours.status).toBe(200);
    expect(plain(ours.text)).toBe(plain(engine.text));
    expect(ours.text).not.toMatch(/_vector/);
  });

  it('each of them: with the scorer killed', async () => {
    const engine = await Promise.all(bodies.map(([, body]) => house.direct(body)));
    for (const pid of house.sidecar.scorerIds()) process.kill(pid, 'SIGKILL');
    // Nobody asked with this blend before: no page of an order stored earlier, which needs no scorer, can answer.
    const ours = await Promise.all(bodies.map(([, body]) => house.search({ ...body, ext: { fuserank: { blend: 0.61 } } })));
    ours.forEach((answer, place) => {
      expect(answer.label).toBe('skipped; reason=scorer_unavailable');
      expect(answer.status).toBe(200);
      expect(plain(answer.text)).toBe(plain(engine[place]?.text ?? ''));
      expect(answer.text).not.toMatch(/_vector/);
    });
    await expect.poll(async () => (await house.search({ query })).label, { timeout: 20_000 }).toMatch(/^applied/);
  });

  it('bypass: equal bytes but for took', async () => {
    const body = { query, size: 24, aggs: { brands: { terms: { field: 'brand' } } } };
    const ours = await house.search(body, { headers: { 'x-fuserank-bypass': 'true' } });
    expect(ours.label).toBe('skipped; reason=bypass');
    expect(ours.text.replace(/"took":\d+/, '')).toBe((await house.direct(body)).text.replace(/"took":\d+/, ''));
  });

  it('an error of the engine comes back verbatim', async () => {
    const body = { query: { no_such_query: {} } };
    const ours = await house.search(body);
    expect(ours.status).toBe(400);
    expect(ours.text).toBe((await house.direct(body)).text);
    expect(ours.label).toBe('skipped; reason=engine_error');
  });

  it('a hybrid query that ran without its pipeline is recognised and left alone', async () => {
    const ours = await house.search({ query: hybrid, size: 24 });
    expect(ours.label).toBe('skipped; reason=negative_scores');
  });

  it('a ranked hybrid keeps the engine’s set of hits', async () => {
    const body = { query: hybrid, size: 24, search_pipeline: pipeline };
    const ours = await house.search(body);
    expect(ours.label).toMatch(/^applied/);
    const wide = await house.direct({ ...body, size: 50 });
    for (const id of ours.ids) expect(wide.ids).toContain(id);
  });
});
