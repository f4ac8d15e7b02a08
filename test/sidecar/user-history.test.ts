import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { openUpstream, type Upstream } from '../../opensearch/upstream.js';
import { EventsNotStored, EventStore } from '../../sidecar/behaviour/event-store.js';
import { chooseUserKey, identifyRecord, ubiEventSchema, ubiQuerySchema, type UbiEvent } from '../../mappings/ubi-event.js';
import { keepEvent } from '../../sidecar/behaviour/stored-event.js';
import { recallHistory, type HistoryEvent } from '../../sidecar/user-history.js';

const url = process.env.OPENSEARCH_URL;
const now = Date.parse('2026-03-01T12:00:00Z');

function event(members: Record<string, unknown>, objectId?: string | number): UbiEvent {
  return ubiEventSchema.parse({
    action_name: 'click',
    timestamp: new Date(now - 60_000).toISOString(),
    ...(objectId === undefined ? {} : { event_attributes: { object: { object_id: objectId } } }),
    ...members,
  });
}

describe('a UBI event', () => {
  test('needs an action and a time', () => {
    expect(ubiEventSchema.safeParse({ action_name: 'click' }).success).toBe(false);
    expect(ubiEventSchema.safeParse({ timestamp: '2026-01-01T00:00:00Z' }).success).toBe(false);
  });

  test.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T02:00:00.5+02:00', '2026-01-01T00:00:00.500Z'],
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    [1767225600000, '2026-01-01T00:00:00.000Z'],
  ])('time %s is kept as %s', (given, kept) => {
    expect(event({ timestamp: given }).timestamp).toBe(kept);
  });

  test.each(['yesterday', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00', -1, 1e20, null])('time %s is refused', (given) => {
    expect(ubiEventSchema.safeParse({ action_name: 'click', timestamp: given }).success).toBe(false);
  });

  test('integer ids become text, unknown members stay, oversize ones are refused', () => {
    const parsed = event({
      user_id: 7,
      shop: { floor: 2 },
      event_attributes: { object: { object_id: 12, colour: 'red' }, position: { ordinal: 3 }, x: 1 },
    });
    expect(parsed).toMatchObject({
      user_id: '7',
      shop: { floor: 2 },
      event_attributes: { object: { object_id: 12, colour: 'red' }, x: 1 },
    });
    const refuse = (members: object) => ubiEventSchema.safeParse({ action_name: 'click', timestamp: now, ...members }).success;
    expect(refuse({ event_attributes: { object: { object_id: 'x'.repeat(257) } } })).toBe(false);
    expect(refuse({ event_attributes: { object: { object_id: 2 ** 53 } } })).toBe(false);
    expect(refuse({ event_attributes: { object: {} } })).toBe(false);
    expect(refuse({ user_id: 'x'.repeat(101) })).toBe(false);
    expect(refuse({ event_attributes: { position: { xy: { x: 1 } } } })).toBe(false);
    expect(refuse({ message: 'x'.repeat(1025) })).toBe(false);
  });

  test('nobody signed in may be told by an empty id or by null, and what is absent by null', () => {
    const { user_id, session_id, query_id } = event({ user_id: '', session_id: null, client_id: 'c', query_id: null });
    expect([user_id, session_id, query_id]).toEqual([undefined, undefined, undefined]);
    expect(keepEvent('id', event({ user_id: '', client_id: 'c' }))?.key).toEqual({ kind: 'client', id: 'c' });
  });

  test('whatever time zod lets in can be told by a clock', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(event({ timestamp: date.toISOString() }).timestamp).toBe(date.toISOString());
      }),
    );
  });

  test('has the same id in whatever order its members come, and another when one differs', () => {
    const a = { action_name: 'click', timestamp: now, user_id: 'u', event_attributes: { object: { object_id: 'x', b: 1 } } };
    const b = { event_attributes: { object: { b: 1, object_id: 'x' } }, user_id: 'u', timestamp: now, action_name: 'click' };
    expect(identifyRecord(ubiEventSchema.parse(a))).toBe(identifyRecord(ubiEventSchema.parse(b)));
    expect(identifyRecord(ubiEventSchema.parse({ ...a, user_id: 'v' }))).not.toBe(identifyRecord(ubiEventSchema.parse(a)));
  });

  test('belongs to its user, else its client, else its session', () => {
    expect(chooseUserKey({ user: 'u', client: 'c', session: 's' })).toEqual({ kind: 'user', id: 'u' });
    expect(chooseUserKey({ user: null, client: 'c', session: 's' })).toEqual({ kind: 'client', id: 'c' });
    expect(chooseUserKey({ session: 's' })).toEqual({ kind: 'session', id: 's' });
    expect(chooseUserKey({ user: '', client: null })).toBeNull();
  });
});

describe.skipIf(url === undefined)('history on a real OpenSearch (set OPENSEARCH_URL to run)', () => {
  const name = `history_test_${randomUUID().slice(0, 8)}`;
  const behaviour = { events: `${name}_events`, queries: `${name}_queries`, historyLength: 5, ttlDays: 30 };
  let upstream: Upstream;
  let store: EventStore;

  beforeAll(async () => {
    upstream = openUpstream(loadConfig({ env: {}, flags: { opensearch: { nodes: [url ?? ''] } } }).opensearch);
    store = new EventStore({ upstream, behaviour });
    await store.prepare();
  });
  afterAll(async () => {
    for (const index of [behaviour.events, behaviour.queries, `${name}_foreign`])
      await upstream.send({ method: 'DELETE', path: `/${index}` });
    await store.close();
    await upstream.close();
  });

  const recall = (
    keys: Parameters<typeof recallHistory>[0],
    options: { from?: EventStore; consent?: 'full' | 'none'; signal?: AbortSignal; length?: number } = {},
  ) =>
    recallHistory(keys, {
      store: options.from ?? store,
      behaviour: { ...behaviour, historyLength: options.length ?? behaviour.historyLength },
      consent: options.consent ?? 'full',
      now,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  const objects = (history: HistoryEvent[]) => history.map(({ objectId }) => objectId);
  /** What another process, or this one after a restart, knows. */
  const restarted = () => new EventStore({ upstream, behaviour });
  async function until(check: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await check()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('did not come true in 10 s');
  }

  test('an event is known while it is still being written, and to a restarted store once the index shows it', async () => {
    const writing = store.record([event({ user_id: 'first', session_id: 's1' }, 'boot')]);
    expect(await recall({ user: 'first' })).toEqual([{ objectId: 'boot', action: 'click', timestampMs: now - 60_000, sessionId: 's1' }]);
    await writing;
    expect(objects(await recall({ user: 'first' }))).toEqual(['boot']);
    await until(async () => (await recall({ user: 'first' }, { from: restarted() })).length === 1);
    // In index and memory now: still one.
    expect(objects(await recall({ user: 'first' }))).toEqual(['boot']);
  });

  test('oldest first, the last few that name an object, none expired, no impressions, none from the future', async () => {
    const at = (offset: number) => ({ user_id: 'order', timestamp: new Date(now + offset).toISOString() });
    await store.record([
      event(at(-10_000), 'd'),
      event(at(-40_000), 'a'),
      event(at(-30_000), 'b'),
      event(at(-20_000), 'c'),
      event(at(-50_000), 'too early for five'),
      event({ ...at(-1_000), action_name: 'impression' }, 'shown'),
      event({ ...at(-1_000), action_name: 'login' }),
      event(at(-31 * 86_400_000), 'expired'),
      event(at(540_000), 9),
      ...[1, 2, 3, 4, 5].map((hours) => event(at(hours * 3_600_000), 'not yet')),
    ]);
    for (const from of [store, restarted()]) {
      await until(async () => (await recall({ user: 'order' }, { from })).length === 5);
      const history = await recall({ user: 'order' }, { from });
      expect(objects(history)).toEqual(['a', 'b', 'c', 'd', '9']);
      expect(history.at(-1)?.timestampMs).toBe(now);
    }
  });

  test('memory and index are joined', async () => {
    await store.record([event({ user_id: 'joined', timestamp: now - 5_000 }, 'old')]);
    const other = restarted();
    await until(async () => (await recall({ user: 'joined' }, { from: other })).length === 1);
    await other.record([event({ user_id: 'joined', timestamp: now - 1_000 }, 'new')]);
    expect(objects(await recall({ user: 'joined' }, { from: other }))).toEqual(['old', 'new']);
  });

  test('the same event sent again counts once', async () => {
    const click = event({ user_id: 'twice' }, 'boot');
    await store.record([click, click]);
    await restarted().record([click]);
    await until(async () => (await recall({ user: 'twice' }, { from: restarted() })).length === 1);
    await upstream.send({ method: 'POST', path: `/${behaviour.events}/_refresh` });
    expect(objects(await recall({ user: 'twice' }, { from: restarted() }))).toEqual(['boot']);
  });

  test('a signed-in history is not read by the device, a device history not by the session', async () => {
    await store.record([
      event({ user_id: 'u1', client_id: 'c1', session_id: 'x1' }, 'of user'),
      event({ client_id: 'c1', session_id: 'x1' }, 'of client'),
      event({ session_id: 'x1' }, 'of session'),
    ]);
    for (const from of [store, restarted()]) {
      await until(async () => (await recall({ session: 'x1' }, { from })).length === 1);
      expect(objects(await recall({ user: 'u1', client: 'c1', session: 'x1' }, { from }))).toEqual(['of user']);
      expect(objects(await recall({ client: 'c1', session: 'x1' }, { from }))).toEqual(['of client']);
      expect(objects(await recall({ session: 'x1' }, { from }))).toEqual(['of session']);
    }
  });

  test('nobody, somebody unknown and consent withheld are one: empty', async () => {
    await store.record([event({ user_id: 'shy' }, 'boot')]);
    expect(await recall({})).toEqual([]);
    expect(await recall({ user: 'never seen' })).toEqual([]);
    expect(await recall({ user: 'shy' }, { consent: 'none' })).toEqual([]);
  });

  test.each(['__proto__', 'constructor', 'user:x', 'ключ "quoted" \\ \n', '*', '💃'])('the id %j is an id like any other', async (id) => {
    await store.record([event({ user_id: id }, id)]);
    for (const from of [store, restarted()]) {
      await until(async () => (await recall({ user: id }, { from })).length === 1);
      expect(objects(await recall({ user: id }, { from }))).toEqual([id]);
    }
  });

  test('erased: at once, from index and memory, under every id, and nothing comes back', async () => {
    await store.record([event({ user_id: 'leaver', client_id: 'phone' }, 'a'), event({ user_id: 'stayer', client_id: 'desk' }, 'b')]);
    await store.recordQueries([ubiQuerySchema.parse({ user_query: 'red boots', user_id: 'leaver' })]);
    const inFlight = store.record([event({ user_id: 'leaver' }, 'in flight'), event({ user_id: 'leaver' }, 'queued')]);
    const reading = recall({ user: 'leaver' }, { from: store });
    const erasing = store.erase('leaver');
    expect(await recall({ user: 'leaver' })).toEqual([]);
    expect(await reading).toEqual([]);
    const after = store.record([event({ user_id: 'leaver' }, 'came back')]);
    expect(objects(await recall({ user: 'leaver' }))).toEqual(['came back']);
    const erased = await erasing;
    expect(erased.events).toBeGreaterThanOrEqual(1);
    expect(erased.queries).toBe(1);
    expect(await recall({ user: 'leaver' }, { from: restarted() })).toEqual([]);
    await Promise.all([inFlight, after]);
    await upstream.send({ method: 'POST', path: `/${behaviour.events}/_refresh` });
    expect(objects(await recall({ user: 'leaver' }, { from: restarted() }))).toEqual(['came back']);
    expect(objects(await recall({ user: 'stayer' }))).toEqual(['b']);
    expect(await store.erase('desk')).toMatchObject({ events: 1 });
    expect(await recall({ user: 'stayer' })).toEqual([]);
  });

  test('everything known of a user can be handed out', async () => {
    await store.record([event({ user_id: 'curious', shop: 'main' }, 'a'), event({ user_id: 'curious', action_name: 'login' })]);
    await store.recordQueries([ubiQuerySchema.parse({ user_query: 'lamp', user_id: 'curious' })]);
    const record = await store.exportUser('curious');
    expect(record.events).toHaveLength(2);
    expect(record.events).toContainEqual(expect.objectContaining({ shop: 'main', action_name: 'click' }));
    expect(record.queries).toEqual([expect.objectContaining({ user_query: 'lamp' })]);
    expect(record.truncated).toBe(false);
  });

  test('an index made by others is read by keyword twins, and a part of an id matches nobody', async () => {
    const index = `${name}_foreign`;
    // What dynamic mapping makes of the ids; object_id in the plugin's mapping.
    await upstream.send({
      method: 'PUT',
      path: `/${index}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mappings: { properties: { timestamp: { type: 'date' } } } }),
    });
    const foreign = () => new EventStore({ upstream, behaviour: { events: index, queries: behaviour.queries } });
    expect(await recall({ user: 'u-7' }, { from: foreign() })).toEqual([]);
    const writer = foreign();
    await writer.record([event({ user_id: 'u-7' }, 'boot'), event({ user_id: 'U-8' }, 'hat')]);
    await until(async () => (await recall({ user: 'U-8' }, { from: foreign() })).length === 1);
    await until(async () => (await recall({ user: 'u-7' }, { from: foreign() })).length === 1);
    expect(await recall({ user: 'u' }, { from: foreign() })).toEqual([]);
    expect(await writer.erase('u-7')).toMatchObject({ events: 1 });
    expect(await recall({ user: 'u-7' }, { from: foreign() })).toEqual([]);
    expect(objects(await recall({ user: 'U-8' }, { from: foreign() }))).toEqual(['hat']);
  });

  test('an aborted recall rejects with the reason', async () => {
    const reason = new Error('the shopper left');
    await expect(recall({ user: 'first' }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('an engine that cannot store', () => {
  test('says so, and nothing of the refused events is remembered', async () => {
    const answers = (status: number, body: object) => Promise.resolve({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) });
    let bulks = 0;
    const upstream: Pick<Upstream, 'send'> = {
      send: ({ method, path }) => {
        if (path.endsWith('/_bulk')) {
          bulks++;
          return answers(200, {
            errors: true,
            items: [{ create: { status: 201 } }, { create: { status: 400, error: { type: 'mapper_parsing_exception' } } }],
          });
        }
        if (path.includes('_mapping'))
          return answers(200, {
            e: {
              mappings: { properties: { user_id: { type: 'keyword' }, client_id: { type: 'keyword' }, session_id: { type: 'keyword' } } },
            },
          });
        return answers(200, method === 'HEAD' ? {} : { hits: { hits: [] } });
      },
    };
    const store = new EventStore({
      upstream: { ...upstream, stream: () => Promise.reject(new Error('unused')), close: () => Promise.resolve() },
      behaviour: { events: 'e', queries: 'q' },
    });
    // The first is in flight alone while the other two queue up behind it and travel together.
    const first = store.record([event({ user_id: 'u' }, 'first')]);
    const rest = store.record([event({ user_id: 'u' }, 'second'), event({ user_id: 'u' }, 'third')]);
    await expect(rest).rejects.toThrow(EventsNotStored);
    await expect(rest).rejects.toThrow(/mapper_parsing_exception/);
    await first;
    expect(bulks).toBe(2);
    const history = await recallHistory({ user: 'u' }, { store, behaviour: { historyLength: 5, ttlDays: 30 }, consent: 'full', now });
    expect(history.map(({ objectId }) => objectId).sort()).toEqual(['first', 'second']);
  });
});
