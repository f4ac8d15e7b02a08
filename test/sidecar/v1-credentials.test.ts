import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { renderPicture } from '../../demo/picture.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { errorAnswer, pageAnswer, rankAnswer } from '../../sidecar/v1/answers.js';
import { openHouse, type House } from '../house.js';

/** Shows only products of one brand, as document-level security does; the service's own account sees all. */
const LIMITED = 'Bearer one-brand-only';
const SERVICE = `Basic ${Buffer.from('fuserank:secret').toString('base64')}`;
const asked: { url: string; authorization: string; cookie: string }[] = [];

let house: House;
let door: Server;
let sidecar: Sidecar;
let brand: string;

beforeAll(async () => {
  // Variants are all of a material here.
  house = await openHouse({ products: 60, map: { group: 'material' } });
  brand = mostFrequent(house.entries.map(({ product }) => product.brand));
  door = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { authorization = '', cookie = '' } = request.headers;
      asked.push({ url: request.url ?? '', authorization, cookie });
      if (authorization !== LIMITED && authorization !== SERVICE) {
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"Unauthorized","status":401}');
        return;
      }
      const body = Buffer.concat(chunks).toString('utf8');
      void fetch(`${house.node.url}${request.url ?? '/'}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(body === '' ? {} : { body: authorization === LIMITED ? limitTo(brand, body) : body }),
      }).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const address = door.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const opensearch = {
    ...house.config.opensearch,
    nodes: [`http://127.0.0.1:${port}`],
    auth: { type: 'basic' as const, username: 'fuserank', password: 'secret' },
  };
  sidecar = await startSidecar({ ...house.config, opensearch }, { log: openLog({ level: 'silent', format: 'json' }), passive: true });
});
afterAll(async () => {
  await sidecar.close();
  door.closeAllConnections();
  door.close();
  await house.close();
});

function limitTo(only: string, body: string): string {
  const search = z.looseObject({ query: z.unknown() }).parse(JSON.parse(body));
  return JSON.stringify({ ...search, query: { bool: { must: [search.query ?? { match_all: {} }], filter: [{ term: { brand: only } }] } } });
}

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

const hidden = (): string => house.entries.find(({ product }) => product.brand !== brand)?.product.id ?? '';
const shown = (): string => house.entries.find(({ product }) => product.brand === brand)?.product.id ?? '';
const history = (): object[] => [hidden(), shown()].map((id) => ({ object_id: id, action_name: 'click', age_s: 9 }));

async function ask(
  path: string,
  body: object,
  headers: Record<string, string> = { authorization: LIMITED },
): Promise<{ status: number; body: unknown }> {
  asked.length = 0;
  const response = await fetch(`${sidecar.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
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
      expect(asked.filter(({ url }) => url.startsWith(`/${house.alias}/_search`)).map(({ authorization }) => authorization)).toContain(
        LIMITED,
      );
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
      expect(await ask(path, {}, {})).toEqual({ status: 401, body: { error: 'Unauthorized', status: 401 } });
    }
    expect(await ask('/v1/rank', { index: house.alias, items: [{ id: 'a' }] }, {})).toMatchObject({ status: 401 });
  });

  it('send cookies along', async () => {
    await ask(`/v1/recommend/${house.alias}`, {}, { authorization: LIMITED, cookie: 'security_authentication=abc' });
    expect(asked.filter(({ authorization }) => authorization === LIMITED).map(({ cookie }) => cookie)).toContain(
      'security_authentication=abc',
    );
    expect(asked.filter(({ authorization, cookie }) => authorization === SERVICE && cookie !== '')).toEqual([]);
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
