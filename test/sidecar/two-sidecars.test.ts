import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
/** The bar: what one instance took in, or erased, every other knows after this. */
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
  const featureLog = { folder, sample: 1 };
  // Ids in clear where they may be: what is looked for can then be found.
  const observability = { hashUserIds: false, featureLog, log: { level: 'trace', format: 'json' } } as const;
  [a, b] = await Promise.all([start({ observability }), start({ observability })]);
});
afterAll(async () => {
  await Promise.all(others.map((each) => each.close()));
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(laid: Partial<ConfigInput>): Promise<Sidecar> {
  const config = configSchema.parse({ ...house.config, ...laid });
  const log = openLog({ level: 'trace', format: 'json' }, { write: (line) => void lines.push(line) });
  const sidecar = await startSidecar(config, { log });
  others.push(sidecar);
  return sidecar;
}

async function send(url: string, body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
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

/** Milliseconds until it is so; fails after ten seconds. */
async function until(check: () => Promise<boolean>): Promise<number> {
  const startedAt = performance.now();
  while (!(await check())) {
    if (performance.now() - startedAt > 10_000) throw new Error('did not come true in 10 s');
    await pause(20);
  }
  return performance.now() - startedAt;
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

describe('an event posted to one instance', () => {
  test.each([
    ['as we make the index', null],
    ['that refreshes itself each 30 s', '30s'],
    ['that never refreshes itself', '-1'],
  ])('is known to the next search at the other: in an index %s', async (name, interval) => {
    if (interval !== null) {
      await house.engine.indices.putSettings({ index: house.config.behaviour.events, body: { index: { refresh_interval: interval } } });
      [a, b] = await Promise.all([start({}), start({})]);
    }
    const user = `shared-${name}`;
    await post(a, click(user, 1));
    expect(await known(a, user)).toBe(1);
    expect(await until(async () => (await known(b, user)) === 1)).toBeLessThan(SOON_MS);
    // Again, and from the other side: a refresh does not wait for the one before it to be old.
    await post(b, click(user, 2));
    await post(b, click(user, 3));
    expect(await until(async () => (await known(a, user)) === 3)).toBeLessThan(SOON_MS);
  });
});
