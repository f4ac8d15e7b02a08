import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OwnRoutes } from '../../sidecar/v1/own-routes.js';
import { call, errorOf, openEngine, openRig, type Answer } from './http-rig.js';

const seen: { route: string; request: unknown }[] = [];
const ranked = { took: 1, applied: true, model: 'm', items: [] };
const page = { took: 1, applied: false, reason: 'no_history', sources: [], items: [] };
const note = <T>(route: string, request: unknown, answer: T): Promise<T> => {
  seen.push({ route, request });
  return Promise.resolve(answer);
};
/** Released by the test that needs requests under way. */
let hold: Promise<void> | null = null;
const routes: OwnRoutes = {
  rank: async (request) => {
    await hold;
    return note('rank', request, ranked);
  },
  similar: (index, id, request) => note(`similar ${index} ${id}`, request, page),
  recommend: (index, request) => note(`recommend ${index}`, request, page),
  searchByPhoto: (index, request) => note(`photo ${index}`, request, page),
  embed: (request) =>
    note('embed', request, { took: 1, texts: [], images: [], encoders: { text: { id: 't', dims: 1 }, image: { id: 'i', dims: 1 } } }),
};

let engine: Awaited<ReturnType<typeof openEngine>>;
let rig: Awaited<ReturnType<typeof openRig>>;
beforeAll(async () => {
  engine = await openEngine();
  rig = await openRig({ engineUrl: engine.url, flags: { server: { maxInflight: 2 } }, dependencies: { ownRoutes: routes } });
});
afterAll(async () => {
  await rig.close();
  engine.close();
});

const send = (path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
  call(rig.url, path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
const rankBody = JSON.stringify({ items: [{ id: 7 }] });

describe('the /v1 routes over HTTP', () => {
  it('hand over what was validated, with defaults, and label the answer as searches are', async () => {
    const answer = await send('/v1/rank', rankBody);
    expect(answer.status).toBe(200);
    expect(answer.headers['x-fuserank']).toBe('applied; model=m');
    expect(seen.at(-1)).toEqual({ route: 'rank', request: { items: [{ id: '7' }], explain: false } });
    const similar = await call(
      rig.url,
      '/v1/similar/shop-v1,other/a%20b?size=5&in_stock_only&fields=title,brand&user=u1&blend=0.5&budget_ms=80',
    );
    expect(similar.headers['x-fuserank']).toBe('skipped; reason=no_history');
    expect(seen.at(-1)).toEqual({
      route: 'similar shop-v1,other a b',
      request: { size: 5, from: 0, in_stock_only: true, fields: ['title', 'brand'], user: 'u1', blend: 0.5, budget_ms: 80, explain: false },
    });
  });

  it('take an id with a slash in it, encoded', async () => {
    for (const id of ['a/b', '../_bulk', 'x\\y', '100%2F']) {
      expect((await call(rig.url, `/v1/similar/shop/${encodeURIComponent(id)}`)).status).toBe(200);
      expect(seen.at(-1)?.route).toBe(`similar shop ${id}`);
      expect((await send(`/v1/similar/shop/${encodeURIComponent(id)}`, '{"size":3}')).status).toBe(200);
      expect(seen.at(-1)).toMatchObject({ route: `similar shop ${id}`, request: { size: 3 } });
    }
    expect(engine.arrivals).toEqual([]);
  });

  it('take an empty body for an empty object, and gzip', async () => {
    expect((await call(rig.url, '/v1/recommend/shop', { method: 'POST' })).status).toBe(200);
    expect(seen.at(-1)).toMatchObject({ route: 'recommend shop', request: { exclude: 'bought' } });
    expect((await send('/v1/rank', gzipSync(rankBody), { 'content-encoding': 'gzip' })).status).toBe(200);
    const bomb = await send('/v1/recommend/shop', gzipSync(Buffer.alloc(3 * 1024 ** 2, 0x20)), { 'content-encoding': 'gzip' });
    expect(errorOf(bomb)).toMatchObject({ status: 400, reason: expect.stringContaining('unpacks to over 1 MB') as string });
  });

  it('read a form, its fields by their kind', async () => {
    const form = new FormData();
    form.set('image', new Blob([new Uint8Array([1, 2, 3])]), 'x.jpg');
    form.set('query', '12');
    form.set('filter', '{"term":{"brand":"x"}}');
    form.set('size', '3');
    await fetch(`${rig.url}/v1/search/shop/image`, { method: 'POST', body: form });
    expect(seen.at(-1)).toMatchObject({
      route: 'photo shop',
      request: { image: 'AQID', query: '12', filter: { term: { brand: 'x' } }, size: 3 },
    });
  });

  it('say so of a photo in a form that is too big', async () => {
    const form = new FormData();
    form.set('image', new Blob([new Uint8Array(5_300_000)]), 'x.jpg');
    const answer = await fetch(`${rig.url}/v1/search/shop/image`, { method: 'POST', body: form });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('image: is over 5 MB');
  });

  it.each<[string, string, string, string, Record<string, string>?]>([
    ['no JSON', '/v1/rank', '{"items":', 'not JSON'],
    ['an unknown member', '/v1/rank', '{"items":[{"id":"a"}],"colour":1}', 'colour: unknown member; known here: index, query, '],
    ['a mistyped member', '/v1/rank', '{"items":[{"id":"a"}],"qurey":"x"}', 'qurey: unknown member; did you mean query?'],
    ['a mistyped member of a list', '/v1/rank', '{"items":[{"id":"a","scor":1}]}', 'items.0.scor: unknown member; did you mean score?'],
    ['a missing member', '/v1/rank', '{}', 'items: required'],
    ['no photo', '/v1/search/shop/image', '{}', 'image: required; must be a picture in base64'],
    [
      'a data: address',
      '/v1/search/shop/image',
      '{"image":"data:image/png;base64,AQID"}',
      'image: is a data: address; send what stands behind "base64,"',
    ],
    ['a photo that is too big', '/v1/search/shop/image', JSON.stringify({ image: 'A'.repeat(7_000_004) }), 'image: is over 5 MB'],
    ['a member of the wrong kind', '/v1/rank', '{"items":[{"id":"a","score":"high"}]}', 'items.0.score'],
    ['too many items', '/v1/rank', JSON.stringify({ items: Array.from({ length: 1001 }, (_, id) => ({ id })) }), 'items'],
    ['two items with one id', '/v1/rank', '{"items":[{"id":7},{"id":"a"},{"id":"7"}]}', 'items.2.id: is the id of items.0, too'],
    [
      'something nested without end',
      '/v1/recommend/shop',
      `{"filter":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
      'nested more than 100 deep',
    ],
    ['an index that is none', '/v1/recommend/_cluster', '{}', 'index: must be an index'],
    ['a content-encoding that is not read', '/v1/rank', rankBody, 'content-encoding br', { 'content-encoding': 'br' }],
    ['a form without a boundary', '/v1/search/shop/image', 'x', 'multipart', { 'content-type': 'multipart/form-data' }],
  ])('refuse %s with 400 and say what is wrong', async (_what, path, body, reason, headers = {}) => {
    const answer = await send(path, body, headers);
    expect(errorOf(answer)).toMatchObject({ status: 400, type: 'illegal_argument_exception' });
    expect(errorOf(answer).reason).toContain(reason);
    expect(errorOf(answer).reason).toContain('docs/reference/v1.md');
  });

  it('refuse what is too long, unread', async () => {
    expect(errorOf(await send('/v1/recommend/shop', Buffer.alloc(1024 ** 2 + 1, 0x20)))).toMatchObject({ status: 413 });
    expect(errorOf(await send('/v1/embed', Buffer.alloc(8 * 1024 ** 2 + 1, 0x20)))).toMatchObject({ status: 413 });
  });

  it('say which methods they take', async () => {
    const answer = await call(rig.url, '/v1/rank');
    expect(errorOf(answer)).toMatchObject({ status: 405 });
    expect(answer.headers.allow).toBe('POST');
    expect(errorOf(await call(rig.url, '/v1/rank/more', { method: 'POST' }))).toMatchObject({ status: 404 });
  });

  it.each([
    ['POST', '/v1/ranks', 'did you mean /v1/rank?'],
    ['GET', '/v1/similiar/shop/1', 'did you mean /v1/similar?'],
    ['POST', '/ubi/event', 'did you mean /ubi/events?'],
    ['DELETE', '/v1/users/u7', 'it is on the admin port'],
  ])('say of %s %s what was meant', async (method, path, guess) => {
    const answer = errorOf(await call(rig.url, path, { method }));
    expect(answer).toMatchObject({ status: 404 });
    expect(answer.reason).toContain(`there is no route ${method} ${path} (${guess}`);
  });

  it('guess nothing of what is none of theirs', async () => {
    for (const path of ['/v1/_bulk', '/v1/_doc/1', '/shop/_doc/1', '/v2/whatever'])
      expect(errorOf(await call(rig.url, path, { method: 'POST' }))).toMatchObject({ status: 403 });
    for (const [path, method] of [
      ['/metrics', 'POST'],
      ['/v1/users/u7', 'POST'],
    ] as const)
      expect(errorOf(await call(rig.adminUrl, path, { method }))).toMatchObject({ status: 405 });
  });

  it('count as requests under way', async () => {
    let release = (): void => undefined;
    hold = new Promise((resolve) => (release = resolve));
    const running = [send('/v1/rank', rankBody), send('/v1/rank', rankBody)];
    await expect.poll(async () => (await send('/v1/rank', rankBody)).status).toBe(429);
    release();
    hold = null;
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await send('/v1/rank', rankBody)).status).toBe(200);
  });

  it('ask for a token of scope search where there are tokens; the description needs none', async () => {
    const tokens = [
      { name: 'shop', token: 'a-token-for-searching', scopes: ['search' as const] },
      { name: 'tracker', token: 'a-token-for-events', scopes: ['events' as const] },
    ];
    const gated = await openRig({ engineUrl: engine.url, flags: { server: { tokens } }, dependencies: { ownRoutes: routes } });
    const ask = (headers: Record<string, string>): Promise<Answer> =>
      call(gated.url, '/v1/rank', { method: 'POST', body: rankBody, headers });
    expect(errorOf(await ask({})).status).toBe(401);
    expect(errorOf(await ask({ 'x-fuserank-token': 'a-token-for-events' })).status).toBe(403);
    expect((await ask({ 'x-fuserank-token': 'a-token-for-searching' })).status).toBe(200);
    expect((await ask({ authorization: 'Bearer a-token-for-searching' })).status).toBe(200);
    expect((await call(gated.url, '/openapi.json')).status).toBe(200);
    await gated.close();
  });

  it('leave an index called v1 its own', async () => {
    const before = engine.arrivals.length;
    for (const path of ['/v1/_search', '/v1/_doc/1', '/v1/_count', '/v1']) await call(rig.url, path);
    expect(engine.arrivals.slice(before).map(({ url }) => url)).toEqual(['/v1/_search', '/v1/_doc/1', '/v1/_count', '/v1']);
  });

  it('serve the description', async () => {
    const answer = await call(rig.url, '/openapi.json');
    expect(JSON.parse(answer.text)).toMatchObject({ openapi: '3.1.0', paths: { '/v1/rank': {} } });
  });
});
