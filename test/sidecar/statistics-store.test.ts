import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { statisticsIndexBody } from '../../mappings/statistics-index.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { CurrentStatistics, type StatisticsVersion } from '../../sidecar/statistics/current-statistics.js';
import { StatisticsStore } from '../../sidecar/statistics/statistics-store.js';

const askedIds = z.object({ ids: z.array(z.string()) });
const askedAfter = z.object({ search_after: z.tuple([z.string()]).optional(), size: z.number() });

/** Answers as an engine would that counted the products p000, p001, … in every version. */
let counted: number;
/** Concrete index behind the alias; null = no alias. */
let version: string | null;
let broken: boolean;
const requests: string[] = [];
let server: Server;
let engine: EngineClient;

const productId = (place: number): string => `p${String(place).padStart(3, '0')}`;

function sourceOf(id: string): object {
  const neighbours = { neighbour_ids: ['p000'], neighbour_weights: [2], neighbour_cosines: [0.5] };
  return { item_id: id, popularity: 0.25, popularity_7d: null, ctr: null, factor: [1, 0], ...neighbours };
}

function answer(path: string, body: string): { status: number; body: object } {
  if (path.endsWith('/_mget')) {
    const { ids } = askedIds.parse(JSON.parse(body));
    const there = (id: string): boolean => id < productId(counted);
    return {
      status: 200,
      body: { docs: ids.map((id) => (there(id) ? { _id: id, found: true, _source: sourceOf(id) } : { _id: id, found: false })) },
    };
  }
  if (path.endsWith('/_search')) {
    const { search_after: after, size } = askedAfter.parse(JSON.parse(body));
    const from = after ? Number(after[0].slice(1)) + 1 : 0;
    const ids = Array.from({ length: Math.max(0, Math.min(size, counted - from)) }, (_, place) => productId(from + place));
    return { status: 200, body: { hits: { hits: ids.map((id) => ({ _id: id, sort: [id], _source: sourceOf(id) })) } } };
  }
  if (path.includes('/_alias')) return { status: 200, body: { 'shop-v1': {} } };
  if (version === null) return { status: 404, body: { error: { type: 'index_not_found_exception' }, status: 404 } };
  const meta = { events: 4, users: 2, items: 2, pairs: 1 };
  const until = '2026-01-01T00:00:00.000Z';
  const stamp = statisticsIndexBody({ version: 1, catalogue: 'shop', events: 'ubi_events', until, counted: meta, min_users_per_pair: 2 });
  return { status: 200, body: { [version]: { mappings: broken ? { _meta: { fuserank_statistics: {} } } : stamp.mappings } } };
}

beforeEach(async () => {
  [counted, version, broken] = [300, 'statistics-1', false];
  requests.length = 0;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      requests.push(path);
      const { status, body } = answer(path, Buffer.concat(chunks).toString('utf8'));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  engine = connectEngine(configSchema.parse({ opensearch: { nodes: [`http://127.0.0.1:${port}`] } }).opensearch);
});
afterEach(async () => {
  vi.useRealTimers();
  await engine.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('statistics in memory', () => {
  test('are unknown, then there, and a product that nobody touched is known not to have any', async () => {
    const store = new StatisticsStore(engine, { bytes: 1024 ** 2 });
    expect(store.get('statistics-1', 'p001')).toBeUndefined();
    await Promise.all([store.fetch('statistics-1', ['p001', 'p999']), store.fetch('statistics-1', ['p001'])]);
    expect(store.get('statistics-1', 'p001')).toMatchObject({ popularity: 0.25, popularity7d: null, factor: Float32Array.of(1, 0) });
    expect(store.get('statistics-1', 'p999')).toBeNull();
    expect(store.get('statistics-2', 'p001')).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  test('of a version that was read whole are never asked for again', async () => {
    const store = new StatisticsStore(engine, { bytes: 1024 ** 2 });
    expect(await store.warm('statistics-1')).toBe(300);
    expect(store.get('statistics-1', productId(299))).not.toBeNull();
    expect(store.get('statistics-1', 'p999')).toBeNull();
  });

  test('that do not fit are read as far as memory goes, and fetched when they are missed', async () => {
    const store = new StatisticsStore(engine, { bytes: 40_000 });
    expect(await store.warm('statistics-1')).toBeLessThan(300);
    expect(store.get('statistics-1', productId(299))).toBeUndefined();
    await store.fetch('statistics-1', [productId(299)]);
    expect(store.get('statistics-1', productId(299))).not.toBeUndefined();
  });
});

describe('the current version', () => {
  const opened: StatisticsVersion[] = [];
  const troubles: unknown[] = [];
  let prepared: Promise<void>;
  let current: CurrentStatistics;
  beforeEach(() => {
    [opened.length, troubles.length] = [0, 0];
    prepared = Promise.resolve();
    vi.useFakeTimers({ toFake: ['Date'] });
    current = new CurrentStatistics(engine, {
      alias: 'statistics',
      prepare: (found) => {
        opened.push(found);
        return prepared;
      },
      onTrouble: (error) => troubles.push(error),
    });
  });

  /** Ten seconds later, and once more, since the first search after them only asks. */
  async function later(): Promise<StatisticsVersion | null> {
    const asked = requests.length;
    vi.setSystemTime(Date.now() + 11_000);
    await current.describe(['shop-v1']);
    await vi.waitFor(() => expect(requests.length).toBeGreaterThan(asked));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return current.describe(['shop-v1']);
  }

  test('is asked for once, however many searches want it', async () => {
    const found = await Promise.all([current.describe(['shop-v1']), current.describe(['shop-v1'])]);
    expect(found.map((each) => each?.index)).toEqual(['statistics-1', 'statistics-1']);
    await current.describe(['shop-v1']);
    expect(requests).toHaveLength(2);
    expect(opened).toHaveLength(1);
  });

  test('is another after the alias was swapped, as soon as that is prepared', async () => {
    await current.describe(['shop-v1']);
    version = 'statistics-2';
    let ready = (): void => undefined;
    prepared = new Promise((resolve) => (ready = resolve));
    expect((await later())?.index).toBe('statistics-1');
    ready();
    await vi.waitFor(async () => expect((await current.describe(['shop-v1']))?.index).toBe('statistics-2'));
    expect(opened.map(({ index }) => index)).toEqual(['statistics-1', 'statistics-2']);
  });

  test('is none where there is no alias, which is no trouble, and then is one', async () => {
    version = null;
    expect(await current.describe(['shop-v1'])).toBeNull();
    version = 'statistics-1';
    expect((await later())?.index).toBe('statistics-1');
    version = null;
    expect(await later()).toBeNull();
    expect(troubles).toEqual([]);
  });

  test('stays where the next one can’t be read, and says why', async () => {
    await current.describe(['shop-v1']);
    broken = true;
    expect((await later())?.index).toBe('statistics-1');
    expect(String(troubles[0])).toMatch(/fuserank statistics --full/);
  });

  test('is for its own catalogue alone, also for a version that the alias was just swapped to', async () => {
    expect(await current.describe(['shop-v1'])).not.toBeNull();
    expect(await current.describe(['shop-v2'])).not.toBeNull();
    expect(await current.describe(['shop-two-v1'])).toBeNull();
    expect(await current.describe(['shop-v1', 'books-v1'])).toBeNull();
  });
});
