import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { readAnswer } from '../../sidecar/answer/engine-answer.js';
import { literal } from '../../sidecar/json/spans.js';
import { countRequired } from '../../sidecar/request/minimum-should-match.js';
import { anyConstraint, queryTree, TENANTS, type Asked, type Stocked } from './query-trees.js';
import { openShelf, type Shelf } from './shelf.js';

const PRODUCTS = 200;
const SEED = 20_251_127;
/** Words of which some are in few titles, so that vectors find more than they do. */
const WORDS = ['lamp', 'mug dress', 'linen', 'striped vase', 'warm light for reading', 'teapot'];

let shelf: Shelf;
/** What the shards of a tenant's routing hold, by tenant. */
const routed = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  shelf = await openShelf({ products: PRODUCTS, seed: 5 });
  // The sidecar reads the vectors of a new index in the background.
  await vi.waitFor(async () => expect((await ranked({ query: { match_all: {} } })).label).toMatch(/^applied/), {
    timeout: 60_000,
    interval: 200,
  });
  for (const tenant of TENANTS) {
    const held = await direct({ query: { match_all: {} }, size: PRODUCTS, _source: false }, `?routing=${tenant}`);
    routed.set(tenant, new Set(held.ids));
  }
});
afterAll(() => shelf.close());

interface Answer {
  readonly status: number;
  readonly text: string;
  /** `X-Fuserank`; empty where there is none. */
  readonly label: string;
  readonly ids: readonly string[];
}

const idsAnswer = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }).default({ hits: [] }) });

async function post(url: string, body: object): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  const ids = idsAnswer.parse(JSON.parse(text)).hits.hits.map(({ _id: id }) => id);
  return { status: response.status, text, label: response.headers.get('x-fuserank') ?? '', ids };
}

/** @param door what follows the index's name: an alias's suffix, URL parameters */
const ranked = (body: object, door = ''): Promise<Answer> => post(`${shelf.sidecar}/${searchPath(door)}`, body);
const direct = (body: object, door = ''): Promise<Answer> => post(`${shelf.engine}/${searchPath(door)}`, body);

function searchPath(door: string): string {
  const [suffix = '', parameters = ''] = door.split('?');
  return `${shelf.index}${suffix}/_search?${parameters}`;
}

const everything = (): boolean => true;
const holds = (tenant: string, { id }: Stocked): boolean => routed.get(tenant)?.has(id) ?? false;

/** Where a search goes, and which products its door lets through. */
const DOORS: Readonly<Record<string, (product: Stocked) => boolean>> = {
  '': everything,
  '?search_type=dfs_query_then_fetch&preference=_local': everything,
  '?routing=red': (product) => holds('red', product),
  '?ignore_unavailable=true&routing=red,green': (product) => holds('red', product) || holds('green', product),
  '-green': ({ tenant }) => tenant === 'green',
  '-routed': (product) => holds('blue', product),
};
const door = fc.constantFrom(...Object.keys(DOORS));

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
      fc.asyncProperty(search, async ({ tree, door: entered, around: about }) => {
        const body = { query: tree.query, ...about.body, ...page };
        const admitted = (id: string): boolean => {
          const product = shelf.products.get(id);
          return product !== undefined && tree.admits(product) && about.admits(product) && DOORS[entered]?.(product) === true;
        };
        const engine = await direct(body, entered);
        expect(engine.status, engine.text).toBe(200);
        // The engine's own hits pass, or the tree and what is said of it do not belong together.
        expect(engine.ids.filter((id) => !admitted(id))).toEqual([]);
        const answer = await ranked(body, entered);
        const added = answer.ids.filter((id) => !engine.ids.includes(id));
        expect(added.filter((id) => !admitted(id))).toEqual([]);
        expect(answer.ids).toEqual(expect.arrayContaining([...engine.ids]));
        expect(new Set(answer.ids).size).toBe(answer.ids.length);
        counts.runs += 1;
        if (answer.label.startsWith('applied')) counts.applied += 1;
        else expect(answer.label).toBe('skipped; reason=no_hits');
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
      fc.asyncProperty(search, fc.integer({ min: 1, max: 30 }), async ({ tree, door: entered, around: about }, size) => {
        const whole = { query: tree.query, ...about.body, ...page, aggs: { tenants: { terms: { field: 'tenant' } } } };
        const ext = { fuserank: { profile: 'strict' } };
        const engine = read(await direct(whole, entered));
        const list = read(await ranked({ ...whole, ext }, entered));
        expect(list.around).toBe(engine.around);
        expect(list.scores).toEqual(engine.scores);
        expect(list.hits.toSorted()).toEqual(engine.hits.toSorted());
        const first = read(await ranked({ ...whole, size, ext }, entered));
        const own = read(await direct({ ...whole, size }, entered));
        expect(first.around).toBe(own.around);
        expect(first.scores).toEqual(own.scores);
        expect(first.hits).toEqual(list.hits.slice(0, size));
      }),
      { numRuns: 40, seed: SEED },
    );
  });
});

/** An answer's bytes in three parts: all but the hits (and took), each hit but its score, the scores in page order. */
function read({ text }: Answer): { around: string; hits: string[]; scores: string[] } {
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

describe('a client’s own hybrid', () => {
  it('keeps its depth and its filter, and tells what its vector clause found', async () => {
    const [first] = vectorAnswer.parse(JSON.parse((await direct({ query: { match: { title: 'lamp' } }, size: 1 })).text)).hits.hits;
    const knn = { knn: { text_vector: { vector: first?._source.text_vector, k: 40 } } };
    const filter = { term: { tenant: 'red' } };
    const body = {
      query: { hybrid: { queries: [{ match: { title: 'lamp mug' } }, knn], filter, pagination_depth: 60 } },
      search_pipeline: { phase_results_processors: [{ 'normalization-processor': {} }] },
      _source: ['title'],
    };
    const engine = await direct({ ...body, size: PRODUCTS });
    const pages = [];
    for (const from of [0, 10, 20]) pages.push(await ranked({ ...body, from, size: 10, ext: { fuserank: { legs: true } } }));
    expect(pages.map(({ label }) => label)).toEqual([
      expect.stringMatching(/^applied; model/),
      expect.stringContaining('list=stored'),
      expect.stringContaining('list=stored'),
    ]);
    const shown = pages.flatMap(({ ids }) => ids);
    expect(new Set(shown).size).toBe(30);
    expect(engine.ids).toEqual(expect.arrayContaining(shown));
    const { legs } = legsAnswer.parse(JSON.parse(pages[0]?.text ?? '')).ext.fuserank;
    expect(legs.first_phase).toEqual(engine.ids);
    const near = await direct({ query: { knn: { text_vector: { ...knn.knn.text_vector, filter } } }, size: 40, _source: false });
    expect(legs.text).toEqual(near.ids);
    for (const id of [...shown, ...legs.text]) expect(shelf.products.get(id)?.tenant).toBe('red');
  });
});

const vectorAnswer = z.object({ hits: z.object({ hits: z.array(z.object({ _source: z.object({ text_vector: z.array(z.number()) }) })) }) });
const legsAnswer = z.object({
  ext: z.object({ fuserank: z.object({ legs: z.object({ first_phase: z.array(z.string()), text: z.array(z.string()) }) }) }),
});

describe('products written with a routing', () => {
  it('are ranked also after they were all written again', async () => {
    const update = { query: { match_all: {} }, script: { source: 'ctx._source.rating_count = 1' } };
    const response = await fetch(`${shelf.engine}/${shelf.index}/_update_by_query?refresh=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(update),
    });
    expect(await response.text()).toContain(`"updated":${PRODUCTS}`);
    // Their vectors in memory are those of the version before: what is read again by id must be found without its routing.
    await vi.waitFor(async () => expect((await ranked({ query: { match_all: {} } })).label).toMatch(/^applied/), { timeout: 30_000 });
  });
});

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
    for (const spec of specs) {
      for (const count of [1, 2, 3, 4, 6, 7]) {
        // Of `count` clauses, `held` hold for every product: the query finds something exactly from the required number on.
        const finds = async (held: number): Promise<boolean> => {
          const should = Array.from({ length: count }, (_, at) => ({ range: { price: { gte: at < held ? 0 : 1e9 } } }));
          const query = { bool: { filter: { match_all: {} }, should, minimum_should_match: spec } };
          return (await direct({ query, size: 1, _source: false })).ids.length > 0;
        };
        let least = 0;
        while (least <= count && !(await finds(least))) least += 1;
        expect(Math.min(countRequired(spec, count) ?? Number.NaN, count + 1), `${spec} of ${count}`).toBe(least);
      }
    }
  });
});
