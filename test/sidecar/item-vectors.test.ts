import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { PRODUCT, type ProductFieldRoles } from '../../mappings/product-index.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { ItemVectors } from '../../sidecar/item-vectors.js';
import { within } from '../../sidecar/walk/deadline.js';

const roles: ProductFieldRoles = {
  id: 'id',
  text: ['title'],
  image: null,
  price: 'price',
  rating: null,
  ratingCount: null,
  brand: null,
  category: null,
  group: null,
  keywords: [],
};
const asked = z.object({ query: z.object({ ids: z.object({ values: z.array(z.string()) }) }) });

/** Answers a search by ids after a while; a product whose id starts with `no` does not exist. */
describe('item vectors', () => {
  const requests: string[][] = [];
  let delayMs = 0;
  let server: Server;
  let engine: EngineClient;
  let items: ItemVectors;

  beforeEach(async () => {
    requests.length = 0;
    delayMs = 0;
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const ids = asked.parse(JSON.parse(Buffer.concat(chunks).toString('utf8'))).query.ids.values;
        requests.push(ids);
        const hits = ids
          .filter((id) => !id.startsWith('no'))
          .map((id) => ({ _index: 'shop', _id: id, _seq_no: 4, _source: { price: 12, [PRODUCT.textVector]: [0.6, 0.8] }, sort: [0] }));
        setTimeout(() => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ hits: { hits } }));
        }, delayMs);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    engine = connectEngine(configSchema.parse({ opensearch: { nodes: [`http://127.0.0.1:${port}`] } }).opensearch);
    items = new ItemVectors(engine, { bytes: 1024 ** 2 });
  });

  afterEach(async () => {
    await engine.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const version = (id: string, seqNo: number | null = null) => ({ index: 'shop', id, seqNo });

  test('are unknown, then there, and a product that does not exist is known not to', async () => {
    expect(items.get(version('a'))).toBeUndefined();
    await items.fetch([version('a'), version('none')], roles);
    expect(items.get(version('a'))).toMatchObject({ id: 'a', price: 12, text: Float32Array.of(0.6, 0.8), image: null });
    expect(items.get(version('none'))).toBeNull();
  });

  test('of a version that was written over are unknown again', async () => {
    await items.fetch([version('a')], roles);
    expect(items.get(version('a', 4))).not.toBeUndefined();
    expect(items.get(version('a', 5))).toBeUndefined();
  });

  test('are asked for once, however many searches wait for them', async () => {
    delayMs = 50;
    await Promise.all([items.fetch([version('a'), version('b')], roles), items.fetch([version('b'), version('c')], roles)]);
    expect(requests).toEqual([['a', 'b'], ['c']]);
    expect(items.get(version('c'))).not.toBeUndefined();
  });

  test('arrive for the next search when this one could not wait', async () => {
    delayMs = 100;
    await within(1, items.fetch([version('late')], roles), undefined);
    expect(items.get(version('late'))).toBeUndefined();
    await items.fetch([version('late')], roles);
    expect(items.get(version('late'))).not.toBeUndefined();
    expect(requests).toEqual([['late']]);
  });

  test('are asked for again after the engine failed', async () => {
    server.closeAllConnections();
    const first = connectEngine(configSchema.parse({ opensearch: { nodes: ['http://127.0.0.1:9'] } }).opensearch);
    const lonely = new ItemVectors(first, { bytes: 1024 ** 2 });
    await expect(lonely.fetch([version('a')], roles)).rejects.toThrow();
    await expect(lonely.fetch([version('a')], roles)).rejects.toThrow();
    await first.close();
  });
});
