import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpError } from '../../sidecar/http/errors.js';
import { readTarget } from '../../sidecar/http/request-target.js';
import { findRoute } from '../../sidecar/http/route-table.js';
import { call, errorOf, openEngine, openRig, speak } from './http-rig.js';

const ODD_PATHS = [
  '//evil/_search',
  'http://evil/_search',
  '/i/_search/../_bulk',
  '/i/_search/%2e%2e/_bulk',
  '/i/./_search',
  '/i%2f_all/_search',
  '/i%2F_all/_search',
  '/i%5c_all/_search',
  '/i\\_all/_search',
  '/a%252fb/_search',
  '/a%255cb/_search',
  '/a%252e%252e/_search',
  '/a%00b/_search',
  '/a%0d%0aSet-Cookie:x/_search',
  '/a%7fb/_search',
  '/a//_search',
  '/a/_search//',
  '/a%zz/_search',
  '/%ff/_search',
  '/x/%5Fbulk',
  '/%5fsearch',
  '/a/_search#b',
  '*',
];

describe('a target that two readers could understand differently is refused', () => {
  test.each(ODD_PATHS)('%s', (path) => {
    expect(() => readTarget(path)).toThrow(HttpError);
  });

  test('others are read once', () => {
    expect(readTarget('/').segments).toEqual([]);
    expect(readTarget('/products/_search/').segments).toEqual(['products', '_search']);
    expect(readTarget('/pro%20ducts,b*,-c/_search?q=a%2Fb//..').segments).toEqual(['pro ducts,b*,-c', '_search']);
    expect(readTarget('/shop/_doc/50%25').segments).toEqual(['shop', '_doc', '50%']);
  });

  test('a product’s id, which goes on as no path, may be anything that is one part', () => {
    for (const id of ['a/b', '/', 'a\\b', '100%25', '_x', 'ünï-鞋', '50%', 'a/../b', 'a//b'])
      expect(readTarget(`/v1/similar/shop/${encodeURIComponent(id)}?size=1`).segments).toEqual(['v1', 'similar', 'shop', id]);
    expect(readTarget('/v1/similar/shop/%5Fx').segments.at(-1)).toBe('_x');
    for (const path of [
      '/v1/similar/shop/..',
      '/v1/similar/shop/%2e%2e',
      '/v1/similar/shop/a%0ab',
      '/v1/similar/shop/a%zz',
      '/v1/similar/shop//',
      '/v1/similar/shop%2fa/b',
      '/v1/similar/shop/a%2fb/c',
      '/v1/recommend/a%2fb',
      '/v%31/similar/shop/a%2fb',
      '/shop/_doc/a%2fb',
    ])
      expect(() => readTarget(path), path).toThrow(HttpError);
  });

  test('parameters are the engine’s: ; parts like &, the last of a name counts', () => {
    const { query } = readTarget('/_search?size=1;scroll=1m&size=2&q=a+b%26');
    expect(Object.fromEntries(query)).toEqual({ size: '2', scroll: '1m', q: 'a b&' });
  });

  test('whatever path is let in, decoding its parts and joining them again loses and adds none', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'binary' }), { maxLength: 5 }), (parts) => {
        let path: string;
        try {
          path = `/${parts.map(encodeURIComponent).join('/')}`;
        } catch {
          return;
        }
        try {
          expect(readTarget(path).segments).toEqual(parts);
        } catch (error) {
          expect(error).toBeInstanceOf(HttpError);
        }
      }),
    );
  });
});

describe('the route table', () => {
  const route = (method: string, path: string) => findRoute(method, readTarget(path).segments);

  test.each([
    ['GET', '/_search', ''],
    ['POST', '/_search', ''],
    ['POST', '/products/_search', 'products'],
    ['POST', '/a,b*/_search/', 'a,b*'],
    ['GET', '/_all/_search', '_all'],
  ])('%s %s is ranked', (method, path, index) => {
    expect(route(method, path)).toEqual({ kind: 'search', name: 'search', spelling: 'search', index });
  });

  test.each([
    'GET /',
    'HEAD /',
    'GET /_cat/indices/a*',
    'GET /_cluster/health',
    'HEAD /products',
    'GET /products/_mapping',
    'GET /products/_settings',
    'GET /_alias',
    'GET /products/_alias/x',
    'GET /products/_doc/1',
    'HEAD /products/_source/1',
    'POST /_mget',
    'POST /products/_count',
    'POST /products/_explain/1',
    'GET /products/_field_caps',
    'POST /products/_validate/query',
    'POST /_analyze',
    'POST /_render/template/x',
    'POST /_search/scroll',
    'DELETE /_search/scroll',
    'DELETE /_search/scroll/abc',
    'POST /products/_search/point_in_time',
    'DELETE /_search/point_in_time',
    'POST /products/_rank_eval',
    'POST /products/_termvectors/1',
    'GET /_nodes/http',
    'GET /_nodes/_all/http',
    'OPTIONS /products/_search',
    'HEAD /products/_search',
    'HEAD /_msearch',
    'OPTIONS /products/_search/template',
  ])('%s is forwarded', (line) => {
    const [method = '', path = ''] = line.split(' ');
    expect(route(method, path)).toEqual({ kind: 'forward', name: 'read' });
  });

  test.each([
    ['POST /_msearch', 'multi_search', 'multi-search', ''],
    ['GET /products/_msearch', 'multi_search', 'multi-search', 'products'],
    ['POST /_msearch/template', 'multi_search', 'multi-template', ''],
    ['POST /products/_search/template', 'search_template', 'template', 'products'],
    ['GET /_search/template', 'search_template', 'template', ''],
    ['POST /_all/_msearch/template', 'multi_search', 'multi-template', '_all'],
  ])('%s is a search in another spelling', (line, name, spelling, index) => {
    const [method = '', path = ''] = line.split(' ');
    expect(route(method, path)).toEqual({ kind: 'search', name, spelling, index });
  });

  test.each(['PUT /_msearch', 'DELETE /products/_search/template', 'POST /_msearch/x', 'POST /_search/template/x'])(
    '%s is none',
    (line) => {
      const [method = '', path = ''] = line.split(' ');
      expect(route(method, path).kind).toBe('write');
    },
  );

  test.each([
    'PUT /products',
    'DELETE /products',
    'POST /_bulk',
    'POST /products/_bulk',
    'PUT /products/_doc/1',
    'POST /products/_doc',
    'POST /products/_update/1',
    'DELETE /products/_doc/1',
    'POST /products/_delete_by_query',
    'POST /_reindex',
    'POST /_aliases',
    'PUT /products/_mapping',
    'PUT /_cluster/settings',
    'GET /_cluster/settings',
    'GET /_nodes',
    'GET /_nodes/hot_threads',
    'GET /_tasks',
    'GET /_security/user',
    'DELETE /_search/scroll/_all',
    'DELETE /_search/point_in_time/_all',
    'PUT /_search/pipeline/x',
    'PUT /_scripts/x',
    'PUT /products/_search',
    'DELETE /_search',
    'POST /a/b/_search',
    'POST /_x/_search',
    'PATCH /products',
    'POST /_cat/indices',
    'GET /a/b/c/d',
    'POST /livez/x',
  ])('%s is a write', (line) => {
    const [method = '', path = ''] = line.split(' ');
    expect(route(method, path).kind).toBe('write');
  });

  test('no method but the listed ones ever gets past it', () => {
    const part = fc.constantFrom(
      '_search',
      '_bulk',
      '_doc',
      'products',
      '_all',
      '_cat',
      '_msearch',
      'template',
      '_delete_by_query',
      'x',
      '_aliases',
    );
    fc.assert(
      fc.property(fc.constantFrom('PUT', 'DELETE', 'PATCH', 'POST'), fc.array(part, { maxLength: 4 }), (method, segments) => {
        const found = findRoute(method, segments);
        if (found.kind !== 'forward' && found.kind !== 'search') return;
        expect(['POST', 'DELETE']).toContain(method);
        expect(segments.some((segment) => ['_bulk', '_doc', '_delete_by_query', '_aliases'].includes(segment))).toBe(false);
      }),
    );
  });
});

describe('on the wire', () => {
  let engine: Awaited<ReturnType<typeof openEngine>>;
  let rig: Awaited<ReturnType<typeof openRig>>;
  beforeAll(async () => {
    engine = await openEngine();
    rig = await openRig({ engineUrl: engine.url });
  });
  afterAll(async () => {
    await rig.close();
    engine.close();
  });

  test.each(ODD_PATHS)('%s never reaches the engine', async (path) => {
    const before = engine.arrivals.length;
    const answer = await speak(rig.url, `GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"type":"bad_request"');
    expect(engine.arrivals.length).toBe(before);
  });

  test.each([
    [
      'length and chunks',
      'POST /a/_count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /secret/_search HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
    [
      'two lengths',
      'POST /a/_count HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\nGET /secret/_search HTTP/1.1\r\n',
    ],
    ['a space before the colon', 'GET /a/_count HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['a folded header', 'GET /a/_count HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n'],
    ['a bad chunk', 'POST /a/_count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['an unknown coding', 'POST /a/_count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\nabc'],
    ['a line feed alone', 'GET /a/_count HTTP/1.1\nHost: a\n\n'],
    ['no host', 'GET /a/_count HTTP/1.1\r\n\r\n'],
    ['headers over 16 KB', `GET /a/_count HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('%s: refused, closed, nothing smuggled', async (_name, bytes) => {
    const before = engine.arrivals.length;
    const answer = await speak(rig.url, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(engine.arrivals.length).toBe(before);
  });

  test('a write is refused in the engine’s shape and says what to do', async () => {
    const answer = await call(rig.url, '/products/_doc/1?refresh=true', { method: 'PUT', body: '{}' });
    expect(answer.status).toBe(403);
    expect(errorOf(answer)).toEqual({
      status: 403,
      type: 'security_exception',
      reason:
        'PUT /products/_doc/1 is not a read route; send it to OpenSearch itself, or set proxy.allowWrites: true to have the sidecar forward it',
    });
    expect(engine.arrivals.some(({ url }) => url.includes('_doc'))).toBe(false);
  });

  test('with allowWrites it is forwarded', async () => {
    const open = await openRig({ engineUrl: engine.url, flags: { proxy: { allowWrites: true } } });
    const answer = await call(open.url, '/products/_doc/1', {
      method: 'PUT',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(200);
    expect(engine.arrivals.at(-1)).toMatchObject({ method: 'PUT', url: '/products/_doc/1', body: '{"a":1}' });
    await open.close();
  });
});
