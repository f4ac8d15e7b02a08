import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { planLegs, type LegPlan } from '../../sidecar/candidate-legs.js';
import { isJsonObject, parseJson, type Json, type JsonObject } from '../../sidecar/json/value.js';
import { fetchBodies, fetchTail } from '../../sidecar/further-hits.js';
import { runLeg } from '../../sidecar/retrieve.js';
import { parseSearchRequest, type Rankable } from '../../sidecar/search-request.js';
import { shopStamp as stamp } from './shop-stamp.js';

const config = configSchema.parse({ profiles: { shop: { index: 'shop*' } } });
const vectors = { text: Float32Array.of(0.6, 0.8), image: Float32Array.of(1, 0) };

function searchFor(body: object | string, url = '/shop/_search', headers: Record<string, string> = {}): Rankable {
  const target = new URL(url, 'http://sidecar');
  const call = {
    method: 'POST',
    rawUrl: url,
    index: 'shop',
    query: target.searchParams,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    signal: new AbortController().signal,
  };
  const search = parseSearchRequest(call, config);
  if (search.kind !== 'rankable') throw new Error(search.reason);
  return search;
}

function bodyOf(leg: { readonly body: string } | undefined): JsonObject {
  const body: Json = parseJson(leg?.body ?? 'null');
  if (!isJsonObject(body)) throw new Error('no leg');
  return body;
}

function planned(
  body: object | string,
  url?: string,
): { plan: LegPlan; firstPhase: JsonObject; legs: { role: string; body: JsonObject; path: string }[] } {
  const plan = planLegs(searchFor(body, url), stamp);
  const legs = plan.vectorLegs(vectors).map((leg) => ({ role: leg.role, body: bodyOf(leg), path: leg.path }));
  return { plan, firstPhase: bodyOf(plan.firstPhase), legs };
}

const words = { match: { title: 'red boots' } };

describe('a vector leg', () => {
  it('repeats what decides which hits come: constraints, post_filter, derived fields, pipeline, collapse, URL', () => {
    const derived = { shade: { type: 'keyword', script: { source: 'emit("x")' } } };
    const body = {
      query: { bool: { must: words, filter: { term: { tenant: 'a' } }, must_not: [{ term: { shade: 'x' } }] } },
      post_filter: { term: { in_stock: true } },
      derived,
      search_pipeline: 'tenants-only',
      collapse: { field: 'model', max_concurrent_group_searches: 2 },
      timeout: '2s',
      rescore: { query: { rescore_query: words } },
      aggs: { x: { terms: { field: 'brand' } } },
      highlight: { fields: { title: {} } },
    };
    const { legs, plan } = planned(body, '/shop/_search?routing=a&preference=me&ignore_unavailable=true&search_type=dfs_query_then_fetch');
    expect(plan).toMatchObject({ mayAdd: true, reason: null });
    expect(legs.map(({ role }) => role)).toEqual(['text', 'image']);
    const filter = {
      bool: { filter: [{ term: { tenant: 'a' } }, { term: { in_stock: true } }], must_not: [{ term: { shade: 'x' } }] },
    };
    expect(legs[0]?.body).toEqual({
      query: { knn: { text_vector: { vector: [expect.closeTo(0.6), expect.closeTo(0.8)], k: 100, filter } } },
      size: 100,
      derived,
      search_pipeline: 'tenants-only',
      collapse: { field: 'model' },
      timeout: '2s',
      track_total_hits: false,
      seq_no_primary_term: true,
      stored_fields: '_none_',
      docvalue_fields: ['rank_key'],
    });
    for (const { path } of legs) expect(path).toBe('/shop/_search?routing=a&preference=me&ignore_unavailable=true');
  });

  it('writes every constraint as the client wrote it, digit by digit, also inside a wrapper', () => {
    const filter = '{ "term" : {"code":1.0} }';
    const must = '{"range":{"serial":{"gte":9007199254740993,"lt":1e30}}}';
    const inner = `{"bool":{"must":[{"match":{"title":"red boots"}},${must}]}}`;
    const wrapped = Buffer.from(inner).toString('base64');
    for (const query of [inner, `{"wrapper":{"query":"${wrapped}"}}`]) {
      const search = searchFor(`{"query":{"bool":{"must":[${query}],"filter":[${filter}]}},"post_filter":{"term":{"v":2.50}}}`);
      const [leg] = planLegs(search, stamp).vectorLegs(vectors);
      expect(leg?.body).toContain(`"filter":{"bool":{"filter":[${must},${filter},{"term":{"v":2.50}}],"must_not":[]}}`);
    }
  });

  it('takes only words on fields that shoppers search in out of the query', () => {
    const tenant = { match: { tenant: 'acme' } };
    const brand = { match: { brand: 'acme' } };
    const many = { multi_match: { query: 'red boots', fields: ['title', 'brand'] } };
    const { legs } = planned({ query: { bool: { must: [tenant, brand, many] } } });
    expect(legs[0]?.body.query).toMatchObject({ knn: { text_vector: { filter: { bool: { filter: [tenant, brand], must_not: [] } } } } });
    const browse = planned({ query: { bool: { must: [tenant] } } });
    expect(browse.legs[0]?.body.query).toMatchObject({
      knn: { text_vector: { filter: { bool: { filter: [{ bool: { must: [tenant] } }] } } } },
    });
    expect(planned({ query: { bool: { must: [tenant, words] } } }).plan.reason).toBe('words of two kinds');
  });

  it('is asked for a URI search of plain words, and for no other', () => {
    expect(planned({}, '/shop/_search?q=red+boots&df=title&routing=a').legs[0]).toMatchObject({ path: '/shop/_search?routing=a' });
    expect(planned({}, '/shop/_search?q=tenant:a').plan.reason).toBe('query_string with operators');
    expect(planned({}, '/shop/_search?q=acme&df=tenant').legs[0]?.body.query).toMatchObject({
      knn: { text_vector: { filter: { bool: { filter: [{ query_string: { query: 'acme', default_field: 'tenant' } }] } } } },
    });
  });

  it.each<[string, object, string, string?]>([
    ['min_score', { query: words, min_score: 1 }, 'min_score is on the scale of the query'],
    ['terminate_after', { query: words, terminate_after: 9 }, 'terminate_after'],
    ['terminate_after in the URL', { query: words }, 'terminate_after', '/shop/_search?terminate_after=9'],
    ['no words', { query: { match_all: {} } }, 'no query text or picture'],
    ['a tree not understood', { query: { bool: { must: [words, { sltr: {} }] } } }, 'clause sltr'],
    [
      'a knn in a wrapper',
      { query: { wrapper: { query: Buffer.from('{"knn":{}}').toString('base64') } } },
      'the query has a knn clause of its own',
    ],
  ])('is not asked for with %s', (_, body, reason, url) => {
    const { plan, legs } = planned(body, url);
    expect(plan).toMatchObject({ mayAdd: false, reason });
    expect(legs).toEqual([]);
  });
});

describe('a client’s own vector clauses', () => {
  const knn = (field: string, more: object = {}): object => ({ knn: { [field]: { vector: [1, 0], k: 30, ...more } } });

  it('of a hybrid are asked alone, with the common filter where the engine has it', () => {
    const common = { term: { tenant: 'a' } };
    const own = { term: { in_stock: true } };
    const query = {
      hybrid: {
        queries: [
          words,
          { bool: { must: [knn('image_vector', { filter: own })] } },
          { neural: { text_vector: { query_text: 'red boots', k: 40 } } },
        ],
        filter: common,
        pagination_depth: 80,
      },
    };
    const { plan, legs, firstPhase } = planned({ query, post_filter: own, search_pipeline: 'norm' });
    expect(plan).toMatchObject({ mayAdd: false, reason: 'the query has a knn clause of its own' });
    expect(firstPhase).toMatchObject({ query, size: 200, search_pipeline: 'norm' });
    expect(legs.map(({ role, body }) => [role, body.size, body.query, body.post_filter])).toEqual([
      ['image', 30, { bool: { must: [knn('image_vector', { filter: own })], filter: [common] } }, own],
      ['text', 40, { neural: { text_vector: { query_text: 'red boots', k: 40, filter: common } } }, own],
    ]);
  });

  it('beside words in a bool are asked alone; a hybrid without depth gets the page’s size as depth', () => {
    const { legs } = planned({ query: { bool: { should: [words, knn('text_vector')] } } });
    expect(legs.map(({ role, body }) => [role, body.query])).toEqual([['text', knn('text_vector')]]);
    const { firstPhase, legs: none } = planned({ query: { hybrid: { queries: [words, knn('other')] } }, size: 24 });
    expect(none).toEqual([]);
    expect(firstPhase.query).toMatchObject({ hybrid: { pagination_depth: 24 } });
  });

  it('leave the words to be found beside them', () => {
    expect(searchFor({ query: { hybrid: { queries: [knn('text_vector'), words] } } }).queryText).toBe('red boots');
    expect(searchFor({ query: { neural: { text_vector: { query_text: 'red boots', k: 3 } } } }).queryText).toBe('red boots');
  });
});

describe('the first-phase leg', () => {
  it('shows nothing and is kept by no behaviour log', () => {
    const nested = {
      nested: { path: 'v', query: { has_child: { type: 'c', query: { match_all: {} }, inner_hits: {} } }, inner_hits: { size: 3 } },
    };
    const { firstPhase } = planned({
      query: { bool: { must: words, filter: [nested, { term: { inner_hits: 'x' } }] } },
      ext: { ubi: { query_id: 'q' }, rerank: {} },
      collapse: { field: 'm', inner_hits: {} },
      _source: ['title'],
      indices_boost: [{ shop: 2 }],
    });
    const lean = { nested: { path: 'v', query: { has_child: { type: 'c', query: { match_all: {} } } } } };
    expect(firstPhase).toMatchObject({
      query: { bool: { must: words, filter: [lean, { term: { inner_hits: 'x' } }] } },
      ext: { rerank: {} },
      collapse: { field: 'm' },
      indices_boost: [{ shop: 2 }],
    });
    expect(firstPhase).not.toHaveProperty('_source');
    expect(planned({ query: words, ext: { ubi: {} } }).firstPhase).not.toHaveProperty('ext');
  });
});

describe('every search of ours', () => {
  it('carries whatever the client is known by, over the client’s own name of the index', async () => {
    const sent: { path: string; headers: Record<string, string | string[]>; body: string }[] = [];
    const upstream: Pick<Upstream, 'send'> = {
      send: ({ path, headers = {}, body = '' }) => {
        sent.push({ path, headers, body: body.toString() });
        return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{"timed_out":false,"hits":{"hits":[]}}') });
      },
    };
    const known = {
      authorization: 'Bearer x',
      cookie: 'a=b',
      'x-proxy-user': 'ada',
      'x-proxy-roles': 'eu',
      'x-opaque-id': '7',
      traceparent: 't',
    };
    const search = searchFor(
      { query: words, post_filter: { term: { tenant: 'a' } }, ext: { ubi: {} } },
      '/shop/_search?routing=a&q=x&terminate_after=5',
      {
        ...known,
        'content-length': '99',
        'accept-encoding': 'gzip',
        'x-fuserank-user': 'u1',
      },
    );
    const { signal } = search.call;
    const engine: Upstream = { ...upstream, stream: () => Promise.reject(new Error('not asked')), close: () => Promise.resolve() };
    const plan = planLegs(search, stamp);
    await runLeg(engine, search, plan.firstPhase, signal);
    await fetchBodies(
      engine,
      search,
      [
        { index: 'shop-v1', id: '1' },
        { index: 'shop-v2', id: '1' },
      ],
      signal,
    );
    await fetchTail(engine, search, { from: 200, size: 10, without: [{ index: 'shop-v1', id: '3' }] }, signal);
    expect(sent.map(({ headers }) => headers)).toEqual(sent.map(() => ({ 'content-type': 'application/json', ...known })));
    for (const { path } of sent) expect(path).toMatch(/^\/shop\/_search\?.*routing=a/);
    const [, bodies, tail] = sent;
    // Bodies are asked for by id: a search that ends early, or one that the engine reads from `q`, would not find them.
    expect(bodies?.path).not.toMatch(/q=|terminate_after/);
    const group = (index: string): object => ({ bool: { filter: [{ term: { _index: index } }, { ids: { values: ['1'] } }] } });
    expect(parseJson(bodies?.body ?? '')).toMatchObject({
      query: { bool: { filter: [{ bool: { should: [group('shop-v1'), group('shop-v2')], minimum_should_match: 1 } }] } },
      size: 2,
    });
    expect(tail?.path).toMatch(/q=x/);
    expect(parseJson(tail?.body ?? '')).toMatchObject({
      post_filter: {
        bool: {
          filter: [{ term: { tenant: 'a' } }],
          // The same id may stand for another product of the next index.
          must_not: [{ bool: { filter: [{ term: { _index: 'shop-v1' } }, { ids: { values: ['3'] } }] } }],
        },
      },
    });
    expect(tail?.body).not.toContain('ubi');
  });
});
