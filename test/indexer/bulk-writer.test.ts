import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { BulkRefused, BulkWriter, readRetryAfter, sendBulkTo, type BulkOptions, type SendBulk } from '../../indexer/bulk-writer.js';
import { connectEngine } from '../../opensearch/connection.js';

const waits: number[] = [];
const options: BulkOptions = {
  bytes: 1_000_000,
  docs: 3,
  concurrency: 2,
  retries: 3,
  random: () => 0.5,
  sleep: (milliseconds) => {
    waits.push(milliseconds);
    return Promise.resolve();
  },
};
afterEach(() => waits.splice(0));

const idsOf = (body: string): string[] =>
  body
    .trimEnd()
    .split('\n')
    .filter((_, line) => line % 2 === 0)
    .map((line) => (JSON.parse(line) as { index: { _id: string } }).index._id);

const answerItems = (statuses: readonly number[], headers: Record<string, string> = {}): Awaited<ReturnType<SendBulk>> => ({
  status: 200,
  headers,
  body: {
    errors: true,
    items: statuses.map((status) => ({
      index: { status, ...(status < 300 ? {} : { error: { type: 'some_exception', reason: `because ${status}` } }) },
    })),
  },
});

async function write(send: SendBulk, ids: readonly string[], more: Partial<BulkOptions> = {}) {
  const writer = new BulkWriter<string>(send, { ...options, ...more });
  for (const id of ids) await writer.add({ id, source: `{"id":"${id}"}`, origin: `line of ${id}` });
  return writer.finish();
}

describe('the bulk writer', () => {
  it('reads the status of every item, sends only busy ones again, and tells whose document was refused', async () => {
    const seen: string[][] = [];
    const report = await write(
      (body) => {
        const ids = idsOf(body);
        seen.push(ids);
        return Promise.resolve(answerItems(ids.map((id) => (id === 'bad' ? 400 : id === 'busy' && seen.length === 1 ? 429 : 201))));
      },
      ['good', 'busy', 'bad'],
    );
    expect(seen).toEqual([['good', 'busy', 'bad'], ['busy']]);
    expect(report).toEqual({
      indexed: 2,
      existing: 0,
      retried: 1,
      rejected: [{ id: 'bad', reason: 'engine: some_exception: because 400', origin: 'line of bad' }],
    });
  });

  it('waits with full jitter that doubles, and never less than Retry-After', async () => {
    let calls = 0;
    await write(() => {
      calls += 1;
      if (calls === 1) return Promise.resolve({ status: 503, headers: { 'retry-after': '7' }, body: '' });
      return Promise.resolve(calls < 4 ? answerItems([429]) : answerItems([200]));
    }, ['a']);
    expect(waits).toEqual([7_000, 250, 500]);
  });

  it('rejects an item that stays busy, and gives up on a node that does', async () => {
    const report = await write(() => Promise.resolve(answerItems([429])), ['a']);
    expect(report.rejected).toMatchObject([{ id: 'a', reason: 'engine: some_exception: because 429' }]);
    expect(waits).toHaveLength(3);
    await expect(write(() => Promise.resolve({ status: 503, headers: {}, body: '' }), ['a'])).rejects.toThrow(/HTTP 503 4 times/);
  });

  it('sends again what a broken connection left open', async () => {
    let calls = 0;
    const report = await write(
      () => (calls++ === 0 ? Promise.reject(new Error('socket hang up')) : Promise.resolve(answerItems([201]))),
      ['a'],
    );
    expect(report).toMatchObject({ indexed: 1, retried: 1 });
    await expect(write(() => Promise.reject(new Error('socket hang up')), ['a'])).rejects.toThrow('socket hang up');
  });

  it('halves what is too large down to the one document that is', async () => {
    const accepted: string[][] = [];
    const report = await write(
      (body) => {
        const ids = idsOf(body);
        if (ids.includes('huge') || ids.length > 2) return Promise.resolve({ status: 413, headers: {}, body: '' });
        accepted.push(ids);
        return Promise.resolve(answerItems(ids.map(() => 201)));
      },
      ['a', 'b', 'huge', 'c', 'd'],
      { docs: 5 },
    );
    expect(accepted.flat().sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(report.rejected).toMatchObject([{ id: 'huge', reason: expect.stringContaining('413') as string }]);
  });

  it.each([401, 403, 404, 400])('stops at once when the request as such is refused with %i', async (status) => {
    const refusal = write(() => Promise.resolve({ status, headers: {}, body: { error: { type: 't', reason: 'r' } } }), ['a']);
    await expect(refusal).rejects.toThrow(new BulkRefused(`the engine refused to write: HTTP ${status} t: r`));
    expect(waits).toHaveLength(0);
  });

  it('stops when the answer does not fit the request', async () => {
    await expect(write(() => Promise.resolve(answerItems([201])), ['a', 'b'])).rejects.toThrow(BulkRefused);
  });

  it('never loses or doubles a document, keeps its limits, whatever the engine is busy with', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 60, max: 400 }),
        fc.infiniteStream(fc.constantFrom(201, 201, 201, 429, 503, 400)),
        async (count, docs, bytes, statuses) => {
          let open = 0;
          const indexed: string[] = [];
          const refused: string[] = [];
          const report = await write(
            async (body) => {
              open += 1;
              expect(open).toBeLessThanOrEqual(2);
              const ids = idsOf(body);
              expect(ids.length).toBeLessThanOrEqual(docs);
              if (ids.length > 1) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(bytes);
              await new Promise((resolve) => setImmediate(resolve));
              open -= 1;
              const given = [...statuses.take(ids.length)];
              given.forEach((status, position) => {
                if (status === 201) indexed.push(ids[position] ?? '');
                if (status === 400) refused.push(ids[position] ?? '');
              });
              return answerItems(given);
            },
            Array.from({ length: count }, (_, position) => `p${position}`),
            { docs, bytes, retries: 1_000 },
          );
          expect(report.indexed).toBe(indexed.length);
          expect(report.rejected.map(({ id }) => id).sort()).toEqual(refused.sort());
          expect(new Set([...indexed, ...refused]).size).toBe(count);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['3', 3_000],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9_000],
    ['Thu, 01 Jan 2025 00:00:09 GMT', 0],
    ['86400', 30_000],
    ['soon', 0],
    ['', 0],
    [undefined, 0],
  ])('%s', (value, wait) => {
    expect(readRetryAfter(value, now)).toBe(wait);
  });
});

describe('over HTTP', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const serve = async (handle: (request: IncomingMessage, body: string, response: ServerResponse) => void): Promise<string> => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => handle(request, body, response));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('posts NDJSON to the index; a 429 and a cut connection are answered by one more try each, of ours', async () => {
    let calls = 0;
    const url = await serve((request, body, response) => {
      calls += 1;
      expect(request.url).toBe('/shop-v1/_bulk');
      expect(request.headers['content-type']).toContain('x-ndjson');
      expect(body.endsWith('\n')).toBe(true);
      if (calls === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (calls === 2) response.destroy();
      else
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answerItems(idsOf(body).map(() => 201)).body));
    });
    const client = connectEngine(configSchema.parse({ opensearch: { nodes: [url] } }).opensearch);
    const report = await write(sendBulkTo(client, 'shop-v1'), ['a', 'b']);
    await client.close();
    expect(calls).toBe(3);
    expect(report).toMatchObject({ indexed: 2, retried: 4, rejected: [] });
    expect(waits[0]).toBe(1_000);
  });
});
