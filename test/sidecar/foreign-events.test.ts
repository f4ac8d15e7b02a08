import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsIndexBody } from '../../mappings/behaviour-index.js';
import { ubiEventSchema, ubiQuerySchema } from '../../mappings/ubi-event.js';
import { EventExpiry } from '../../sidecar/behaviour/event-expiry.js';
import { DAY_MS, openBehaviour } from './behaviour-rig.js';

let rig: Awaited<ReturnType<typeof openBehaviour>>;
beforeAll(async () => {
  rig = await openBehaviour();
});
afterAll(() => rig.close());

let made = 0;
/** An index that somebody else made and wrote to. */
async function foreign(body: object, documents: object[] = []): Promise<string> {
  const index = `${rig.name}_foreign_${++made}`;
  const answer = await rig.ask('PUT', `/${index}`, body);
  expect(answer.text).toContain('"acknowledged":true');
  for (const document of documents) expect((await rig.ask('POST', `/${index}/_doc?refresh=true`, document)).status).toBe(201);
  return index;
}

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const click = (members: object, objectId: unknown, timestamp: unknown = ago(1_000)): object => ({
  action_name: 'click',
  timestamp,
  event_attributes: { object: { object_id: objectId } },
  ...members,
});

const keyword = { type: 'keyword' };
/** As the UBI plugin makes `ubi_events` and `ubi_queries`: no user_id, times that lack a fraction are dropped. */
const PLUGIN_EVENTS = {
  mappings: {
    properties: {
      action_name: { type: 'keyword', ignore_above: 100 },
      client_id: { type: 'keyword', ignore_above: 100 },
      timestamp: { type: 'date', format: 'strict_date_time', ignore_malformed: true },
      event_attributes: { dynamic: true, properties: { object: { properties: { object_id: { type: 'keyword', ignore_above: 256 } } } } },
    },
  },
};
const PLUGIN_QUERIES = {
  mappings: { dynamic: false, properties: { client_id: keyword, user_query: keyword, query_attributes: { type: 'flat_object' } } },
};

describe('events that others wrote', () => {
  test('with ids by dynamic mapping: text with a keyword twin, and numbers for products', async () => {
    const events = await foreign({}, [click({ user_id: 'U-7 x', session_id: 's' }, 12), click({ user_id: 'U-7', client_id: 'c' }, 34)]);
    const instance = rig.open({ events });
    expect(await rig.recall(instance, { user: 'U-7 x' })).toEqual(['12']);
    expect(await rig.recall(instance, { user: 'U-7' })).toEqual(['34']);
    expect(await rig.recall(instance, { user: 'U' })).toEqual([]);
    expect(await rig.recall(instance, { client: 'c' })).toEqual([]);
  });

  test('with nothing but a client', async () => {
    const events = await foreign(PLUGIN_EVENTS, [click({ client_id: 'c-1' }, 'a', ago(2_000)), click({ client_id: 'c-1' }, 'b')]);
    const instance = rig.open({ events });
    expect(await rig.recall(instance, { client: 'c-1' })).toEqual(['a', 'b']);
    expect(await rig.recall(instance, { user: 'c-1', client: 'c-1' })).toEqual([]);
  });

  test('with times that the index dropped: no fraction, no zone, a number as text', async () => {
    const second = (ms: number): string => ago(ms).replace(/\.\d+Z$/, '');
    const events = await foreign(PLUGIN_EVENTS, [
      click({ client_id: 'c' }, 'expired', `${second(40 * DAY_MS)}Z`),
      click({ client_id: 'c' }, 'no zone', second(60_000)),
      click({ client_id: 'c' }, 'no fraction', `${second(50_000)}Z`),
      click({ client_id: 'c' }, 'indexed', ago(40_000)),
      click({ client_id: 'c' }, 'text', String(Date.now() - 30_000)),
      click({ client_id: 'c' }, 'unreadable', 'yesterday'),
      click({ client_id: 'c' }, 'not yet', `${second(-40 * DAY_MS)}Z`),
    ]);
    expect(await rig.recall(rig.open({ events }), { client: 'c' })).toEqual(['no zone', 'no fraction', 'indexed', 'text']);
  });

  test('with user ids and times that are numbers', async () => {
    const events = await foreign({ mappings: { properties: { timestamp: { type: 'long' } } } }, [
      click({ user_id: 7 }, 1, Date.now() - 2_000),
      click({ user_id: 7 }, 2, Date.now() - 40 * DAY_MS),
      click({ user_id: 70 }, 3, Date.now() - 1_000),
      click({ user_id: 7 }, 4, Date.now() + 40 * DAY_MS),
    ]);
    const instance = rig.open({ events });
    expect(await rig.recall(instance, { user: '7' })).toEqual(['1']);
    expect(await rig.recall(instance, { user: 'seven' })).toEqual([]);
    expect(await instance.store.erase('7')).toMatchObject({ events: 3 });
    expect(await rig.recall(instance, { user: '70' })).toEqual(['3']);
  });

  test('under dotted names, and in an alias over indices that differ', async () => {
    const dotted = await foreign({}, [
      { action_name: 'click', timestamp: ago(3_000), user_id: 'u', 'event_attributes.object.object_id': 'dotted' },
    ]);
    const own = await foreign(eventsIndexBody(), [click({ user_id: 'u' }, 'own')]);
    const alias = `${rig.name}_foreign_alias`;
    await rig.ask('POST', '/_aliases', {
      actions: [{ add: { index: dotted, alias } }, { add: { index: own, alias, is_write_index: true } }],
    });
    const instance = rig.open({ events: alias });
    expect(await rig.recall(instance, { user: 'u' })).toEqual(['dotted', 'own']);
    await instance.store.record([ubiEventSchema.parse(click({ user_id: 'u' }, 'written'))]);
    expect(await instance.store.erase('u')).toMatchObject({ events: 3 });
    expect(await rig.recall(instance, { user: 'u' })).toEqual([]);
  });

  test('are erased also where an id is only words, or stands among the attributes', async () => {
    const text = { type: 'text' };
    const events = await foreign({ mappings: { properties: { user_id: text, session_id: { type: 'float' } } } }, [
      click({ user_id: 'anna maria' }, 'a'),
      click({ user_id: 'anna maria berg' }, 'b'),
      click({ event_attributes: { user_id: 'anna maria', object: { object_id: 'c' } } }, 'c'),
    ]);
    const instance = rig.open({ events });
    expect((await instance.store.exportUser('anna maria')).events).toHaveLength(2);
    expect(await instance.store.erase('anna maria')).toMatchObject({ events: 2 });
    expect(await rig.read(events)).toContain('anna maria berg');
    expect((await instance.store.exportUser('anna maria')).events).toEqual([]);
  });
});

test('queries written to the plugin’s index are found again by all ids of their user', async () => {
  const queries = await foreign(PLUGIN_QUERIES);
  const instance = rig.open({ queries });
  const record = (members: object) => ubiQuerySchema.parse({ user_query: 'red boots', ...members });
  await instance.store.recordQueries([
    record({ user_id: 'u', session_id: 's', query_attributes: { page: '1' } }),
    record({ user_id: 'v', client_id: 'c' }),
  ]);
  expect((await instance.store.exportUser('u')).queries).toMatchObject([
    { query_attributes: { page: '1', user_id: 'u', session_id: 's' } },
  ]);
  for (const id of ['s', 'c']) expect(await instance.store.erase(id)).toMatchObject({ queries: 1 });
  expect(await rig.read(queries)).not.toContain('red boots');
});

test.each([
  ['of ours', eventsIndexBody()],
  ['that refreshes itself each 30 s', { ...PLUGIN_EVENTS, settings: { index: { refresh_interval: '30s' } } }],
  ['that never refreshes itself', { ...PLUGIN_EVENTS, settings: { index: { refresh_interval: '-1' } } }],
  ['by default, whose shards sleep', { ...PLUGIN_EVENTS, settings: { index: { 'search.idle.after': '1s' } } }],
])('what one instance stores, another reads after two seconds: an index %s', async (_name, body) => {
  const events = await foreign(body);
  const [a, b] = [rig.open({ events }), rig.open({ events })];
  for (let round = 1; round <= 2; round++) {
    await a.store.record([ubiEventSchema.parse(click({ client_id: 'c' }, `${round}`))]);
    await a.store.record([ubiEventSchema.parse(click({ client_id: 'c' }, `${round}, the last`))]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect((await rig.recall(b, { client: 'c' })).at(-1)).toBe(`${round}, the last`);
  }
});

test('what has expired is deleted once a day, by one of all instances, from indices of ours', async () => {
  const instances = Array.from({ length: 4 }, () => rig.open());
  const { store, erasures } = rig.open();
  await erasures.prepare();
  const ages = { old: 31, older: 400, new: 29 };
  await store.record(Object.entries(ages).map(([id, days]) => ubiEventSchema.parse(click({ user_id: 'aged' }, id, ago(days * DAY_MS)))));
  await store.recordQueries([ubiQuerySchema.parse({ user_query: 'long ago', timestamp: ago(31 * DAY_MS) })]);
  await rig.read(`${rig.behaviour.events},${rig.behaviour.queries}`);
  const expiry = () =>
    instances.map(
      (each) =>
        new EventExpiry({
          store: each.store,
          turns: each.erasures,
          behaviour: rig.behaviour,
          report: { done: () => undefined, trouble: () => undefined },
        }),
    );
  const runs = await Promise.all(expiry().map((each) => each.run()));
  expect(runs.filter((run) => run !== null)).toEqual([{ events: 2, queries: 1 }]);
  expect(await rig.recall(rig.open(), { user: 'aged' })).toEqual(['new']);
  expect(await Promise.all(expiry().map((each) => each.run()))).toEqual([null, null, null, null]);
});

test('expired events of others are deleted where the configuration says so, and only there', async () => {
  const events = await foreign(PLUGIN_EVENTS, [click({ client_id: 'c' }, 'old', ago(31 * DAY_MS)), click({ client_id: 'c' }, 'new')]);
  const { store } = rig.open({ events });
  const options = { before: Date.now() - 30 * DAY_MS, signal: new AbortController().signal };
  expect(await store.events.expire({ ...options, ownOnly: true })).toBe(0);
  expect(await store.events.expire({ ...options, ownOnly: false })).toBe(1);
  expect(await rig.read(events)).toContain('"new"');
});
