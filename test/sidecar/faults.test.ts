import { fork } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { locateRanker } from '../../models/named-ranker.js';
import type { ScorerSettings, ToScorer } from '../../sidecar/scoring/scorer-tasks.js';
import { openHouse, type House } from '../house.js';

const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
const page = { query, size: 24, highlight: { fields: { title: {} } }, aggs: { brands: { terms: { field: 'brand' } } } };

let house: House;
beforeAll(async () => {
  house = await openHouse({ products: 60 });
});
afterAll(() => house.close());

/** Further sidecars of a test, closed after it. */
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function openSidecar(overrides: object): Promise<Sidecar> {
  const sidecar = await startSidecar(configSchema.parse({ ...house.config, ...overrides }), {
    log: openLog({ level: 'silent', format: 'json' }),
  });
  opened.push(sidecar);
  return sidecar;
}

async function search(sidecar: Sidecar, body: object, index = house.alias): Promise<{ status: number; label: string; text: string }> {
  const response = await fetch(`${sidecar.url}/${index}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, label: response.headers.get('x-fuserank') ?? '', text: await response.text() };
}

/** The engine's answer but for `took` and our own members. */
function plain(text: string): string {
  const own = /,?"(text_vector|image_vector|rank_key|content_hash|group_key)" ?: ?(\[[^\]]*\]|"[^"]*")/g;
  return text.replace(/"took":\d+/, '"took":0').replace(own, '');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never came true');
}

describe('a scorer that dies', () => {
  it('mid-search costs the order, never the answer, and comes back', async () => {
    const sidecar = await openSidecar({});
    await until(async () => (await search(sidecar, page)).label.startsWith('applied'));
    const engine = plain((await house.direct(page)).text);
    const answers = Array.from({ length: 12 }, () => search(sidecar, page));
    for (const pid of sidecar.scorerIds()) process.kill(pid, 'SIGKILL');
    const died = await Promise.all([...answers, search(sidecar, page)]);
    for (const answer of died) {
      expect(answer.status).toBe(200);
      expect(answer.label).toMatch(/^(applied|skipped; reason=scorer_unavailable)/);
      if (answer.label.startsWith('skipped')) expect(plain(answer.text)).toBe(engine);
    }
    expect(died.some(({ label }) => label === 'skipped; reason=scorer_unavailable')).toBe(true);
    expect((await fetch(`${sidecar.url}/readyz`)).status).toBe(200);
    await until(async () => (await search(sidecar, page)).label.startsWith('applied'));
  });

  it('leaves nothing of itself behind when the sidecar closes', async () => {
    const sidecar = await openSidecar({});
    const pids = sidecar.scorerIds();
    expect(pids.length).toBeGreaterThan(0);
    opened.pop();
    await sidecar.close();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });

  it('goes without a word when the sidecar goes in the middle of its task', async () => {
    const { opensearch, encoders, scorer, index } = house.config;
    const process = fork(fileURLToPath(new URL('../../sidecar/scorer-process.ts', import.meta.url)), {
      serialization: 'advanced',
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const said: string[] = [];
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const exited = new Promise<number | null>((resolve) => process.once('exit', resolve));
    const settings: ScorerSettings = {
      opensearch,
      encoders,
      memoryBytes: scorer.memory,
      rankers: { builtin: await locateRanker('builtin') },
    };
    process.send({ kind: 'open', settings } satisfies ToScorer);
    await new Promise((resolve) => process.once('message', resolve));
    const roles = { id: index.id, ...index.map };
    process.send({ kind: 'warm', id: 1, request: { what: 'items', index: house.alias, roles } } satisfies ToScorer, () =>
      process.disconnect(),
    );
    expect(await exited).toBe(0);
    expect(said.join('')).toBe('');
  });
});

describe('an engine that stops', () => {
  it('is answered for with 503 in its own error shape, and served again when it is back', async () => {
    const door = await openDoor(new URL(house.node.url));
    const sidecar = await openSidecar({ opensearch: { nodes: [door.url] } });
    await until(async () => (await search(sidecar, page)).label.startsWith('applied'));
    await door.shut();
    const down = await search(sidecar, page);
    expect(down.status).toBe(503);
    expect(JSON.parse(down.text)).toMatchObject({ status: 503, error: { type: 'service_unavailable_exception' } });
    expect(down.text).not.toContain('at ');
    await door.open();
    await until(async () => (await search(sidecar, page)).label.startsWith('applied'));
    await door.shut();
  });
});

describe('an index that does not fit', () => {
  it('without our vectors is ranked on columns', async () => {
    const index = `${house.alias}-foreign`;
    await house.engine.indices.create({
      index,
      body: { mappings: { properties: { title: { type: 'text' }, price: { type: 'double' }, rating: { type: 'float' } } } },
    });
    const body = house.entries.flatMap(({ product }) => [{ index: { _index: index, _id: product.id } }, { ...product }]);
    await house.engine.bulk({ body, refresh: true });
    const answer = await search(house.sidecar, { query: { match: { title: 'lamp' } }, size: 10 }, index);
    expect(answer.label).toMatch(/^applied/);
    expect(answer.status).toBe(200);
  });

  it('made with another encoder is not ranked, and says so', async () => {
    const index = `${house.alias}-stamped`;
    const mapping = Object.values((await house.engine.indices.getMapping({ index: house.alias })).body)[0]?.mappings;
    const text = JSON.stringify(mapping).replace(/"id":"[^"]+@[^"]+"/, '"id":"another-encoder@00000000"');
    const mappings = z.looseObject({}).parse(JSON.parse(text));
    await house.engine.indices.create({ index, body: { settings: { index: { knn: true } }, mappings } });
    await house.engine.index({ index, id: 'a', body: { title: 'Lamp', rank_key: 'a' }, refresh: true });
    const answer = await search(house.sidecar, { query: { match: { title: 'lamp' } } }, index);
    expect(answer.label).toBe('skipped; reason=encoder_mismatch');
    expect(answer.status).toBe(200);
  });

  it('does not exist: the engine’s own 404', async () => {
    const answer = await search(house.sidecar, page, `${house.alias}-nowhere`);
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('index_not_found_exception');
  });
});

/** A door between sidecar and engine that a test can shut, as a stopped engine would be: connections cut, new ones refused. */
async function openDoor(engine: URL): Promise<{ url: string; shut(): Promise<void>; open(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const make = (): Server =>
    createServer((client) => {
      const upstream = connect(Number(engine.port), engine.hostname);
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  let server = make();
  const listen = (port: number): Promise<number> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    open: async () => {
      server = make();
      await listen(port);
    },
  };
}
