import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { isAddressRange, liesInRanges } from '../../config/address-range.js';
import type { HttpDependencies } from '../../sidecar/http/server.js';
import { nameCaller, openTokenGate } from '../../sidecar/http/token-gate.js';
import { call, errorOf, openEngine, openRig } from './http-rig.js';

const EVENTS = 'events-token-0123456789';
const PRIVACY = 'privacy-token-0123456789';
const SEARCH = 'search-token-0123456789';
const ADMIN = 'admin-token-0123456789';
const tokens = [
  { name: 'shop-front', token: EVENTS, scopes: ['events' as const] },
  { name: 'privacy-desk', token: PRIVACY, scopes: ['privacy' as const] },
  { name: 'stack', token: SEARCH, scopes: ['search' as const] },
  { name: 'prometheus', token: ADMIN, scopes: ['admin' as const] },
];
const EVENT = JSON.stringify({ action_name: 'click', timestamp: '2026-01-31T12:00:00Z', user_id: 'u7' });

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function openDoor(server: NonNullable<Parameters<typeof openRig>[0]['flags']>['server']) {
  const engine = await openEngine();
  const rig = await openRig({ engineUrl: engine.url, flags: { server: server ?? {} } });
  open.push(engine, rig);
  return { engine, rig };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('tokens', () => {
  test('a scope opens its routes and no others', async () => {
    const { rig } = await openDoor({ tokens });
    const post = { method: 'POST', body: EVENT };
    const routes = {
      [EVENTS]: (headers: Record<string, string>) => call(rig.url, '/ubi/events', { ...post, headers }),
      [PRIVACY]: (headers: Record<string, string>) => call(rig.adminUrl, '/v1/users/u7', { headers }),
      [ADMIN]: (headers: Record<string, string>) => call(rig.adminUrl, '/metrics', { headers }),
    };
    for (const [owner, send] of Object.entries(routes)) {
      for (const { token } of tokens) {
        const answer = await send(bearer(token));
        expect([owner, token, answer.status]).toEqual([owner, token, token === owner ? 200 : 403]);
        if (token !== owner)
          expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="fuserank", error="insufficient_scope", scope="/);
      }
      expect((await send({ 'x-fuserank-token': owner })).status).toBe(200);
    }
    expect(rig.events).toHaveLength(2);
  });

  test('none, or an unknown one: 401 that names the scope, and nothing is done', async () => {
    const { rig } = await openDoor({ tokens });
    const shown: [Record<string, string>, boolean][] = [
      [{}, false],
      [{ authorization: 'Basic YTpi' }, false],
      [{ 'x-fuserank-token': '' }, false],
      [bearer('not-a-token-of-ours-0'), true],
      [{ 'x-fuserank-token': 'not-a-token-of-ours-0' }, true],
    ];
    for (const [headers, wrong] of shown) {
      const answer = await call(rig.url, '/ubi/events', { method: 'POST', body: EVENT, headers });
      expect(errorOf(answer)).toMatchObject({ status: 401, type: 'security_exception' });
      expect(errorOf(answer).reason).toContain(wrong ? 'the one shown is none of server.tokens' : 'send it as X-Fuserank-Token');
      const error = wrong ? 'error="invalid_token", ' : '';
      expect(answer.headers['www-authenticate']).toBe(`Bearer realm="fuserank", ${error}scope="events"`);
    }
    expect((await call(rig.adminUrl, '/v1/users/u7', { method: 'DELETE' })).status).toBe(401);
    expect(rig.events).toEqual([]);
    expect(rig.erased).toEqual([]);
  });

  test('a preflight needs none, and allows the headers that carry one', async () => {
    const { rig } = await openDoor({ tokens, cors: ['https://shop.example'] });
    const answer = await call(rig.url, '/ubi/events', { method: 'OPTIONS', headers: { origin: 'https://shop.example' } });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toMatch(/authorization.*x-fuserank-token/);
  });

  test('searches need none, and what is not ours travels on', async () => {
    const { engine, rig } = await openDoor({ tokens });
    expect((await call(rig.url, '/products/_search', { headers: bearer('the-engines-own-token') })).status).toBe(200);
    expect(engine.arrivals[0]?.headers.authorization).toBe('Bearer the-engines-own-token');
  });

  test('ours never travels on, in whichever header', async () => {
    const { engine, rig } = await openDoor({ tokens, requireToken: true });
    for (const path of ['/products/_search', '/products/_count']) {
      await call(rig.url, path, { headers: bearer(SEARCH) });
      await call(rig.url, path, { headers: { 'x-fuserank-token': SEARCH, authorization: 'Basic YTpi' } });
    }
    expect(engine.arrivals).toHaveLength(4);
    expect(JSON.stringify(engine.arrivals)).not.toContain(SEARCH);
    expect(engine.arrivals.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Basic YTpi', undefined, 'Basic YTpi']);
  });

  test('where searches need one, all that is forwarded does; health does not', async () => {
    const { engine, rig } = await openDoor({ tokens, requireToken: true });
    for (const path of ['/products/_search', '/products/_count', '/_msearch', '/']) expect((await call(rig.url, path)).status).toBe(401);
    expect((await call(rig.url, '/products/_search', { headers: bearer(EVENTS) })).status).toBe(403);
    expect((await call(rig.url, '/readyz')).status).toBe(200);
    expect(engine.arrivals).toEqual([]);
  });

  test('who searches is told by the name of the token, whichever address it comes from', async () => {
    const told: (string | null | undefined)[] = [];
    const engine = await openEngine();
    const answerSearch: HttpDependencies['answerSearch'] = (search) => {
      told.push(search.token);
      return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
    };
    const rig = await openRig({ engineUrl: engine.url, flags: { server: { tokens } }, dependencies: { answerSearch } });
    open.push(engine, rig);
    for (const headers of [{}, bearer(SEARCH), { 'x-fuserank-token': EVENTS }]) await call(rig.url, '/products/_search', { headers });
    expect(told).toEqual([null, 'stack', 'shop-front']);
  });

  test('have a share of the room that nobody takes by sending their name', () => {
    const gate = openTokenGate({ tokens, openTo: [] });
    const callerOf = (headers: Record<string, string>): string => {
      const request = Object.assign(new IncomingMessage(new Socket()), { headers });
      gate.identify(request);
      return nameCaller(request, gate);
    };
    const callers = [bearer(SEARCH), { authorization: 'stack' }, { authorization: '' }, {}].map(callerOf);
    expect(new Set(callers).size).toBe(4);
    expect(callerOf({ 'x-fuserank-token': SEARCH })).toBe(callers[0]);
  });

  test('the audit of an erasure names the token, never its secret', async () => {
    const { rig } = await openDoor({ tokens });
    await call(rig.adminUrl, '/v1/users/u7', { method: 'DELETE', headers: bearer(PRIVACY) });
    const line = rig.logged.find((one) => one.includes('user erased'));
    expect(line).toContain('"by":"privacy-desk"');
    expect(rig.logged.join()).not.toContain(PRIVACY);
  });
});

describe('without tokens', () => {
  test('our own routes answer to server.openTo alone, searches to everybody', async () => {
    const closed = await openDoor({ openTo: ['10.0.0.0/8'] });
    const refused = await call(closed.rig.url, '/ubi/events', {
      method: 'POST',
      body: EVENT,
      headers: { 'x-forwarded-for': '10.1.2.3', forwarded: 'for=10.1.2.3' },
    });
    expect(errorOf(refused)).toMatchObject({ status: 403, type: 'security_exception' });
    expect((await call(closed.rig.adminUrl, '/v1/users/u7')).status).toBe(403);
    expect((await call(closed.rig.url, '/products/_search')).status).toBe(200);
    const local = await openDoor({});
    expect((await call(local.rig.url, '/ubi/events', { method: 'POST', body: EVENT })).status).toBe(200);
  });
});

test('address ranges: by name or as CIDR, IPv4 inside IPv6 too', () => {
  for (const range of ['loopback', 'private', 'uniqueLocal', '10.0.0.0/8', 'fd00::/8']) expect(isAddressRange(range)).toBe(true);
  for (const range of ['', 'public', '10.0.0.0', '10.0.0.0/33', 'localhost']) expect(isAddressRange(range)).toBe(false);
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) expect(liesInRanges(address, ['loopback'])).toBe(true);
  for (const address of ['10.0.0.1', '8.8.8.8', 'fd00::1', '', 'localhost']) expect(liesInRanges(address, ['loopback'])).toBe(false);
  expect(liesInRanges('172.18.0.1', ['loopback', 'private'])).toBe(true);
  expect(liesInRanges('::ffff:10.1.2.3', ['10.0.0.0/8'])).toBe(true);
  expect(liesInRanges('fd12::1', ['10.0.0.0/8', 'fd00::/8'])).toBe(true);
});
