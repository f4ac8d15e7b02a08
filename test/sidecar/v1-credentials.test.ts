import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { renderPicture } from '../../demo/picture.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { errorAnswer, pageAnswer, rankAnswer } from '../../sidecar/v1/answers.js';
import { searchCallOf } from '../../sidecar/v1/client-search.js';
import { openHouse, type House } from '../house.js';
import { guardEngine } from './guarded-engine.js';

const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
/** Sees only products of one brand; the service's own account sees all. */
const LIMITED = { authorization: basic('limited', 'pass') };

let house: House;
let guarded: Awaited<ReturnType<typeof guardEngine>>;
let sidecar: Sidecar;
let brand: string;

beforeAll(async () => {
  // Variants are all of a material here.
  house = await openHouse({ products: 60, map: { group: 'material' } });
  brand = mostFrequent(house.entries.map(({ product }) => product.brand));
  guarded = await guardEngine(house.node.url, {
    sidecar: { password: 'secret', visible: null },
    limited: { password: 'pass', visible: { term: { brand } } },
  });
  const auth = { type: 'basic' as const, username: 'sidecar', password: 'secret' };
  const opensearch = { ...house.config.opensearch, nodes: [guarded.url], auth };
  sidecar = await startSidecar({ ...house.config, opensearch }, { log: openLog({ level: 'silent', format: 'json' }), passive: true });
});
afterAll(async () => {
  await sidecar.close();
  guarded.close();
  await house.close();
});

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

const hidden = (): string => house.entries.find(({ product }) => product.brand !== brand)?.product.id ?? '';
const shown = (): string => house.entries.find(({ product }) => product.brand === brand)?.product.id ?? '';
const history = (): object[] => [hidden(), shown()].map((id) => ({ object_id: id, action_name: 'click', age_s: 9 }));

async function ask(path: string, body: object, headers: Record<string, string> = LIMITED): Promise<{ status: number; body: unknown }> {
  guarded.arrivals.length = 0;
  const response = await fetch(`${sidecar.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: (response.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text };
}

describe('the sidecar’s own routes, for a client that may not read everything', () => {
  it('show nothing but what it may read, though histories and likeness lead elsewhere', async () => {
    const photo = (await renderPicture(house.entries.find(({ product }) => product.id === hidden())?.svg ?? '')).toString('base64');
    for (const [path, body] of [
      [`/v1/similar/${house.alias}/${shown()}`, { history: history(), size: 60 }],
      [`/v1/recommend/${house.alias}`, { history: history(), size: 60, explain: true }],
      [`/v1/search/${house.alias}/image`, { image: photo, size: 60 }],
    ] as const) {
      const answer = await ask(path, body);
      expect(answer).toMatchObject({ status: 200 });
      const { items } = pageAnswer.parse(answer.body);
      expect(items.length).toBeGreaterThan(0);
      for (const { fields } of items) expect(fields).toMatchObject({ brand });
      expect(JSON.stringify(answer.body)).not.toContain(`"${hidden()}"`);
      expect(guarded.arrivals.map(({ account }) => account)).toContain('limited');
    }
  });

  it('know nothing of a product that it may not read', async () => {
    const similar = await ask(`/v1/similar/${house.alias}/${hidden()}`, {});
    expect(similar).toMatchObject({ status: 404 });
    const absent = await ask(`/v1/similar/${house.alias}/no-such-product`, {});
    expect(errorAnswer.parse(similar.body).error.reason.replace(hidden(), '')).toBe(
      errorAnswer.parse(absent.body).error.reason.replace('no-such-product', ''),
    );
    const ranked = await ask('/v1/rank', {
      index: house.alias,
      query: 'boots',
      items: [{ id: hidden() }, { id: shown() }],
      explain: true,
      history: history(),
    });
    const { items } = rankAnswer.parse(ranked.body);
    expect(items.map(({ id, known, score }) => ({ id, known, scored: score !== null }))).toEqual([
      { id: shown(), known: 'index', scored: true },
      { id: hidden(), known: 'no', scored: false },
    ]);
    const named = z.array(z.object({ object_id: z.string().nullable() })).parse(items[0]?.explain?.['history']);
    expect(named.map(({ object_id }) => object_id)).not.toContain(hidden());
  });

  it('hand the engine’s refusal back as it is', async () => {
    for (const path of [`/v1/similar/${house.alias}/${shown()}`, `/v1/recommend/${house.alias}`]) {
      expect(await ask(path, {}, {})).toEqual({ status: 401, body: 'Unauthorized' });
    }
    expect(await ask('/v1/rank', { index: house.alias, items: [{ id: 'a' }] }, {})).toMatchObject({ status: 401 });
  });

  it('send all that the client is known by along, and nothing that speaks of its own body', () => {
    const known = { authorization: 'Basic x', cookie: 'a=b', 'x-opaque-id': 'o', traceparent: 't', 'x-fuserank-user': 'u7' };
    const body = {
      'content-length': '9',
      'content-encoding': 'gzip',
      'accept-encoding': 'gzip',
      accept: 'text/html',
      'x-fuserank-bypass': '1',
      host: 'shop',
    };
    const { headers } = searchCallOf(
      { headers: { ...known, ...body }, signal: AbortSignal.timeout(1_000), caller: 'c', token: null },
      'i',
      {},
    );
    expect(headers).toEqual({ ...known, 'content-type': 'application/json' });
  });
});

describe('an index with variants', () => {
  it('shows one of each group, and none of the product’s own', async () => {
    const materialOf = new Map(house.entries.map(({ product }) => [product.id, product.material]));
    const own = house.entries[7]?.product;
    const similar = await fetch(`${house.sidecar.url}/v1/similar/${house.alias}/${own?.id ?? ''}?size=60`);
    const { items } = pageAnswer.parse(await similar.json());
    const materials = items.map(({ id }) => materialOf.get(id));
    expect(materials.length).toBeGreaterThan(2);
    expect(new Set(materials).size).toBe(materials.length);
    expect(materials).not.toContain(own?.material);
    expect(JSON.stringify(items)).not.toContain('group_key');
  });
});

describe('scorers that are gone', () => {
  it('leave the order of the first phase, and 503 where vectors are the answer', async () => {
    const items = house.entries.slice(0, 5).map(({ product }, place) => ({ id: product.id, score: place }));
    for (const pid of house.sidecar.scorerIds()) process.kill(pid, 'SIGKILL');
    const send = (path: string, body: object): Promise<Response> =>
      fetch(`${house.sidecar.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const [ranked, embedded, recommended] = await Promise.all([
      send('/v1/rank', { index: house.alias, query: 'boots', items }),
      send('/v1/embed', { texts: ['boots'] }),
      send(`/v1/recommend/${house.alias}`, { history: history() }),
    ]);
    expect(ranked.headers.get('x-fuserank')).toBe('skipped; reason=scorer_unavailable');
    const { items: kept, ...outcome } = rankAnswer.parse(await ranked.json());
    expect(outcome).toMatchObject({ applied: false, reason: 'scorer_unavailable' });
    expect(kept.map(({ id }) => id)).toEqual(items.toReversed().map(({ id }) => id));
    expect(embedded.status).toBe(503);
    expect(errorAnswer.parse(await embedded.json()).error.reason).toContain('scorer');
    expect(pageAnswer.parse(await recommended.json())).toMatchObject({ applied: false, reason: 'scorer_unavailable' });
  });
});
