import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { EngineUnreachable } from '../../opensearch/connection.js';
import { openUpstream, withServiceAccount, type Upstream } from '../../opensearch/upstream.js';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function serve(handler: Handler): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function open(nodes: string[], rest: Omit<NonNullable<ConfigInput['opensearch']>, 'nodes'> = {}, connections?: number): Upstream {
  const config = configSchema.parse({ opensearch: { nodes, ...rest } }).opensearch;
  const upstream = openUpstream(config, connections === undefined ? {} : { connections });
  toClose.push(() => upstream.close());
  return upstream;
}

async function collect(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Node's own server closes idle sockets politely; this one answers the first request of each socket and drops the second. */
async function serveOncePerSocket(drop: (socket: Socket) => void): Promise<{ url: string; requests: () => number; sockets: () => number }> {
  let requests = 0;
  let sockets = 0;
  const server = createSocketServer((socket) => {
    sockets++;
    let answered = false;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests++;
      if (answered) return drop(socket);
      answered = true;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${requests}!`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests, sockets: () => sockets };
}

describe('the way upstream', () => {
  it('carries method, path, query and body as they are, and the answer in the engine’s own bytes', async () => {
    const zipped = gzipSync('{"max_score":1.0,"n":9007199254740993}');
    let seen = '';
    const { url } = await serve((request, response, body) => {
      seen = `${request.method} ${request.url} ${body.toString()} ${String(request.headers['x-opaque-id'])}`;
      response.writeHead(404, { 'content-encoding': 'gzip', 'x-opensearch-version': '3.6.0', 'set-cookie': ['a=1', 'b=2'] }).end(zipped);
    });
    const answer = await open([url]).send({
      method: 'POST',
      path: '/a%2Cb/_search?q=%20x',
      headers: { 'x-opaque-id': 'me', 'accept-encoding': 'gzip' },
      body: '{"a":1.0}',
    });
    expect(seen).toBe('POST /a%2Cb/_search?q=%20x {"a":1.0} me');
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(zipped);
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-opensearch-version': '3.6.0', 'set-cookie': ['a=1', 'b=2'] });
  });

  it('keeps sockets open over requests', async () => {
    const { url, server } = await serve((_request, response) => void response.end('ok'));
    let sockets = 0;
    server.on('connection', () => sockets++);
    const upstream = open([url]);
    for (let i = 0; i < 8; i++) expect((await upstream.send({ method: 'GET', path: '/' })).body.toString()).toBe('ok');
    // undici frees a socket a tick after it handed over the answer, so that an eager caller alternates between two.
    expect(sockets).toBeLessThanOrEqual(2);
  });

  it('opens no more sockets than allowed, and answers all the same', async () => {
    let atWork = 0;
    let most = 0;
    const { url } = await serve((_request, response) => {
      most = Math.max(most, ++atWork);
      setTimeout(() => {
        atWork--;
        response.end('ok');
      }, 5);
    });
    const upstream = open([url], {}, 2);
    const answers = await Promise.all(Array.from({ length: 12 }, () => upstream.send({ method: 'GET', path: '/' })));
    expect(answers.map((answer) => answer.status)).toEqual(Array(12).fill(200));
    expect(most).toBe(2);
  });

  it('drops the headers of a hop in both directions, and those that Connection names', async () => {
    let got: IncomingMessage['headers'] = {};
    const { url } = await serve((request, response) => {
      got = request.headers;
      response
        .writeHead(200, {
          'keep-alive': 'timeout=7',
          'x-own': '1',
          'content-length': 2,
          connection: 'keep-alive, x-hop',
          'x-hop': 'secret',
        })
        .end('{}');
    });
    const answer = await open([url]).send({
      method: 'POST',
      path: '/',
      headers: {
        Host: 'shop.example',
        connection: 'close, x-private',
        'x-private': 'p',
        te: 'trailers',
        'transfer-encoding': 'chunked',
        expect: '100-continue',
        'content-length': '999',
        authorization: 'Basic abc',
      },
      body: Buffer.from('{}'),
    });
    expect(got.host).toBe(new URL(url).host);
    expect(got).toMatchObject({ authorization: 'Basic abc', 'content-length': '2' });
    for (const name of ['x-private', 'te', 'transfer-encoding', 'expect']) expect(got).not.toHaveProperty(name);
    expect(answer.headers).toMatchObject({ 'x-own': '1', 'content-length': '2' });
    for (const name of ['connection', 'keep-alive', 'x-hop']) expect(answer.headers).not.toHaveProperty(name);
  });

  it('hands a redirect over instead of following it', async () => {
    let requests = 0;
    const { url } = await serve((_request, response) => {
      requests++;
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    });
    const answer = await open([url]).send({ method: 'GET', path: '/' });
    expect(answer).toMatchObject({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    expect(requests).toBe(1);
  });

  it('puts the path of a node’s address before the request’s', async () => {
    const { url } = await serve((request, response) => void response.end(request.url));
    expect((await open([`${url}/behind/`]).send({ method: 'GET', path: '/_search?q=a' })).body.toString()).toBe('/behind/_search?q=a');
  });

  it('adds the service account only when asked to', async () => {
    const { url } = await serve((request, response) => void response.end(request.headers.authorization ?? 'none'));
    const config = configSchema.parse({
      opensearch: { nodes: [url], auth: { type: 'basic', username: 'fr', password: 'pä:ss' } },
    }).opensearch;
    const upstream = openUpstream(config);
    toClose.push(() => upstream.close());
    const asked = { method: 'GET', path: '/', headers: { authorization: 'Bearer shopper' } };
    expect((await upstream.send(asked)).body.toString()).toBe('Bearer shopper');
    expect((await upstream.send({ method: 'GET', path: '/' })).body.toString()).toBe('none');
    const own = `Basic ${Buffer.from('fr:pä:ss').toString('base64')}`;
    expect((await withServiceAccount(upstream, config).send(asked)).body.toString()).toBe(own);
  });

  it('never sends a password that stands in the node’s address', async () => {
    const { url } = await serve((request, response) => void response.end(request.headers.authorization ?? 'none'));
    expect((await open([url.replace('://', '://u:p@')]).send({ method: 'GET', path: '/' })).body.toString()).toBe('none');
  });

  it('streams both ways, with the length the sender announced', async () => {
    const { url } = await serve((request, response, body) => {
      response.setHeader('x-length', request.headers['content-length'] ?? 'chunked');
      response.write(body);
      response.end('.');
    });
    const upstream = open([url]);
    const streamed = await upstream.stream({
      method: 'POST',
      path: '/',
      headers: { 'content-length': '6' },
      body: Readable.from([Buffer.from('abc'), Buffer.from('def')]),
    });
    expect(streamed.headers['x-length']).toBe('6');
    expect((await collect(streamed.body)).toString()).toBe('abcdef.');
    const chunked = await upstream.stream({ method: 'POST', path: '/', body: Readable.from([Buffer.from('abc')]) });
    expect(chunked.headers['x-length']).toBe('chunked');
    expect((await collect(chunked.body)).toString()).toBe('abc.');
  });

  it('answers HEAD with the length and no body', async () => {
    const { url } = await serve((_request, response) => void response.writeHead(200, { 'content-length': '538' }).end());
    const answer = await open([url]).send({ method: 'HEAD', path: '/' });
    expect(answer.headers['content-length']).toBe('538');
    expect(answer.body).toHaveLength(0);
  });
});

describe('a stale keep-alive socket', () => {
  for (const [how, drop] of [
    ['closed', (socket: Socket) => void socket.end()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
  ] as const) {
    it(`that was ${how} before an answer byte is retried once on a fresh one`, async () => {
      const engine = await serveOncePerSocket(drop);
      const upstream = open([engine.url], {}, 4);
      // Several idle sockets, all stale by now: the retry must not draw the next of them.
      await Promise.all([1, 2, 3].map(() => upstream.send({ method: 'POST', path: '/', body: '{}' })));
      await sleep(20);
      const before = engine.requests();
      const answer = await upstream.send({ method: 'POST', path: '/', body: '{}' });
      expect(answer.status).toBe(200);
      expect(engine.requests()).toBe(before + 2);
    });
  }

  it('is not retried when the body was a stream', async () => {
    const engine = await serveOncePerSocket((socket) => void socket.end());
    const upstream = open([engine.url], {}, 1);
    await upstream.send({ method: 'GET', path: '/' });
    await expect(upstream.stream({ method: 'POST', path: '/', body: Readable.from([Buffer.from('x')]) })).rejects.toThrow(
      EngineUnreachable,
    );
  });

  it('is retried for a streamed answer, too', async () => {
    const engine = await serveOncePerSocket((socket) => void socket.end());
    const upstream = open([engine.url], {}, 1);
    await upstream.send({ method: 'GET', path: '/' });
    const answer = await upstream.stream({ method: 'GET', path: '/' });
    expect((await collect(answer.body)).toString()).toMatch(/!$/);
  });
});

describe('an engine that fails', () => {
  it('is not asked again when it closed a socket that was fresh', async () => {
    let requests = 0;
    const { url } = await serve((request) => {
      requests++;
      request.socket.destroy();
    });
    await expect(open([url]).send({ method: 'POST', path: '/', body: '{}' })).rejects.toThrow(/closed the connection without an answer/);
    expect(requests).toBe(1);
  });

  it('is not asked again when its answer broke off, on a used socket neither', async () => {
    let requests = 0;
    const { url } = await serve((request, response) => {
      requests++;
      if (request.url === '/whole') return void response.end('ok');
      response.writeHead(200, { 'content-length': '100' }).write('half');
      setTimeout(() => request.socket.destroy(), 20);
    });
    const upstream = open([url], {}, 1);
    await upstream.send({ method: 'GET', path: '/whole' });
    await expect(upstream.send({ method: 'GET', path: '/half' })).rejects.toThrow(/in the middle of its answer/);
    expect(requests).toBe(2);
  });

  it('is named with the fix when nothing listens', async () => {
    const { url, server } = await serve(() => undefined);
    server.close();
    await once(server, 'close');
    const failure = await open([url])
      .send({ method: 'GET', path: '/' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnreachable);
    expect(String(failure)).toContain(url);
    expect(String(failure)).toContain('opensearch.nodes');
  });

  it('gives way to the next node when it cannot be reached', async () => {
    const dead = await serve(() => undefined);
    dead.server.close();
    await once(dead.server, 'close');
    const { url } = await serve((_request, response) => void response.end('alive'));
    const upstream = open([dead.url, url]);
    for (let i = 0; i < 4; i++) expect((await upstream.send({ method: 'GET', path: '/' })).body.toString()).toBe('alive');
  });

  it('is given up after opensearch.timeoutMs', async () => {
    const { url } = await serve(() => undefined);
    await expect(open([url], { timeoutMs: 50 }).send({ method: 'GET', path: '/' })).rejects.toThrow(EngineUnreachable);
  });
});

describe('an aborted request', () => {
  const never = () => serve(() => undefined);

  it('rejects with the reason, before, while waiting for a socket and on the wire', async () => {
    const { url } = await never();
    const upstream = open([url], {}, 1);
    const reason = new Error('budget spent');
    await expect(upstream.send({ method: 'GET', path: '/', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const onWire = upstream.send({ method: 'GET', path: '/', signal: controller.signal });
    const queued = upstream.send({ method: 'GET', path: '/', signal: controller.signal });
    const settled = Promise.allSettled([onWire, queued]);
    setTimeout(() => controller.abort(reason), 20);
    expect((await settled).map((result): unknown => (result.status === 'rejected' ? result.reason : null))).toEqual([reason, reason]);
  });

  it('gives the engine the closed socket it needs to cancel a search', async () => {
    let cancelled: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (cancelled = resolve));
    const { url } = await serve((request) => void request.socket.on('close', cancelled));
    const controller = new AbortController();
    const asked = open([url]).stream({ method: 'GET', path: '/', signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await closed;
  });
});
