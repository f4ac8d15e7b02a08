import { createServer, type Server } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { WarmUp } from '../../sidecar/warm-up.js';
import { openHouse, type House } from '../house.js';

const silent = openLog({ level: 'silent', format: 'json' });

describe('readiness', () => {
  let house: House;
  const opened: { close(): unknown }[] = [];
  beforeAll(async () => {
    house = await openHouse({ products: 40 });
  });
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  afterAll(() => house.close());

  async function serve(overrides: object): Promise<Sidecar> {
    const sidecar = await startSidecar(configSchema.parse({ ...house.config, ...overrides }), { log: silent });
    opened.push(sidecar);
    return sidecar;
  }

  test('waits until the catalogue is in memory and searches have run; the process is started and alive meanwhile', async () => {
    const door = await openSlowDoor(house.node.url, (body) => body.includes('"exists":{"field":"rank_key"}'));
    opened.push(door);
    const sidecar = await serve({ opensearch: { nodes: [door.url] }, profiles: { shop: { index: house.alias } } });
    await door.held;
    expect(await probes(sidecar.url)).toEqual({ livez: 200, startupz: 200, readyz: 503, health: 503 });
    const health = z.looseObject({ checks: z.looseObject({ warm_up: z.object({ ok: z.boolean() }) }) });
    const ask = async () => health.parse(await (await fetch(`${sidecar.url}/health`)).json());
    expect(await ask()).toMatchObject({ status: 'not ready', checks: { warm_up: { ok: false } } });

    door.release();
    await vi.waitFor(async () => expect((await probes(sidecar.url)).readyz).toBe(200), { timeout: 30_000, interval: 50 });
    expect((await ask()).checks.warm_up.ok).toBe(true);
    // What was to run first ran before anybody was told to come.
    expect(door.bodies.filter((body) => body.includes('warm up')).length).toBeGreaterThan(0);
  });

  test('does not wait for an index that is not there', async () => {
    const sidecar = await serve({ profiles: { shop: { index: `${house.alias}-nowhere` } } });
    await vi.waitFor(async () => expect((await probes(sidecar.url)).readyz).toBe(200), { timeout: 30_000, interval: 50 });
  });
});

describe('a warm-up', () => {
  test('is over when all of it is, parts that came on the way and failures too', async () => {
    const warmUp = new WarmUp({ log: silent });
    const first = openGate();
    const second = openGate();
    warmUp.include(first.opened);
    expect(warmUp.over).toBe(false);
    warmUp.include(second.opened);
    first.open();
    await pause(0);
    expect(warmUp.over).toBe(false);
    second.fail(new Error('no such index'));
    await pause(0);
    expect(warmUp.over).toBe(true);
    warmUp.include(new Promise(() => undefined));
    expect(warmUp.over).toBe(true);
  });

  test('is given up in the end, and says so', async () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) });
    const warmUp = new WarmUp({ log, patienceMs: 20 });
    warmUp.include(new Promise(() => undefined));
    await vi.waitFor(() => expect(warmUp.over).toBe(true));
    expect(lines.join('')).toContain('ready before everything is warm');
  });
});

async function probes(url: string): Promise<Record<string, number>> {
  const names = ['livez', 'startupz', 'readyz', 'health'];
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, (await fetch(`${url}/${name}`)).status] as const)));
}

/** A door to the engine that holds back what `holds` picks until it is told to let go. */
async function openSlowDoor(engine: string, holds: (body: string) => boolean) {
  const bodies: string[] = [];
  const held = openGate();
  const released = openGate();
  const server: Server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      const packed = Buffer.from(await new Response(Readable.toWeb(request)).arrayBuffer());
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed).toString('utf8');
      bodies.push(body);
      if (holds(body)) {
        held.open();
        await released.opened;
      }
      const answer = await fetch(`${engine}${request.url ?? '/'}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(body === '' ? {} : { body }),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    forward().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    bodies,
    held: held.opened,
    release: () => released.open(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A promise and what settles it. */
function openGate() {
  let open = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open: () => open(), fail: (error: Error) => fail(error) };
}
