import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { EngineUnreachable } from '../../opensearch/connection.js';
import { BadSearchOption } from '../../sidecar/request/search-options.js';
import type { SearchCall } from '../../sidecar/request/search-call.js';
import { headerText } from '../../sidecar/http/answer.js';
import { CannotListen } from '../../sidecar/http/listener.js';
import { call, errorOf, openEngine, openRig, speak } from './http-rig.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(options: Partial<Parameters<typeof openRig>[0]> & { answer?: Parameters<typeof openEngine>[0] } = {}) {
  const engine = await openEngine(options.answer);
  const rig = await openRig({ engineUrl: engine.url, ...options });
  closers.push(engine.close, rig.close);
  return { engine, rig };
}

async function until(check: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !check(); attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(check()).toBe(true);
}

describe('the search door', () => {
  test('gives the walk the call as it came, and the client the walk’s answer', async () => {
    const calls: SearchCall[] = [];
    const { rig } = await open({
      dependencies: {
        answerSearch: (given) => {
          calls.push(given);
          return Promise.resolve({
            status: 200,
            headers: { 'x-fuserank': 'applied; model=m; window=200', 'content-length': '1', 'x-own': ['a', 'b'] },
            body: Buffer.from('{"took":1}'),
          });
        },
      },
    });
    const answer = await call(rig.url, '/pro%20ducts/_search?size=1&size=2', {
      method: 'POST',
      headers: { authorization: 'Basic x', 'x-fuserank-user': 'u' },
      body: '{"query":{}}',
    });
    expect(answer.text).toBe('{"took":1}');
    expect(answer.headers).toMatchObject({ 'x-fuserank': 'applied; model=m; window=200', 'content-length': '10', 'x-own': 'a, b' });
    expect(answer.headers['x-powered-by']).toBeUndefined();
    expect(answer.headers.etag).toBeUndefined();
    const [given] = calls;
    expect(given).toMatchObject({ method: 'POST', rawUrl: '/pro%20ducts/_search?size=1&size=2', index: 'pro ducts' });
    expect(given?.query.get('size')).toBe('2');
    expect(given?.headers).toMatchObject({ authorization: 'Basic x', 'x-fuserank-user': 'u' });
    expect(given?.body.toString()).toBe('{"query":{}}');
  });

  test('a body too long to be read streams through whole, and says that it was not ranked', async () => {
    const { engine, rig } = await open({ dependencies: { answerSearch: () => Promise.reject(new Error('must not be asked')) } });
    const body = `{"query":{"ids":{"values":["${'x'.repeat(9_000_000)}"]}}}`;
    for (const headers of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await call(rig.url, '/a/_search?a=1&fuserank=2', {
        method: 'POST',
        body,
        headers: { ...headers, 'x-fuserank-user': 'secret' },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers['x-fuserank']).toBe('skipped; reason=body_too_large');
      expect(engine.arrivals.at(-1)?.body === body).toBe(true);
      expect(engine.arrivals.at(-1)?.url).toBe('/a/_search?a=1');
      expect(engine.arrivals.at(-1)?.headers['x-fuserank-user']).toBeUndefined();
    }
  });

  test('a body of a few megabytes with an announced length, as photos are, is read', async () => {
    const lengths: number[] = [];
    const { rig } = await open({
      dependencies: {
        answerSearch: ({ body }) => {
          lengths.push(body.length);
          return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
        },
      },
    });
    const body = 'x'.repeat(3_000_000);
    expect((await call(rig.url, '/a/_search', { method: 'POST', body })).headers['x-fuserank']).toBeUndefined();
    expect(
      (await call(rig.url, '/a/_search', { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } })).headers['x-fuserank'],
    ).toBe('skipped; reason=body_too_large');
    expect(lengths).toEqual([3_000_000]);
  });

  test('nothing that the walk says can break a header', async () => {
    const { rig } = await open({
      dependencies: {
        answerSearch: () =>
          Promise.resolve({
            status: 200,
            headers: { 'x-fuserank': `skipped; reason=x\r\nset-cookie: a=b\n${'y'.repeat(5000)}` },
            body: Buffer.from('{}'),
          }),
      },
    });
    const answer = await call(rig.url, '/a/_search');
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(String(answer.headers['x-fuserank']).length).toBe(1024);
    expect(headerText('a\r\nb\u00e9\u0000c')).toBe('a?b?c');
  });

  test.each([
    [new BadSearchOption('ext.fuserank.window: too large'), 400, 'illegal_argument_exception', /ext\.fuserank\.window: too large/],
    [
      new EngineUnreachable({ url: 'http://secret-host:9200', reason: 'refused', fix: 'x' }),
      503,
      'service_unavailable_exception',
      /does not answer/,
    ],
    [new Error('secret-host stack'), 500, 'internal_error', /its log has the details/],
  ])('a walk that throws %s', async (thrown, status, type, reason) => {
    const { rig } = await open({ dependencies: { answerSearch: () => Promise.reject(thrown) } });
    const answer = await call(rig.url, '/a/_search');
    expect(answer.status).toBe(status);
    expect(errorOf(answer)).toMatchObject({ status, type, reason: expect.stringMatching(reason) as string });
    expect(answer.text).not.toContain('secret-host');
    if (status >= 500) expect(rig.logged.join()).toContain('secret-host');
  });

  test('a client that leaves aborts its search', async () => {
    const reasons: unknown[] = [];
    const { rig } = await open({
      dependencies: {
        answerSearch: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(new Error('aborted'));
            });
          }),
      },
    });
    const leaving = new AbortController();
    const asked = call(rig.url, '/a/_search', { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 50);
    await expect(asked).rejects.toThrow();
    await until(() => reasons.length === 1);
    expect(rig.logged.some((line) => line.includes('"level":"error"'))).toBe(false);
  });
});

describe('forwarding', () => {
  test('method, target, headers and body go as they came, but for the hop’s and ours', async () => {
    const { engine, rig } = await open();
    await call(rig.url, '/a/_count?q=%22red%20boots%22;x=1', {
      method: 'POST',
      headers: {
        authorization: 'Bearer t',
        cookie: 'a=b',
        'x-opaque-id': 'o',
        traceparent: '00-1-2-01',
        connection: 'close, x-hop',
        'x-hop': 'drop',
        te: 'trailers',
        'x-fuserank-user': 'u',
        'content-type': 'application/json',
        __proto__: 'x',
      },
      body: '{"query":{"match_all":{}}}',
    });
    const arrival = engine.arrivals.at(-1);
    expect(arrival).toMatchObject({ method: 'POST', url: '/a/_count?q=%22red%20boots%22;x=1', body: '{"query":{"match_all":{}}}' });
    expect(arrival?.headers).toMatchObject({
      authorization: 'Bearer t',
      cookie: 'a=b',
      'x-opaque-id': 'o',
      traceparent: '00-1-2-01',
      host: new URL(engine.url).host,
    });
    for (const name of ['x-hop', 'te', 'x-fuserank-user']) expect(arrival?.headers[name]).toBeUndefined();
  });

  test('status, headers and bytes come back; gzip is not touched', async () => {
    const packed = gzipSync('{"count":1}');
    const { rig } = await open({
      answer: (_request, response) => {
        response.writeHead(404, {
          'content-encoding': 'gzip',
          'content-type': 'application/json',
          'x-opensearch-version': '3',
          'set-cookie': ['a=1', 'b=2'],
          'alt-svc': 'h3=":9200"',
          'keep-alive': 'timeout=1',
        });
        response.end(packed);
      },
    });
    const answer = await call(rig.url, '/a/_count', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.status).toBe(404);
    expect(answer.body.equals(packed)).toBe(true);
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-opensearch-version': '3', 'set-cookie': ['a=1', 'b=2'] });
    expect(answer.headers['alt-svc']).toBeUndefined();
    expect(answer.headers['x-fuserank']).toBeUndefined();
  });

  test('HEAD keeps the length and has no body; redirects are handed on', async () => {
    const { rig } = await open({
      answer: (request, response) => {
        if (request.method === 'HEAD') response.writeHead(200, { 'content-length': '353' }).end();
        else response.writeHead(302, { location: 'http://elsewhere/' }).end();
      },
    });
    expect(await call(rig.url, '/a', { method: 'HEAD' })).toMatchObject({ status: 200, text: '', headers: { 'content-length': '353' } });
    expect(await call(rig.url, '/_cat/indices')).toMatchObject({ status: 302, headers: { location: 'http://elsewhere/' } });
  });

  test('every spelling of a search comes to the walk with its name and its index', async () => {
    const seen: string[] = [];
    const { rig } = await open({
      dependencies: {
        answerSearch: ({ method, index }, spelling) => {
          seen.push(`${method} ${spelling} ${index}`);
          return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
        },
      },
    });
    for (const path of ['/a/_search', '/_search/template', '/a,b/_msearch', '/a/_msearch/template'])
      await call(rig.url, path, { method: 'POST' });
    await call(rig.url, '/_msearch');
    expect(seen).toEqual(['POST search a', 'POST template ', 'POST multi-search a,b', 'POST multi-template a', 'GET multi-search ']);
  });

  test('the answer streams: its first bytes are here before its last are written', async () => {
    let finish: () => void = () => undefined;
    const { rig } = await open({
      answer: (_request, response) => {
        response.write('first');
        finish = () => response.end('last');
      },
    });
    const { hostname, port } = new URL(rig.url);
    const request = httpRequest({ hostname, port, path: '/_cat/indices', agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('first');
    finish();
    const [last] = (await once(response, 'data')) as [Buffer];
    expect(last.toString()).toBe('last');
  });

  test('an engine that is not there', async () => {
    const rig = await openRig({ engineUrl: 'http://127.0.0.1:9' });
    closers.push(rig.close);
    const answer = await call(rig.url, '/_cat/indices');
    expect(errorOf(answer)).toMatchObject({ status: 503, type: 'service_unavailable_exception' });
    expect(answer.text).not.toContain('127.0.0.1:9');
    expect(rig.logged.join()).toContain('127.0.0.1:9');
  });

  test('an engine that breaks off in its body breaks the client off too, never a whole-looking half', async () => {
    const { rig } = await open({
      answer: (_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setTimeout(() => response.destroy(), 20);
      },
    });
    await expect(call(rig.url, '/_cat/indices')).rejects.toThrow();
    expect((await call(rig.url, '/livez')).status).toBe(200);
  });

  test('a client that leaves closes the engine’s side', async () => {
    const { engine, rig } = await open({ answer: (_request, response) => void response.write('endless') });
    const leaving = new AbortController();
    const asked = call(rig.url, '/_cat/indices', { signal: leaving.signal });
    await until(() => engine.arrivals.length === 1);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await until(() => engine.aborted() === 1);
  });

  test('a client that leaves in the middle of its body harms nobody', async () => {
    const { engine, rig } = await open();
    const { hostname, port } = new URL(rig.url);
    for (const length of [100, 5_000_000]) {
      const socket = connect(Number(port), hostname);
      socket.write(`POST /a/_search HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\nabc`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.destroy();
    }
    await until(() => rig.logged.filter((line) => line.includes('"status":499')).length === 2);
    expect((await call(rig.url, '/a/_search')).status).toBe(200);
    expect(engine.arrivals.map(({ body }) => body)).not.toContain('abc');
  });
});

describe('load and life', () => {
  test('over maxInflight: 429 with Retry-After in the engine’s shape, health still answers', async () => {
    const waiting: (() => void)[] = [];
    const { rig } = await open({
      flags: { server: { maxInflight: 2 } },
      dependencies: {
        answerSearch: () => new Promise((resolve) => waiting.push(() => resolve({ status: 200, headers: {}, body: Buffer.from('{}') }))),
      },
    });
    const held = [call(rig.url, '/a/_search'), call(rig.url, '/b/_search')];
    await until(() => waiting.length === 2);
    for (const [path, method] of [
      ['/c/_search', 'POST'],
      ['/_cat/indices', 'GET'],
    ] as const) {
      const refused = await call(rig.url, path, { method });
      expect(refused.headers['retry-after']).toBe('1');
      expect(errorOf(refused)).toMatchObject({ status: 429, type: 'rejected_execution_exception' });
    }
    expect((await call(rig.url, '/livez')).status).toBe(200);
    waiting.forEach((finish) => finish());
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await call(rig.url, '/_cat/indices')).status).toBe(200);
    expect((await call(rig.adminUrl, '/metrics')).text).toContain('fuserank_shed_total 2');
  });

  test('records have a room of their own: when they hang, 429 for more of them, and searches go on', async () => {
    const waiting: (() => void)[] = [];
    const record = () => new Promise<void>((resolve) => waiting.push(resolve));
    const store = {
      record,
      recordQueries: record,
      exportUser: () => Promise.reject(new Error()),
      erase: () => Promise.reject(new Error()),
    };
    const { rig } = await open({ flags: { server: { maxInflight: 2, cors: ['https://shop.example'] } }, dependencies: { store } });
    const send = (path: string, method = 'POST') =>
      call(rig.url, path, {
        method,
        headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
        ...(method === 'POST' ? { body: '{"action_name":"click","timestamp":1,"user_query":"q"}' } : {}),
      });
    const held = [send('/ubi/events'), send('/ubi/queries')];
    await until(() => waiting.length === 2);
    const refused = await send('/ubi/events');
    expect(refused.headers['retry-after']).toBe('1');
    expect(errorOf(refused)).toMatchObject({ status: 429, type: 'rejected_execution_exception' });
    expect((await send('/ubi/events', 'OPTIONS')).status).toBe(204);
    expect((await call(rig.url, '/a/_search')).status).toBe(200);
    waiting.forEach((finish) => finish());
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    const again = send('/ubi/events');
    await until(() => waiting.length === 3);
    waiting[2]?.();
    expect((await again).status).toBe(200);
  });

  test('closing: what is under way finishes, then nobody listens', async () => {
    let finish: () => void = () => undefined;
    const { rig } = await open({
      dependencies: {
        answerSearch: () =>
          new Promise((resolve) => (finish = () => resolve({ status: 200, headers: {}, body: Buffer.from('{"done":true}') }))),
      },
    });
    const idle = connect(Number(new URL(rig.url).port), '127.0.0.1');
    await once(idle, 'connect');
    const held = call(rig.url, '/a/_search', { headers: { connection: 'keep-alive' } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = rig.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(call(rig.url, '/livez')).rejects.toThrow(/ECONNREFUSED/);
    finish();
    expect((await held).text).toBe('{"done":true}');
    await closing;
    idle.destroy();
  });

  test('closing: a connection still in use hears that we are not ready, and that it ends', async () => {
    let finish: () => void = () => undefined;
    const { rig } = await open({
      dependencies: {
        answerSearch: () =>
          new Promise((resolve) => (finish = () => resolve({ status: 200, headers: {}, body: Buffer.from('{"done":true}') }))),
      },
    });
    const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    socket.write('GET /a/_search HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = rig.close();
    socket.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    finish();
    await once(socket, 'close');
    await closing;
    expect(heard).toMatch(/^HTTP\/1\.1 200 .*\{"done":true\}HTTP\/1\.1 503 .*connection: close.*not yet/is);
  });

  test('closing cuts what does not finish in its grace', async () => {
    const { rig } = await open({
      flags: { server: { shutdownGraceMs: 100 } },
      dependencies: { answerSearch: () => new Promise(() => undefined) },
    });
    const held = call(rig.url, '/a/_search').catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rig.close();
    expect(await held).toBe('cut');
  });

  test('a port that is taken is named with the setting to change', async () => {
    const { engine, rig } = await open();
    const port = Number(new URL(rig.url).port);
    const second = openRig({ engineUrl: engine.url, flags: { server: { port } } });
    await expect(second).rejects.toThrow(CannotListen);
    await expect(second).rejects.toThrow(/EADDRINUSE.*server\.port/);
  });

  test('a client that dawdles over its headers or its body is told so and cut off', async () => {
    const { rig } = await open();
    const dawdlers = [
      'GET /livez HTTP/1.1\r\nHost: a\r\n',
      'POST /a/_search HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"query"',
      'POST /ubi/events HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"action',
    ];
    for (const answer of await Promise.all(dawdlers.map((bytes) => speak(rig.url, bytes)))) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain('"type":"request_timeout"');
    }
    expect((await call(rig.url, '/livez')).status).toBe(200);
  });

  test('several requests share a connection', async () => {
    const { rig } = await open();
    const answers = await speak(
      rig.url,
      'GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /a/_count HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });
});

describe('health', () => {
  test('ready, degraded, not ready', async () => {
    const health = { started: false, ready: false, degraded: true, checks: { scorer: { ok: false, detail: 'starting' } } };
    const { rig } = await open({ dependencies: { readHealth: () => health } });
    const statuses = async () =>
      Promise.all(['/livez', '/readyz', '/startupz', '/health'].map(async (path) => (await call(rig.url, path)).status));
    expect(await statuses()).toEqual([200, 503, 503, 503]);
    Object.assign(health, { started: true, ready: true });
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    expect(JSON.parse((await call(rig.url, '/health')).text)).toEqual({
      status: 'degraded',
      draining: false,
      checks: { scorer: { ok: false } },
    });
    // Details may name addresses: they are for the admin port.
    expect(JSON.parse((await call(rig.adminUrl, '/health')).text)).toMatchObject({ checks: health.checks });
    expect(JSON.parse((await call(rig.url, '/info')).text)).toEqual({ version: 'test' });
    expect((await call(rig.url, '/livez', { method: 'HEAD' })).status).toBe(200);
    expect((await call(rig.url, '/livez', { method: 'POST' })).status).toBe(404);
  });
});
