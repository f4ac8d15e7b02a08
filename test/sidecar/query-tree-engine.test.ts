import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readAnswer } from '../../sidecar/answer/engine-answer.js';
import { literal } from '../../sidecar/json/spans.js';
import { countRequired } from '../../sidecar/request/minimum-should-match.js';
import { openHouse, type House, type RawAnswer } from '../house.js';
import { anyConstraint, queryTree, TENANTS, type Asked, type Stocked } from './query-trees.js';

const PRODUCTS = 200;
const SEED = 20_251_127;
/** Words of which some are in few titles, so that vectors find more than they do. */
const WORDS = ['lamp', 'mug dress', 'linen', 'striped vase', 'warm light for reading', 'teapot'];

let house: House;
/** The test's own index of the house's products: three shards, routed by tenant, with what a shop's filters look at. */
let index: string;
let shelf: Map<string, Stocked>;
/** What the shards of a tenant's routing hold, by tenant. */
let routed: Map<string, ReadonlySet<string>>;

beforeAll(async () => {
  house = await openHouse({
    products: PRODUCTS,
    config: {
      profiles: {
        shop: { index: 'house-*', budgetMs: 20_000 },
        strict: { index: 'house-*', budgetMs: 20_000, retrieval: { add: 'none' } },
      },
    },
  });
  index = `${house.alias}-shelf`;
  shelf = new Map();
  await stockShelf();
  await expect.poll(async () => (await house.search({ query: { match_all: {} } }, { path: `${index}/_search` })).label).toMatch(/^applied/);
  routed = new Map();
  for (const tenant of TENANTS) {
    const held = await house.direct(
      { query: { match_all: {} }, size: PRODUCTS, _source: false },
      { path: `${index}/_search?routing=${tenant}` },
    );
    routed.set(tenant, new Set(held.ids));
  }
});
afterAll(() => house.close());

const mappingAnswer = z.record(
  z.string(),
  z.object({ mappings: z.looseObject({ _meta: z.record(z.string(), z.looseObject({})), properties: z.record(z.string(), z.unknown()) }) }),
);
const fullAnswer = z.looseObject({
  hits: z.looseObject({ hits: z.array(z.looseObject({ _id: z.string(), _source: z.looseObject({ price: z.number() }) })) }),
});

async function stockShelf(): Promise<void> {
  const { engine, alias } = house;
  const [mapped] = Object.values(mappingAnswer.parse((await engine.indices.getMapping({ index: alias })).body));
  if (!mapped) throw new Error('the house has no index');
  const { _meta: meta, properties } = mapped.mappings;
  await engine.indices.create({
    index,
    body: {
      settings: { index: { knn: true, number_of_shards: 3, number_of_replicas: 0 } },
      mappings: {
        dynamic: false,
        _meta: { ...meta, fuserank: { ...meta['fuserank'], head: null } },
        properties: {
          ...properties,
          tenant: { type: 'keyword' },
          in_stock: { type: 'boolean' },
          code: { type: 'keyword' },
          note: { type: 'text' },
          clearance: { type: 'boolean' },
          variants: { type: 'nested', properties: { size: { type: 'keyword' }, quantity: { type: 'integer' } } },
        },
      },
      aliases: {
        [`${index}-green`]: { filter: { term: { tenant: 'green' } } },
        [`${index}-routed`]: { routing: 'blue' },
      },
    },
  });
  const all = await engine.search({ index: alias, body: { query: { match_all: {} }, size: PRODUCTS } });
  const lines = fullAnswer.parse(all.body).hits.hits.flatMap(({ _id: id, _source: source }, at) => {
    const tenant = TENANTS[at % TENANTS.length] ?? 'red';
    const product: Stocked = {
      id,
      tenant,
      in_stock: at % 5 < 3,
      price: source.price,
      brand: '',
      code: at % 2 === 0 ? '1' : '1.0',
      ...(at % 4 === 0 ? { clearance: true } : {}),
      variants: ['S', 'M', 'L'].slice(0, 1 + (at % 3)).map((size, place) => ({ size, quantity: (at + place) % 6 })),
    };
    shelf.set(id, product);
    const { id: _id, brand: _brand, ...members } = product;
    return [
      JSON.stringify({ index: { _index: index, _id: id, routing: tenant } }),
      JSON.stringify({ ...source, ...members, note: `${tenant} goods` }),
    ];
  });
  const written = await fetch(`${house.node.url}/_bulk?refresh=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  expect(await written.text()).toContain('"errors":false');
  expect(shelf.size).toBe(PRODUCTS);
}

/** What a whole search asks of a product beside its query. */
interface Around {
  readonly path: string;
  readonly body: object;
  readonly admits: (product: Stocked) => boolean;
}

const everything = (): boolean => true;

/** Where the search goes, and which products its door lets through. */
const door: fc.Arbitrary<() => Around> = fc.constantFrom<() => Around>(
  () => ({ path: `${index}/_search`, body: {}, admits: everything }),
  () => ({ path: `${index}-green/_search`, body: {}, admits: (p) => p.tenant === 'green' }),
  () => ({ path: `${index}-routed/_search`, body: {}, admits: (p) => routed.get('blue')?.has(p.id) ?? false }),
  () => ({ path: `${index}/_search?routing=red&preference=_local`, body: {}, admits: (p) => routed.get('red')?.has(p.id) ?? false }),
  () => ({ path: `${index}/_search?search_type=dfs_query_then_fetch`, body: {}, admits: everything }),
);

const around: fc.Arbitrary<Asked & { body: object }> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ query: {}, body: {}, admits: everything }) },
  { weight: 2, arbitrary: anyConstraint.map(({ query, admits }) => ({ query, body: { post_filter: query }, admits })) },
  {
    weight: 1,
    arbitrary: anyConstraint.map(({ query, admits }) => ({
      query,
      body: { search_pipeline: { request_processors: [{ filter_query: { query } }] } },
      admits,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      query: {},
      body: {
        derived: { shop: { type: 'keyword', script: { source: "emit(doc['tenant'].value)" } } },
        post_filter: { bool: { must_not: [{ term: { shop: 'red' } }] } },
      },
      admits: (p: Stocked) => p.tenant !== 'red',
    }),
  },
);

const search = fc.constantFrom(...WORDS).chain((words) => fc.record({ words: fc.constant(words), tree: queryTree(words), door, around }));

const page = { size: PRODUCTS, _source: ['title', 'tenant', 'price'] };

describe('any query tree, on a real engine', () => {
  it('adds only hits that pass the query without its words', async () => {
    const counts = { runs: 0, applied: 0, withAdded: 0, added: 0 };
    await fc.assert(
      fc.asyncProperty(search, async ({ tree, door: open, around: about }) => {
        const entered = open();
        const body = { query: tree.query, ...about.body, ...page };
        const admitted = (id: string): boolean => {
          const product = shelf.get(id);
          return product !== undefined && tree.admits(product) && about.admits(product) && entered.admits(product);
        };
        const engine = await house.direct(body, { path: entered.path });
        expect(engine.status, engine.text).toBe(200);
        // The engine's own hits pass, or the tree and what is said of it do not belong together.
        expect(engine.ids.filter((id) => !admitted(id))).toEqual([]);
        const ranked = await house.search(body, { path: entered.path });
        const added = ranked.ids.filter((id) => !engine.ids.includes(id));
        expect(added.filter((id) => !admitted(id))).toEqual([]);
        expect(ranked.ids).toEqual(expect.arrayContaining([...engine.ids]));
        expect(new Set(ranked.ids).size).toBe(ranked.ids.length);
        counts.runs += 1;
        if (ranked.label.startsWith('applied')) counts.applied += 1;
        else expect(ranked.label).toBe('skipped; reason=no_hits');
        if (added.length > 0) counts.withAdded += 1;
        counts.added += added.length;
      }),
      { numRuns: 100, seed: SEED },
    );
    console.info(`seed ${SEED}: ${JSON.stringify(counts)}`);
    // A property that adds nothing would prove nothing.
    expect(counts.withAdded / counts.runs).toBeGreaterThan(0.3);
  });

  it('with retrieval.add none changes the order of the window and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(search, fc.integer({ min: 1, max: 30 }), async ({ tree, door: open, around: about }, size) => {
        const { path } = open();
        const whole = { query: tree.query, ...about.body, ...page, aggs: { tenants: { terms: { field: 'tenant' } } } };
        const ext = { fuserank: { profile: 'strict' } };
        const engine = read(await house.direct(whole, { path }));
        const ranked = read(await house.search({ ...whole, ext }, { path }));
        expect(ranked.around).toBe(engine.around);
        expect(ranked.scores).toEqual(engine.scores);
        expect(ranked.hits.toSorted()).toEqual(engine.hits.toSorted());
        const first = read(await house.search({ ...whole, size, ext }, { path }));
        const own = read(await house.direct({ ...whole, size }, { path }));
        expect(first.around).toBe(own.around);
        expect(first.scores).toEqual(own.scores);
        expect(first.hits).toEqual(ranked.hits.slice(0, size));
      }),
      { numRuns: 40, seed: SEED },
    );
  });
});

/** An answer's bytes in three parts: all but the hits (and took), each hit but its score, the scores in page order. */
function read({ text }: RawAnswer): { around: string; hits: string[]; scores: string[] } {
  const bytes = Buffer.from(text);
  const answer = readAnswer(bytes);
  if (!answer) throw new Error(text);
  const { hitsSpan, hits } = answer;
  return {
    around: `${bytes.toString('utf8', 0, hitsSpan.start)}…${bytes.toString('utf8', hitsSpan.end)}`.replace(/"took":\d+/, ''),
    hits: hits.map(({ span, score }) =>
      score ? bytes.toString('utf8', span.start, score.start) + bytes.toString('utf8', score.end, span.end) : literal(bytes, span),
    ),
    scores: hits.map(({ score }) => (score ? literal(bytes, score) : '')),
  };
}

describe('minimum_should_match', () => {
  it('is counted as the engine counts it, in every spelling', async () => {
    const specs = [
      '0',
      '1',
      '2',
      '4',
      '-1',
      '-3',
      '-9',
      '0%',
      '33%',
      '34%',
      '50%',
      '75%',
      '99%',
      '100%',
      '-25%',
      '-34%',
      '-75%',
      '2<75%',
      '1<-1 3<50%',
      '2 < -25%',
      '3<90% 5<-3',
    ];
    const cheapest = [...shelf.values()].map(({ price }) => price).toSorted((a, b) => a - b);
    for (const spec of specs) {
      for (const count of [1, 2, 3, 4, 6, 7]) {
        // Of `count` clauses, `held` hold for every product: the query finds something exactly from the required number on.
        const finds = async (held: number): Promise<boolean> => {
          const should = Array.from({ length: count }, (_, at) => ({ range: { price: { gte: at < held ? (cheapest[0] ?? 0) : 1e9 } } }));
          const query = { bool: { filter: { match_all: {} }, should, minimum_should_match: spec } };
          return (await house.direct({ query, size: 1, _source: false }, { path: `${index}/_search` })).ids.length > 0;
        };
        let least = 0;
        while (least <= count && !(await finds(least))) least += 1;
        expect(Math.min(countRequired(spec, count) ?? Number.NaN, count + 1), `${spec} of ${count}`).toBe(least);
      }
    }
  });
});
