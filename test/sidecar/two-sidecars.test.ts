import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { loggedListSchema, startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';

const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
/** What one instance took in, every other knows after this. */
const SOON_MS = 2_000;

let house: House;
let folder: string;
const lines: string[] = [];
const others: Sidecar[] = [];
let a: Sidecar;
let b: Sidecar;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-two-'));
  house = await openHouse({ products: 60 });
  [a, b] = await Promise.all([start(traced()), start(traced())]);
});
afterAll(async () => {
  await Promise.all(others.map((each) => each.close()));
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

/** Ids in clear where they may be: what is looked for can then be found. */
function traced(): Partial<ConfigInput> {
  return { observability: { hashUserIds: false, featureLog: { folder, sample: 1 } } };
}

const isList = (line: string): boolean => loggedListSchema.safeParse(JSON.parse(line)).success;

async function start(laid: Partial<ConfigInput>): Promise<Sidecar> {
  const sidecar = await open(laid);
  others.push(sidecar);
  return sidecar;
}

function open(laid: Partial<ConfigInput>): Promise<Sidecar> {
  const config = configSchema.parse({ ...house.config, ...laid });
  const log = openLog({ level: 'trace', format: 'json' }, { write: (line) => void lines.push(line) });
  return startSidecar(config, { log });
}

async function send(url: string, body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return answer.text();
}

const block = z.object({ ext: z.object({ fuserank: z.object({ history_length: z.number() }) }) });
/** Events that the sidecar's search of a shopper knew. */
async function known(sidecar: Sidecar, user: string): Promise<number> {
  const text = await send(`${sidecar.url}/${house.alias}/_search`, { query, ext: { fuserank: { user_id: user, ext: true } } });
  return block.parse(JSON.parse(text)).ext.fuserank.history_length;
}

function click(user: string, product: number, more: object = {}): object {
  const object = { object_id: house.entries[product]?.product.id ?? '' };
  return { action_name: 'click', timestamp: new Date().toISOString(), user_id: user, event_attributes: { object }, ...more };
}
const post = (sidecar: Sidecar, events: object) => send(`${sidecar.url}/ubi/events`, events);

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await check()) return;
    await pause(100);
  }
  throw new Error('did not come true in 10 s');
}

async function erase(sidecar: Sidecar, user: string): Promise<{ events: number; queries: number }> {
  const answer = await fetch(`${sidecar.adminUrl}/v1/users/${encodeURIComponent(user)}`, { method: 'DELETE' });
  expect(answer.status).toBe(200);
  return z.object({ erased: z.object({ events: z.number(), queries: z.number() }) }).parse(await answer.json()).erased;
}

/** Everything that the indices of behaviour hold, and that is in the feature log. */
async function stored(): Promise<string> {
  const { events, queries, erasures } = house.config.behaviour;
  const index = `${events},${queries},${erasures}`;
  await house.engine.indices.refresh({ index });
  const found = await house.engine.search({ index, size: 10_000 });
  return JSON.stringify(found.body);
}
async function logged(): Promise<string> {
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return files.join('');
}

test('an event posted to one instance is known to the next search at the other', async () => {
  await post(a, click('shared', 1));
  expect(await known(a, 'shared')).toBe(1);
  await pause(SOON_MS);
  expect(await known(b, 'shared')).toBe(1);
  await post(b, [click('shared', 2), click('shared', 3)]);
  await pause(SOON_MS);
  expect(await known(a, 'shared')).toBe(3);
});

describe('a user who is erased', () => {
  test('leaves no trace in either instance, in the indices, or in the logs', async () => {
    const user = 'canary-leaver/ü';
    const device = 'canary-device';
    await post(a, [click(user, 1), click(user, 2, { client_id: device }), click('stayer', 1)]);
    await send(`${a.url}/ubi/queries`, { user_query: 'canary words', user_id: user });
    await post(b, click(user, 3, { session_id: 'canary-session' }));
    await pause(SOON_MS);
    expect([await known(a, user), await known(b, user)]).toEqual([3, 3]);
    expect((await stored()).includes('canary-leaver')).toBe(true);
    expect((await logged()).includes('canary-leaver')).toBe(true);
    const erased = await erase(a, user);
    expect(erased).toEqual({ events: 3, queries: 1 });

    // The logs first: a search for them is a new one.
    const traces = { stored: await stored(), logged: await logged(), lines: lines.join('') };
    for (const [place, text] of Object.entries(traces)) expect([place, text.includes('canary')]).toEqual([place, false]);
    expect([await known(a, user), await known(b, user)]).toEqual([0, 0]);
    expect(await known(b, 'stayer')).toBe(1);
    const exported = await fetch(`${b.adminUrl}/v1/users/${encodeURIComponent(user)}`);
    expect(await exported.json()).toMatchObject({ events: [], queries: [] });
    const audit = lines
      .map((line): unknown => JSON.parse(line))
      .find((line) => line !== null && JSON.stringify(line).includes('user_erasure'));
    expect(audit).toMatchObject({
      audit: 'user_erasure',
      by: null,
      ...erased,
      everywhere: true,
      user: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
  });

  test('is known again by what they do afterwards', async () => {
    await post(a, click('comes-back', 1));
    await erase(b, 'comes-back');
    expect([await known(a, 'comes-back'), await known(b, 'comes-back')]).toEqual([0, 0]);
    await post(a, click('comes-back', 2));
    await post(b, click('comes-back', 3));
    await pause(SOON_MS);
    expect([await known(a, 'comes-back'), await known(b, 'comes-back')]).toEqual([2, 2]);
  });

  test('loses the order stored for the next page, in each instance', async () => {
    const page = (sidecar: Sidecar, from: number): Promise<string> =>
      fetch(`${sidecar.url}/${house.alias}/_search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, from, size: 5, ext: { fuserank: { user_id: 'pager' } } }),
      }).then((answer) => answer.headers.get('x-fuserank') ?? '');
    for (const sidecar of [a, b]) expect(await page(sidecar, 0)).toMatch(/^applied/);
    for (const sidecar of [a, b]) expect(await page(sidecar, 5)).toContain('list=stored');
    await erase(a, 'pager');
    for (const sidecar of [a, b]) expect(await page(sidecar, 5)).toContain('window=new');
  });

  test('loses the candidates kept for the next page of recommendations, in each instance', async () => {
    const sources = async (sidecar: Sidecar, from: number): Promise<string[]> => {
      const text = await send(`${sidecar.url}/v1/recommend/${house.alias}`, { user: 'browser', from, size: 5 });
      return z.object({ sources: z.array(z.string()) }).parse(JSON.parse(text)).sources;
    };
    await post(a, click('browser', 1));
    await pause(SOON_MS);
    for (const sidecar of [a, b]) expect(await sources(sidecar, 0)).toContain('history');
    for (const sidecar of [a, b]) expect(await sources(sidecar, 5)).toContain('history');
    await erase(b, 'browser');
    for (const sidecar of [a, b]) expect(await sources(sidecar, 5)).not.toContain('history');
  });

  test('is erased from the files of an instance that was away, when it starts', async () => {
    await known(a, 'absent');
    expect((await logged()).includes('"absent"')).toBe(true);
    const copy = (await readFile(join(folder, (await readdir(folder))[0] ?? ''), 'utf8')).replaceAll('"absent"', '"was-away"');
    await writeFile(join(folder, 'fuserank-log-20260101T00-away-1.ndjson'), copy);
    await erase(a, 'was-away');
    await erase(a, 'absent');
    await writeFile(join(folder, 'fuserank-log-20260101T00-away-1.ndjson'), copy);
    const c = await open(traced());
    await until(async () => !(await logged()).includes('"was-away"'));
    await c.close();
    expect(
      (await logged())
        .split('\n')
        .filter((line) => line.trim() !== '')
        .every((line) => isList(line)),
    ).toBe(true);
  });
});
