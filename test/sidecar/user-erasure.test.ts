import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapSnapshot } from 'node:v8';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ubiEventSchema, ubiQuerySchema, type UbiEvent } from '../../mappings/ubi-event.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { RankedLists } from '../../sidecar/answer/ranked-lists.js';
import { ErasureIndex } from '../../sidecar/behaviour/erasure-index.js';
import { RecentErasures } from '../../sidecar/behaviour/recent-erasures.js';
import { eraseLoggedUsers } from '../../sidecar/logged-users.js';
import { openBehaviour } from './behaviour-rig.js';

let rig: Awaited<ReturnType<typeof openBehaviour>>;
beforeAll(async () => {
  rig = await openBehaviour();
});
afterAll(() => rig.close());

const event = (members: Record<string, unknown>, objectId: string): UbiEvent =>
  ubiEventSchema.parse({
    action_name: 'click',
    timestamp: Date.now() - 1_000,
    event_attributes: { object: { object_id: objectId } },
    ...members,
  });
const query = (members: Record<string, unknown>) => ubiQuerySchema.parse({ user_query: 'red boots', ...members });

/** Whether a string of this process matches, as its heap's snapshot has them. */
async function holdsInMemory(pattern: RegExp): Promise<boolean> {
  let end = '';
  for await (const chunk of getHeapSnapshot()) {
    const text = end + String(chunk);
    if (pattern.test(text)) return true;
    end = text.slice(-100);
  }
  return false;
}

describe('an erasure by one instance', () => {
  test('reaches what another has in memory, in its queue and on its way to the index', async () => {
    const [a, b] = [rig.open(), rig.open()];
    await b.store.record([event({ user_id: 'leaver' }, 'stored'), event({ user_id: 'stayer' }, 'kept')]);
    await b.store.recordQueries([query({ user_id: 'leaver' })]);
    const underWay = [
      b.store.record([event({ user_id: 'leaver' }, 'in flight')]),
      b.store.record([event({ user_id: 'leaver', client_id: 'phone' }, 'queued'), event({ user_id: 'stayer' }, 'kept, too')]),
      b.store.recordQueries([query({ user_id: 'leaver', user_query: 'in flight' })]),
    ];
    const erased = await a.erasure.erase('leaver');
    expect(erased).toMatchObject({ untold: null, user: expect.stringMatching(/^[\w-]{43}$/) as string });
    await b.erasure.look();
    await Promise.all(underWay);
    for (const instance of [a, b]) expect(await rig.recall(instance, { user: 'leaver' })).toEqual([]);
    expect(await rig.recall(b, { user: 'stayer' })).toEqual(['kept', 'kept, too']);
    for (const index of Object.values(rig.behaviour).slice(0, 3)) expect(await rig.read(String(index))).not.toContain('leaver');
  });

  test('is followed once: what the user does afterwards stays, at the instance that erased and at the others', async () => {
    const [a, b] = [rig.open(), rig.open()];
    await a.store.record([event({ user_id: 'back' }, 'old')]);
    await a.erasure.erase('back');
    await b.erasure.look();
    await a.store.record([event({ user_id: 'back' }, 'new here')]);
    await b.store.record([event({ user_id: 'back', timestamp: Date.now() }, 'new there')]);
    await Promise.all([a.erasure.look(), b.erasure.look()]);
    await Promise.all([a.erasure.look(), b.erasure.look()]);
    await rig.read(rig.behaviour.events);
    for (const instance of [a, b]) expect(await rig.recall(instance, { user: 'back' })).toEqual(['new here', 'new there']);
  });

  test('is followed once more when the index knows nothing any more: what another instance read meanwhile is forgotten, too', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow: Upstream = {
      ...rig.upstream,
      send: async (request) => {
        if (request.path.includes('/_delete_by_query')) await held;
        return rig.upstream.send(request);
      },
    };
    const remembered = ['before'];
    const memory = { forget: (isErased: (name: string) => boolean) => void (isErased('long') && remembered.splice(0)) };
    const [a, b] = [rig.open({ upstream: slow }), rig.open({ memories: [memory] })];
    await a.store.record([event({ user_id: 'long' }, 'old')]);
    await rig.read(rig.behaviour.events);
    const erasing = a.erasure.erase('long');
    while (remembered.length > 0) await b.erasure.look();
    remembered.push(...(await rig.recall(b, { user: 'long' })));
    expect(remembered).toEqual(['old']); // the deletion takes its time
    release();
    await erasing;
    await b.erasure.look();
    expect(remembered).toEqual([]);
  });

  test('makes a read that began before it, at another instance, show nothing', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow: Upstream = {
      ...rig.upstream,
      stream: (request) => rig.upstream.stream(request),
      close: () => Promise.resolve(),
      send: async (request) => {
        const answer = await rig.upstream.send(request);
        if (request.path.startsWith(`/${rig.behaviour.events}/_search`)) await held;
        return answer;
      },
    };
    const [a, b] = [rig.open(), rig.open({ upstream: slow })];
    await a.store.record([event({ user_id: 'read' }, 'old')]);
    await rig.read(rig.behaviour.events);
    const reading = rig.recall(b, { user: 'read' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await a.erasure.erase('read');
    await b.erasure.look();
    release();
    expect(await reading).toEqual([]);
  });

  test('leaves the id nowhere in memory, at the instance that erased or at another', async () => {
    const [a, b] = [rig.open(), rig.open()];
    // Put together as it is needed, so that the test itself holds it nowhere.
    const id = (): string => ['gone', process.pid, 'canary'].join('-');
    await a.store.record([event({ user_id: id() }, 'here')]);
    await b.store.record([event({ user_id: id() }, 'there')]);
    await b.store.recordQueries([query({ user_id: id() })]);
    for (const instance of [a, b]) await rig.recall(instance, { user: id() });
    await a.erasure.erase(id());
    await b.erasure.look();
    // What others do afterwards goes through the same buffers.
    for (const instance of [a, b]) await instance.store.record([event({ user_id: 'other' }, 'x')]);
    expect(await holdsInMemory(/gone-\d+-canary/)).toBe(false);
  });

  test('tells who was erased by a hash of one key, also when instances start at once', async () => {
    const name = `${rig.name}_keys`;
    const instances = Array.from({ length: 5 }, () => new ErasureIndex({ name, upstream: rig.upstream, key: null }));
    const hashes = await Promise.all(instances.map((each) => each.hash('somebody')));
    expect(new Set(hashes).size).toBe(1);
    const ownKey = new ErasureIndex({ name, upstream: rig.upstream, key: 'a key of the shop' });
    expect(await ownKey.hash('somebody')).not.toBe(hashes[0]);
    expect((await ownKey.matcher([{ user: await ownKey.hash('somebody') }]))('somebody')).toBe(true);
    expect((await ownKey.matcher([{ user: await ownKey.hash('somebody') }]))('somebody else')).toBe(false);
  });

  test('says when the others could not be told; here and in the index it is done', async () => {
    const refusing: Upstream = {
      stream: (request) => rig.upstream.stream(request),
      close: () => Promise.resolve(),
      send: (request) =>
        request.path.startsWith(`/${rig.behaviour.erasures}`)
          ? Promise.resolve({ status: 403, headers: {}, body: Buffer.from('{"error":"no permissions"}') })
          : rig.upstream.send(request),
    };
    const a = rig.open({ upstream: refusing });
    await a.store.record([event({ user_id: 'alone' }, 'x')]);
    const erased = await a.erasure.erase('alone');
    expect(erased).toMatchObject({ events: 1, user: null });
    expect(erased.untold?.message).toMatch(/403/);
    expect(await rig.recall(a, { user: 'alone' })).toEqual([]);
    const before = rig.troubles.length;
    await a.erasure.look();
    await a.erasure.look();
    expect(rig.troubles.length).toBe(before + 1);
  });

  test('names nobody to the memories that follow it but by asking', async () => {
    const asked: ((name: string) => boolean)[] = [];
    const [a, b] = [rig.open(), rig.open({ memories: [{ forget: (isErased) => void asked.push(isErased) }] })];
    await a.erasure.erase('one');
    await b.erasure.look();
    expect(asked.some((isErased) => isErased('one'))).toBe(true);
    expect(asked.some((isErased) => isErased('two'))).toBe(false);
  });
});

test('orders stored for the next page are forgotten by whom they were made for', () => {
  const lists = new RankedLists();
  const list = { hits: [], window: 0, scoreLiterals: [], model: 'm' };
  lists.keep('a', list, ['u', 's']);
  lists.keep('b', list, ['v']);
  lists.forgetUsers((name) => name === 's');
  expect([lists.find('a'), lists.find('b')]).toEqual([null, list]);
});

test('work that began before an erasure is covered by it, work that began later is not', () => {
  const recent = new RecentErasures();
  const before = performance.now();
  recent.add((name) => name === 'u');
  expect(recent.coverSince(['u'], before)).toBe(true);
  expect(recent.coverSince(['v'], before)).toBe(false);
  expect(recent.coverSince(['u'], performance.now() + 1)).toBe(false);
});

test('tombstones are read to the last, however many there are of one moment', async () => {
  const name = `${rig.name}_long`;
  const index = new ErasureIndex({ name, upstream: rig.upstream, key: 'a key of the test' });
  await index.prepare();
  const at = new Date().toISOString();
  const count = 10_005;
  const body = Array.from(
    { length: count },
    (_, place) => `{"create":{"_id":"t${place}"}}\n${JSON.stringify({ kind: 'erasure', user: 'somebody', at })}\n`,
  ).join('');
  const headers = { 'content-type': 'application/x-ndjson' };
  await rig.upstream.send({ method: 'POST', path: `/${name}/_bulk?refresh=true`, headers, body });
  const found = await index.readSince(Date.parse(at) - 1);
  expect(found).toHaveLength(count);
  expect(new Set(found.map(({ id }) => id)).size).toBe(count);
  expect(await index.readSince(Date.parse(at) + 1)).toEqual([]);
});

test('files of the feature log lose the lines of erased users, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fuserank-logged-'));
  try {
    const path = join(folder, 'fuserank-log-20260101T00-host-1.ndjson');
    const line = (user: string | null, id: string): string =>
      JSON.stringify({ fuserank_log: 1, user, query: 'a "user":"leaver" \n ü', candidates: [{ id }] });
    // Longer than what is read at a time, and a line that is not whole yet.
    const [kept, gone] = [line('stayer', 'x'.repeat(1_500_000)), line('lea"ver ü', 'y'.repeat(600_000))];
    const text = `${kept}\n${gone}\n${line(null, 'leaver')}\n${gone}\n${line('stayer', '1')}\n${gone.slice(0, 500)}`;
    await writeFile(path, text);
    await writeFile(join(folder, 'other.ndjson'), gone);
    expect(await eraseLoggedUsers(folder, (user) => user === 'lea"ver ü')).toBe(2);
    const left = await readFile(path, 'utf8');
    expect(Buffer.byteLength(left)).toBe(Buffer.byteLength(text));
    const lines = left.split('\n');
    expect(lines.map((each) => each.trim() !== '')).toEqual([true, false, true, false, true, true]);
    expect([lines[0], lines[2], lines[4]]).toEqual([kept, line(null, 'leaver'), line('stayer', '1')]);
    expect(await readFile(join(folder, 'other.ndjson'), 'utf8')).toBe(gone);
    expect(await eraseLoggedUsers(join(folder, 'nowhere'), () => true)).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
