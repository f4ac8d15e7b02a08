import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseRecords } from '../../sidecar/http/behaviour-routes.js';
import { HttpError } from '../../sidecar/http/errors.js';
import { EventsNotStored, TooManyWaiting } from '../../sidecar/behaviour/event-store.js';
import { ubiEventSchema } from '../../mappings/ubi-event.js';
import { call, errorOf, openEngine, openRig } from './http-rig.js';

const click = {
  action_name: 'click',
  timestamp: '2026-01-01T00:00:00Z',
  user_id: 'u',
  event_attributes: { object: { object_id: 'boot' } },
};
const bad = { action_name: 'click', timestamp: 'yesterday' };

describe('a body of records', () => {
  const faultOf = (text: string): string => {
    try {
      parseRecords(text, ubiEventSchema);
    } catch (error) {
      if (error instanceof HttpError) return error.message;
    }
    return 'accepted';
  };

  test.each([
    ['one', JSON.stringify(click), 1],
    ['one over several lines', JSON.stringify(click, null, 2), 1],
    ['an array', JSON.stringify([click, click]), 2],
    ['lines', `${JSON.stringify(click)}\n${JSON.stringify(click)}\n`, 2],
    ['lines with gaps and carriage returns', `\r\n${JSON.stringify(click)}\r\n\r\n${JSON.stringify(click)}`, 2],
  ])('%s', (_name, text, count) => {
    expect(parseRecords(text, ubiEventSchema)).toHaveLength(count);
  });

  test('what is wrong is told by its line or place, the field and the fix', () => {
    expect(faultOf(`${JSON.stringify(click)}\n${JSON.stringify(bad)}\n{"a":\n`)).toMatch(
      /nothing was stored: line 2: timestamp: must be an RFC 3339 date-time.*; line 3: not JSON/,
    );
    expect(faultOf(JSON.stringify([click, bad]))).toMatch(/record 2: timestamp/);
    expect(faultOf('{\n"action_name": "click",,\n"a": 1\n}')).toMatch(/body: not JSON/);
    expect(faultOf('')).toMatch(/the body is empty/);
    expect(faultOf('[]')).toMatch(/there is nothing in the list/);
    expect(faultOf('{"timestamp":"2026-01-31T12:00:00"}')).toMatch(
      /action_name: required, timestamp: has no zone; end it with Z, or with an offset such as \+02:00/,
    );
    expect(faultOf('{"action_name":"click"}')).toMatch(/timestamp: required; must be an RFC 3339 date-time/);
    expect(faultOf('[1]')).toMatch(/record 1/);
    expect(faultOf('null')).toMatch(/record 1/);
    expect(faultOf(JSON.stringify(Array.from({ length: 30 }, () => bad)))).toMatch(/and 20 more/);
    expect(faultOf(JSON.stringify(Array.from({ length: 1001 }, () => click)))).toMatch(/over 1000 records/);
  });

  test('__proto__ and its like pollute nothing', () => {
    const text = `{"action_name":"click","timestamp":1,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"event_attributes":{"object":{"object_id":"__proto__","__proto__":{"polluted":1}}}}`;
    const [record] = parseRecords(text, ubiEventSchema);
    expect(record?.event_attributes?.object?.object_id).toBe('__proto__');
    expect('polluted' in {}).toBe(false);
    expect(record !== undefined && 'polluted' in record).toBe(false);
  });
});

describe('POST /ubi/events and /ubi/queries', () => {
  let engine: Awaited<ReturnType<typeof openEngine>>;
  let rig: Awaited<ReturnType<typeof openRig>>;
  beforeAll(async () => {
    engine = await openEngine();
    rig = await openRig({ engineUrl: engine.url, flags: { server: { cors: ['https://shop.example'] } } });
  });
  afterAll(async () => {
    await rig.close();
    engine.close();
  });

  const post = (body: string | Buffer, headers: Record<string, string> = {}, path = '/ubi/events') =>
    call(rig.url, path, { method: 'POST', body, headers });

  test.each(['application/json', 'application/x-ndjson', 'text/plain;charset=UTF-8'])('as %s', async (type) => {
    const before = rig.events.length;
    const answer = await post(`${JSON.stringify(click)}\n${JSON.stringify(click)}\n`, { 'content-type': type });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ accepted: 2 });
    expect(rig.events.length).toBe(before + 2);
    expect(rig.events.at(-1)).toMatchObject({ user_id: 'u', timestamp: '2026-01-01T00:00:00.000Z' });
  });

  test('gzipped, and bombs do not go off', async () => {
    expect((await post(gzipSync(JSON.stringify(click)), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await post(gzipSync(Buffer.alloc(50_000_000, 32)), { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await post('x', { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await post('x', { 'content-encoding': 'zstd' })).status).toBe(400);
  });

  test('queries too', async () => {
    expect((await post('{"user_query":"red boots","query_id":"q","user_id":7}', {}, '/ubi/queries')).text).toBe('{"accepted":1}');
    expect(rig.queries).toEqual([{ user_query: 'red boots', query_id: 'q', user_id: '7' }]);
    expect(errorOf(await post('{}', {}, '/ubi/queries')).reason).toMatch(/user_query/);
  });

  test('one bad line: the whole call is refused before anything is stored', async () => {
    const before = rig.events.length;
    const answer = await post(`${JSON.stringify(click)}\n${JSON.stringify(bad)}\n`);
    expect(errorOf(answer)).toMatchObject({
      status: 400,
      type: 'illegal_argument_exception',
      reason: expect.stringContaining('line 2') as string,
    });
    expect(rig.events.length).toBe(before);
  });

  test('an event that has not happened yet is refused; one by a clock that runs a little ahead is not', async () => {
    const at = (ms: number): string => JSON.stringify({ ...click, timestamp: new Date(Date.now() + ms).toISOString() });
    expect((await post(at(9 * 60_000))).text).toBe('{"accepted":1}');
    const before = rig.events.length;
    for (const body of [at(11 * 60_000), JSON.stringify({ ...click, timestamp: '2131-01-01' })])
      expect(errorOf(await post(body))).toMatchObject({
        status: 400,
        reason: expect.stringContaining('record 1: timestamp: lies more than 10 minutes ahead of the sidecar’s clock') as string,
      });
    expect(rig.events.length).toBe(before);
  });

  test('consent withheld by header or by query string: nothing is stored', async () => {
    const before = rig.events.length;
    expect((await post(JSON.stringify(click), { 'x-fuserank-consent': 'none' })).text).toBe('{"accepted":0,"reason":"consent withheld"}');
    expect((await post(JSON.stringify(click), {}, '/ubi/events?consent=none')).text).toBe('{"accepted":0,"reason":"consent withheld"}');
    expect((await post(JSON.stringify(click), {}, '/ubi/events?consent=maybe')).status).toBe(400);
    expect(rig.events.length).toBe(before);
    expect((await post(JSON.stringify(click), {}, '/ubi/events?consent=full')).text).toBe('{"accepted":1}');
  });

  test('consent must be given where the configuration asks for it', async () => {
    const strict = await openRig({ engineUrl: engine.url, flags: { behaviour: { consentDefault: 'none' } } });
    const send = (headers: Record<string, string>) =>
      call(strict.url, '/ubi/events', { method: 'POST', body: JSON.stringify(click), headers });
    expect((await send({})).text).toContain('"accepted":0');
    expect((await send({ 'x-fuserank-consent': 'full' })).text).toContain('"accepted":1');
    expect(strict.events).toHaveLength(1);
    await strict.close();
  });

  test('too long: 413', async () => {
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await post(' '.repeat(1_100_000), headers);
      expect(errorOf(answer)).toMatchObject({ status: 413, type: 'content_too_long_exception' });
    }
  });

  test('an engine that does not store, or not as fast as they come: 503 or 429, and says that sending again is safe', async () => {
    const failing = await openRig({
      engineUrl: engine.url,
      dependencies: {
        store: {
          record: () => Promise.reject(new EventsNotStored('ubi_events: secret detail')),
          recordQueries: () => Promise.reject(new TooManyWaiting('ubi_queries')),
          exportUser: () => Promise.reject(new Error()),
          erase: () => Promise.reject(new Error()),
        },
      },
    });
    const answer = await call(failing.url, '/ubi/events', { method: 'POST', body: JSON.stringify(click) });
    expect(errorOf(answer)).toMatchObject({ status: 503, reason: expect.stringMatching(/sending the same again is safe/) as string });
    expect(answer.text).not.toContain('secret');
    expect(failing.logged.join()).toContain('secret detail');
    const full = await call(failing.url, '/ubi/queries', { method: 'POST', body: '{"user_query":"boots"}' });
    expect(errorOf(full)).toMatchObject({ status: 429, reason: expect.stringMatching(/^nothing was stored/) as string });
    expect(full.headers['retry-after']).toBe('1');
    expect((await call(failing.adminUrl, '/metrics')).text).toContain('fuserank_events_total{kind="events",outcome="failed"} 1');
    await failing.close();
  });

  test('other methods are told which one it is', async () => {
    const answer = await call(rig.url, '/ubi/events');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });

  test('pages of a configured origin may send, after asking', async () => {
    const asked = await call(rig.url, '/ubi/events', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-allow-methods': 'POST',
      vary: 'Origin',
    });
    const headers = String(asked.headers['access-control-allow-headers']).split(', ');
    expect(headers).toEqual(expect.arrayContaining(['content-type', 'authorization', 'x-fuserank-consent', 'traceparent']));
    // Beacons send JSON with credentials, whether or not there are any.
    expect(asked.headers['access-control-allow-credentials']).toBe('true');
    const sent = await post(JSON.stringify(click), { origin: 'https://shop.example' });
    expect(sent).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://shop.example' } });
  });

  test('where every page may send, none of them may send cookies', async () => {
    const open = await openRig({ engineUrl: engine.url, flags: { server: { cors: ['*'] } } });
    const headers = { origin: 'https://any.example', 'access-control-request-method': 'POST' };
    const asked = await call(open.url, '/ubi/events', { method: 'OPTIONS', headers });
    expect(asked).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': 'https://any.example' } });
    expect(asked.headers['access-control-allow-credentials']).toBeUndefined();
    await open.close();
  });

  test('impressions, positions and variants are kept as they come', async () => {
    const impression = {
      ...click,
      action_name: 'impression',
      query_id: 'q-1',
      event_attributes: { object: { object_id: 7, internal_id: 3 }, position: { ordinal: 0, page: 2 }, variant: 'blue', price: 9.5 },
    };
    expect((await post(JSON.stringify(impression))).status).toBe(200);
    expect(rig.events.at(-1)).toEqual({ ...impression, timestamp: '2026-01-01T00:00:00.000Z' });
  });

  test('pages of other origins may not, our own may', async () => {
    const before = rig.events.length;
    for (const origin of ['https://evil.example', 'null', 'https://shop.example.evil']) {
      const answer = await post(JSON.stringify(click), { origin });
      expect(errorOf(answer)).toMatchObject({ status: 403, type: 'security_exception' });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(rig.events.length).toBe(before);
    expect((await post(JSON.stringify(click), { origin: rig.url })).status).toBe(200);
  });
});
