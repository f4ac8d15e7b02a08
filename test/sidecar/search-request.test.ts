import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { configSchema, type Config } from '../../config/schema.js';
import type { Json } from '../../sidecar/json/value.js';
import type { SearchCall } from '../../sidecar/request/search-call.js';
import { BadSearchOption } from '../../sidecar/request/search-options.js';
import { parseSearchRequest } from '../../sidecar/search-request.js';

const config: Config = configSchema.parse({ profiles: { shop: { index: 'products*' }, other: { index: 'x', window: 50 } } });

function call(body: Json | string | Buffer, options: { url?: string; headers?: Record<string, string> } = {}): SearchCall {
  const rawUrl = options.url ?? '/products/_search';
  const url = new URL(rawUrl, 'http://sidecar');
  return {
    method: 'POST',
    rawUrl,
    index: decodeURIComponent(url.pathname.split('/_search')[0]?.slice(1) ?? ''),
    query: url.searchParams,
    headers: { 'content-type': 'application/json', ...options.headers },
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    signal: new AbortController().signal,
  };
}

const query = { match: { title: 'red boots' } };

describe('a search looked at', () => {
  it('is rankable with its words, its shopper and its profile', () => {
    const search = parseSearchRequest(call({ query, size: 24, ext: { fuserank: { user_id: 7, session_id: 's' } } }), config);
    expect(search).toMatchObject({ kind: 'rankable', queryText: 'red boots', size: 24, from: 0, profileName: 'shop', window: 200 });
    expect(search.kind === 'rankable' && search.options).toMatchObject({ user: '7', session: 's', consent: 'full' });
  });

  it.each<[string, string, string]>([
    ['the only ext key', '{"query":{"match_all":{}},"ext":{"fuserank":{"user_id":"u"}},"size":1}', '{"query":{"match_all":{}},"size":1}'],
    ['the last member', '{"size":1, "ext" : {"fuserank":{}}}', '{"size":1}'],
    [
      'beside others’ keys',
      '{"ext":{"fuserank":{"blend":0.5},"ubi":{"query_id":"q"}},"id":9007199254740993}',
      '{"ext":{"ubi":{"query_id":"q"}},"id":9007199254740993}',
    ],
    ['a body key of ours', '{"fuserank":{"user_id":"u"},"size":1}', '{"size":1}'],
  ])('takes our block out byte-exactly: %s', (_, body, upstream) => {
    expect(parseSearchRequest(call(body), config).upstream.body.toString()).toBe(upstream);
  });

  it('finds the profile of an expression that leaves indices out', () => {
    const url = `/${encodeURIComponent('products*,-products-old')}/_search`;
    expect(parseSearchRequest(call({ query }, { url }), config)).toMatchObject({ kind: 'rankable', profileName: 'shop' });
    expect(parseSearchRequest(call({ query }, { url: '/-products,other/_search' }), config)).toMatchObject({ reason: 'no_profile' });
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString'])('refuses %s in our block by its name, and pollutes nothing', (name) => {
    const block = `{"${name}":{"polluted":1}}`;
    for (const body of [
      `{"ext":{"fuserank":${block}}}`,
      `{"fuserank":${block}}`,
      `{"ext":{"fuserank":{"history":[{"object_id":"a",${block.slice(1)}]}}}`,
    ])
      expect(() => parseSearchRequest(call(body), config)).toThrow(new RegExp(name));
    const beside = `{"${name}":{"polluted":1},"query":{"match":{"${name}":"red boots"}},"ext":{"fuserank":{"user_id":"${name}"}}}`;
    const search = parseSearchRequest(call(beside), config);
    expect(search).toMatchObject({ kind: 'rankable', queryText: 'red boots', options: { user: name } });
    expect(search.upstream.body.toString()).toContain(`"${name}":{"polluted":1}`);
    expect({}).not.toHaveProperty('polluted');
  });

  it('does not follow a body that nests without end, and still takes our block out of it', () => {
    const deep = (levels: number): string =>
      `{"ext":{"fuserank":{"user_id":"u"}},"query":${'{"bool":{"must":'.repeat(levels)}{"match_all":{}}${'}}'.repeat(levels)}}`;
    expect(parseSearchRequest(call(deep(60)), config)).toMatchObject({ kind: 'rankable' });
    for (const levels of [1_000, 100_000]) {
      const search = parseSearchRequest(call(deep(levels)), config);
      expect(search).toMatchObject({ kind: 'pass-through', reason: 'body_too_deep', cutOwnMembers: false });
      expect(search.upstream.body.includes('fuserank')).toBe(false);
    }
    const cutOff = '['.repeat(100_000);
    expect(parseSearchRequest(call(cutOff), config).upstream.body.toString()).toBe(cutOff);
  });

  it('sends a request without our block on exactly as it came', () => {
    const body = '{ "query" : { "match_all" : { } } , "size":3 }';
    const search = parseSearchRequest(call(body, { url: '/products/_search?routing=a&fuserank=1&pretty' }), config);
    expect(search.upstream.body.toString()).toBe(body);
    expect(search.upstream.path).toBe('/products/_search?routing=a&pretty');
  });

  it.each<[string, Json, string, Record<string, string>?]>([
    ['sort', { query, sort: ['price'] }, '/products/_search'],
    ['size_zero', { query, size: 0 }, '/products/_search'],
    ['scroll', { query }, '/products/_search?scroll=1m'],
    ['search_after', { query, search_after: [1] }, '/products/_search'],
    ['pit', { query, pit: { id: 'x' } }, '/products/_search'],
    ['slice', { query, slice: { id: 0, max: 2 } }, '/products/_search'],
    ['profile', { query, profile: true }, '/products/_search'],
    ['filter_path', { query }, '/products/_search?filter_path=hits.hits._id'],
    ['format', { query }, '/products/_search?format=yaml'],
    ['budget', { query, ext: { fuserank: { budget_ms: 0 } } }, '/products/_search'],
    ['blend_zero', { query, ext: { fuserank: { blend: 0 } } }, '/products/_search'],
    ['no_profile', { query }, '/orders/_search'],
    ['bypass', { query }, '/products/_search', { 'x-fuserank-bypass': 'true' }],
    ['body_not_understood', '{"query":', '/products/_search'],
  ])('passes through and says %s', (reason, body, url, headers) => {
    expect(parseSearchRequest(call(body, { url, ...(headers ? { headers } : {}) }), config)).toMatchObject({
      kind: 'pass-through',
      reason,
    });
  });

  it('ranks what is sorted by score, in any of its spellings', () => {
    for (const sort of ['_score', ['_score'], [{ _score: 'desc' }], [{ _score: { order: 'desc' } }]]) {
      expect(parseSearchRequest(call({ query, sort }), config).kind).toBe('rankable');
    }
    expect(parseSearchRequest(call({ query, sort: [{ _score: 'asc' }] }), config).kind).toBe('pass-through');
  });

  it('knows the shopper by header and by the blocks that stacks already send', () => {
    const shopper = (body: Json, headers?: Record<string, string>): unknown => {
      const search = parseSearchRequest(call(body, headers ? { headers } : {}), config);
      return search.kind === 'rankable' && (search.options.user ?? search.options.client);
    };
    expect(shopper({ query }, { 'x-fuserank-user': 'h1' })).toBe('h1');
    expect(shopper({ query, ext: { personalize_request_parameters: { user_id: 'p1' } } })).toBe('p1');
    expect(shopper({ query, ext: { ubi: { client_id: 'c1' } } })).toBe('c1');
    expect(shopper({ query, ext: { personalize_request_parameters: { user_id: 7 } } })).toBe('7');
    expect(shopper({ query, ext: { ltr_rerank_context: { user_id: 'l1' } } })).toBe('l1');
    const sltr = { window_size: 50, query: { rescore_query: { sltr: { model: 'm', params: { keywords: 'boots', user_id: 's1' } } } } };
    expect(shopper({ query, rescore: [sltr] })).toBe('s1');
    expect(shopper({ query, ext: { personalize_request_parameters: { user_id: 'x'.repeat(300) } } })).toBeFalsy();
    expect(shopper({ query, ext: { fuserank: { user_id: 'u', consent: 'none' } } })).toBeFalsy();
    expect(shopper({ query, ext: { personalize_request_parameters: { user_id: 'p1' }, fuserank: { consent: 'none' } } })).toBeFalsy();
  });

  it.each<[string, Json, string]>([
    ['rerank’s text', { query, ext: { rerank: { query_context: { query_text: 'warm boots' } } } }, 'warm boots'],
    ['rerank’s path', { query, ext: { rerank: { query_context: { query_text_path: 'query.match.title.query' } } } }, 'red boots'],
    ['a path that leads nowhere', { query, ext: { rerank: { query_context: { query_text_path: 'query.term.title' } } } }, 'red boots'],
    ['LTR’s context', { query, ext: { ltr_rerank_context: { query_text: 'snow boots' } } }, 'snow boots'],
    ['UBI’s query', { query, ext: { ubi: { user_query: 'boots, red' } } }, 'boots, red'],
    ['ours before theirs', { query, ext: { ubi: { user_query: 'a' }, fuserank: { query_text: 'b' } } }, 'b'],
  ])('knows the words by %s', (_, body, words) => {
    expect(parseSearchRequest(call(body), config)).toMatchObject({ kind: 'rankable', queryText: words });
  });

  it('knows the words by the profile’s path, else by looking for them', () => {
    const placed = configSchema.parse({ profiles: { shop: { index: 'products*', queryTextPath: 'query.bool.must.1.match.body' } } });
    const must = [{ match: { lead: 'first' } }, { match: { body: 'second' } }];
    expect(parseSearchRequest(call({ query: { bool: { must } } }), placed)).toMatchObject({ queryText: 'second' });
    expect(parseSearchRequest(call({ query }), placed)).toMatchObject({ queryText: 'red boots' });
  });

  it('reads numbers as the engine does: the URL’s first, also from strings', () => {
    const read = (body: Json, url = '/products/_search'): unknown => {
      const search = parseSearchRequest(call(body, { url }), config);
      return search.kind === 'rankable' && [search.from, search.size];
    };
    expect(read({ query, from: '2', size: '7' })).toEqual([2, 7]);
    expect(read({ query, from: 2, size: 7 }, '/products/_search?size=3&from=1')).toEqual([1, 3]);
    expect(read({ query, size: '2.7' })).toEqual([0, 2]);
    expect(read({ query }, '/products/_search?size=%2B3')).toEqual([0, 3]);
    expect(read({ query })).toEqual([0, 10]);
  });

  it('sees past an index that an expression takes away', () => {
    const at = (url: string): string => parseSearchRequest(call({ query }, { url }), config).kind;
    expect(at('/products*,-products_old/_search')).toBe('rankable');
    expect(at('/products_a,orders/_search')).toBe('pass-through');
    expect(at('/_search')).toBe('pass-through');
  });

  it('sends a gzipped body without anything of ours on as it was packed', () => {
    const packed = gzipSync(JSON.stringify({ query }));
    const search = parseSearchRequest(call(packed, { headers: { 'content-encoding': 'gzip' } }), config);
    expect(search.upstream.body).toBe(packed);
    expect(search.upstream.headers['content-encoding']).toBe('gzip');
  });

  it('takes our block out of ?source=, and leaves the rest of the URL as it is', () => {
    const source = encodeURIComponent('{"size":1,"ext":{"fuserank":{"user_id":"u"}}}');
    const url = `/products/_search?pretty&fuserank=1&source=${source}&source_content_type=application%2Fjson`;
    const search = parseSearchRequest(call('', { url }), config);
    expect(search.upstream.path).toBe(
      `/products/_search?pretty&source=${encodeURIComponent('{"size":1}')}&source_content_type=application%2Fjson`,
    );
    expect(search.upstream.body).toHaveLength(0);
  });

  it('gives one list key to all pages of a list, another to another shopper or query', () => {
    const key = (body: Json, url?: string): string => {
      const search = parseSearchRequest(call(body, url === undefined ? {} : { url }), config);
      return search.kind === 'rankable' ? search.listKey : '';
    };
    const first = key({ query, size: 10, ext: { fuserank: { user_id: 'a' } } });
    expect(key({ query, size: 5, from: 20, ext: { fuserank: { user_id: 'a' } } })).toBe(first);
    expect(key({ query, ext: { fuserank: { user_id: 'a' } } }, '/products/_search?from=10')).toBe(first);
    expect(key({ query, ext: { fuserank: { user_id: 'b' } } })).not.toBe(first);
    expect(key({ query: { match_all: {} }, ext: { fuserank: { user_id: 'a' } } })).not.toBe(first);
  });

  it('keeps the lists of credentials, of cookies and of tokens of ours apart, wherever they are shown from', () => {
    const key = (more: Partial<SearchCall>): string => {
      const search = parseSearchRequest({ ...call({ query }), ...more }, config);
      return search.kind === 'rankable' ? search.listKey : '';
    };
    const keys = [
      key({}),
      key({ token: 'shop-front' }),
      key({ token: 'partner' }),
      key({ headers: { authorization: 'Basic YTpi' } }),
      key({ headers: { cookie: 'a=b' } }),
      key({ headers: { 'x-proxy-user': 'ann' } }),
      key({ headers: { 'x-proxy-user': 'ben' } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(key({ headers: { traceparent: '00-1-2-01', 'x-opaque-id': 'o' } })).toBe(keys[0]);
    expect(key({ token: 'shop-front', caller: '10.0.0.7' })).toBe(key({ token: 'shop-front', caller: '10.0.0.8' }));
  });

  it('reads gzipped bodies and bodies in the URL', () => {
    const packed = gzipSync(JSON.stringify({ query, ext: { fuserank: { user_id: 'u' } } }));
    const search = parseSearchRequest(call(packed, { headers: { 'content-encoding': 'gzip' } }), config);
    expect(search).toMatchObject({ kind: 'rankable', queryText: 'red boots' });
    expect(search.upstream.headers['content-encoding']).toBeUndefined();
    expect(search.upstream.body.toString()).toBe(JSON.stringify({ query }));
    const source = encodeURIComponent(JSON.stringify({ query }));
    expect(
      parseSearchRequest(call('', { url: `/products/_search?source=${source}&source_content_type=application/json` }), config),
    ).toMatchObject({
      queryText: 'red boots',
    });
    expect(parseSearchRequest(call('', { url: '/products/_search?q=boots' }), config)).toMatchObject({ queryText: 'boots' });
  });

  it.each<[string, Json, RegExp]>([
    ['an unknown member', { ext: { fuserank: { usr_id: 1 } } }, /ext\.fuserank\.usr_id: unknown member; did you mean user_id\?/],
    ['a missing member', { ext: { fuserank: { history: [{}] } } }, /ext\.fuserank\.history\.0\.object_id: required/],
    ['a wrong value', { ext: { fuserank: { blend: 2 } } }, /ext\.fuserank\.blend/],
    ['a profile that is not there', { ext: { fuserank: { profile: 'nope' } } }, /configured: shop, other/],
    ['a polluted block', '{"ext":{"fuserank":{"__proto__":{"explain":true}}}}', /__proto__/],
  ])('refuses %s by name', (_, body, message) => {
    expect(() => parseSearchRequest(call(body), config)).toThrow(BadSearchOption);
    expect(() => parseSearchRequest(call(body), config)).toThrow(message);
  });

  it('names the header that is wrong', () => {
    const said = (headers: Record<string, string>) => () => parseSearchRequest(call({}, { headers }), config);
    expect(said({ 'x-fuserank-budget-ms': 'soon' })).toThrow(/^X-Fuserank-Budget-Ms: /);
    expect(said({ 'x-fuserank-consent': 'maybe' })).toThrow(/^X-Fuserank-Consent: .*full.*none/);
  });
});
