import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';
import { guardEngine } from './guarded-engine.js';

const basic = (name: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const SERVICE = { name: 'sidecar', password: 'of-the-sidecar' };
const BOB = basic('bob', 'of-bob');
const WORDS = ['lamp', 'mug dress', 'chair', 'red shirt', 'blue lamp wood', 'table', 'dress'];

let house: House;
let guarded: Awaited<ReturnType<typeof guardEngine>>;
let sidecar: Sidecar;
let hidden: ReadonlySet<string>;
let visible: object;

beforeAll(async () => {
  house = await openHouse({ products: 120 });
  const brands = new Map<string, number>();
  for (const { product } of house.entries) brands.set(product.brand, (brands.get(product.brand) ?? 0) + 1);
  const brand = [...brands].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
  hidden = new Set(house.entries.filter(({ product }) => product.brand === brand).map(({ product }) => product.id));
  visible = { bool: { must_not: [{ term: { brand } }] } };
  guarded = await guardEngine(house.node.url, {
    [SERVICE.name]: { password: SERVICE.password, visible: null },
    bob: { password: 'of-bob', visible },
  });
  sidecar = await openSidecar();
});
afterAll(async () => {
  await sidecar.close();
  guarded.close();
  await house.close();
});

/** Reads no product ahead, so that all it reads is read for a search. */
function openSidecar(): Promise<Sidecar> {
  const shop = house.config.profiles.shop;
  const config = configSchema.parse({
    ...house.config,
    opensearch: { nodes: [guarded.url], auth: { type: 'basic', username: SERVICE.name, password: SERVICE.password } },
    profiles: { shop, strict: { ...shop, retrieval: { add: 'none' } } },
  });
  return startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }), passive: true });
}

async function search(
  headers: Record<string, string>,
  body: object,
): Promise<{ status: number; label: string; text: string; ids: string[] }> {
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const ids = [...text.matchAll(/"_id":"([^"]+)"/g)].map(([, id]) => id ?? '');
  return { status: response.status, label: response.headers.get('x-fuserank') ?? '', text, ids };
}

const bodyOf = (query: string, more: object = {}): object => ({
  query: { multi_match: { query, fields: ['title', 'description'] } },
  size: 30,
  _source: ['title', 'brand'],
  ...more,
});

describe('document-level security', () => {
  test('there is something to hide, and everybody else would see it', async () => {
    expect(hidden.size).toBeGreaterThan(5);
    const all = await Promise.all(WORDS.map((words) => search(basic(SERVICE.name, SERVICE.password), bodyOf(words))));
    expect(all.flatMap(({ ids }) => ids).some((id) => hidden.has(id))).toBe(true);
  });

  test('who may not see a product never gets it, ranked or added, on any page, nor in an explanation', async () => {
    const [secret = ''] = hidden;
    const history = [...hidden].slice(0, 5).map((object_id) => ({ object_id, action_name: 'click' }));
    let ranked = 0;
    for (const words of WORDS) {
      for (const page of [{}, { from: 30 }, { ext: { fuserank: { user_id: 'bob', history, explain: true, legs: true } } }]) {
        const answer = await search(BOB, bodyOf(words, page));
        expect(answer.status).toBe(200);
        if (answer.label.startsWith('applied')) ranked += 1;
        for (const id of hidden) expect(answer.text).not.toContain(`"${id}"`);
      }
    }
    expect(ranked).toBeGreaterThanOrEqual(WORDS.length * 2);
    expect(guarded.arrivals.some(({ account, body }) => account === SERVICE.name && body.includes(secret))).toBe(true); // the shopper's own history is weighed
  });

  test('it is ranked as if the hidden ones were filtered out by its own query', async () => {
    const strict = { ext: { fuserank: { profile: 'strict' } } };
    for (const words of WORDS) {
      const bob = await search(BOB, bodyOf(words, strict));
      const filtered = await search(basic(SERVICE.name, SERVICE.password), {
        query: { bool: { must: [{ multi_match: { query: words, fields: ['title', 'description'] } }], filter: [visible] } },
        size: 30,
        _source: ['title', 'brand'],
        ...strict,
      });
      expect(bob.label).toMatch(/^applied/);
      expect(bob.ids).toEqual(filtered.ids);
    }
  });

  test('our own account reads no more of the products than what the client’s searches returned', async () => {
    const fresh = await openSidecar();
    const before = guarded.arrivals.length;
    for (const words of WORDS) {
      await fetch(`${fresh.url}/${house.alias}/_search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...BOB },
        body: JSON.stringify(bodyOf(words)),
      });
    }
    await fresh.close();
    const arrivals = guarded.arrivals.slice(before);
    const returned = new Set(arrivals.filter(({ account }) => account === 'bob').flatMap(({ returnedIds }) => returnedIds));
    const read = new Set(arrivals.filter(({ account }) => account === SERVICE.name).flatMap(({ returnedIds }) => returnedIds));
    const products = new Set(house.entries.map(({ product }) => product.id));
    const readProducts = [...read].filter((id) => products.has(id));
    expect(readProducts.length).toBeGreaterThan(10);
    for (const id of readProducts) expect(returned.has(id)).toBe(true);
  });

  test('wrong credentials get the engine’s own refusal, byte for byte', async () => {
    for (const headers of [{}, basic('bob', 'wrong'), basic('eve', 'x')]) {
      const direct = await fetch(`${guarded.url}/${house.alias}/_search`, { method: 'POST', headers, body: '{}' });
      const ours = await fetch(`${sidecar.url}/${house.alias}/_search`, { method: 'POST', headers, body: '{}' });
      expect([ours.status, await ours.text(), ours.headers.get('www-authenticate'), ours.headers.get('content-type')]).toEqual([
        direct.status,
        await direct.text(),
        direct.headers.get('www-authenticate'),
        direct.headers.get('content-type'),
      ]);
    }
    const forbidden = await fetch(`${sidecar.url}/${house.alias}/_count`, { headers: BOB });
    expect(forbidden.status).toBe(403);
  });
});
