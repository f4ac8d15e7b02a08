import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { generateShop } from '../../demo/shop.js';
import { PRODUCT, productIndexBody, productIndexMetaSchema, type EncoderStamp } from '../../mappings/product-index.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar } from '../../sidecar/index.js';
import { TENANTS, type Stocked } from './query-trees.js';

/** A shop without pictures on a real OpenSearch: three shards, routed by tenant, with what a shop's filters look at. */
export interface Shelf {
  /** Of the sidecar and of the engine. */
  readonly sidecar: string;
  readonly engine: string;
  /** The index; `-green` is an alias that shows one tenant, `-routed` one that asks where another tenant's products lie. */
  readonly index: string;
  readonly products: ReadonlyMap<string, Stocked>;
  close(): Promise<void>;
}

/** Profiles: `shop` as it comes, `strict` without added hits. */
export async function openShelf(options: { products: number; seed: number }): Promise<Shelf> {
  const node = await findOrStartNode({ name: 'test' });
  const index = `shelf-${process.pid}-${options.seed}`;
  const ask = async (method: string, path: string, body: string): Promise<void> => {
    const response = await fetch(`${node.url}/${path}`, { method, headers: { 'content-type': 'application/json' }, body });
    const text = await response.text();
    if (!response.ok || text.includes('"errors":true')) throw new Error(`${method} ${path}: ${text.slice(0, 500)}`);
  };
  const { body, products, lines } = await stock({ ...options, index });
  await ask('PUT', index, JSON.stringify(body));
  await ask('POST', `${index}/_bulk?refresh=true`, `${lines.join('\n')}\n`);
  const config = configSchema.parse({
    server: { port: 0, adminPort: 0, shutdownGraceMs: 2_000 },
    opensearch: { nodes: [node.url] },
    scorer: { processes: 1 },
    profiles: {
      shop: { index: `${index}*`, budgetMs: 20_000 },
      strict: { index: `${index}*`, budgetMs: 20_000, retrieval: { add: 'none' } },
    },
    behaviour: { events: `${index}-events`, queries: `${index}-queries`, statistics: `${index}-statistics` },
  });
  const sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }) });
  return {
    sidecar: sidecar.url,
    engine: node.url,
    index,
    products,
    close: async () => {
      await sidecar.close();
      await fetch(`${node.url}/${index}*`, { method: 'DELETE' });
      await node.stop();
    },
  };
}

/** The index's body, products by id, and the lines of a bulk request that stocks them. */
async function stock(options: { products: number; seed: number; index: string }) {
  const encoder = await openTextEncoder({ path: 'builtin' });
  const { id, dims, preprocessing } = encoder;
  const entries = [...generateShop({ values: 'demo', count: options.products, seed: options.seed })].map(({ product }) => product);
  const vectors = await encoder.encode(entries.map(({ title }) => title));
  await encoder.close();
  const products = new Map<string, Stocked>();
  const lines = entries.flatMap((entry, at) => {
    const tenant = TENANTS[at % TENANTS.length] ?? 'red';
    const shelved: Omit<Stocked, 'id' | 'price'> = {
      tenant,
      in_stock: at % 5 < 3,
      code: at % 2 === 0 ? '1' : '1.0',
      ...(at % 4 === 0 ? { clearance: true } : {}),
      variants: ['S', 'M', 'L'].slice(0, 1 + (at % 3)).map((size, place) => ({ size, quantity: (at + place) % 6 })),
    };
    products.set(entry.id, { id: entry.id, price: entry.price, ...shelved });
    const ours = { [PRODUCT.rankKey]: entry.id, [PRODUCT.textVector]: Array.from(vectors[at] ?? []) };
    return [
      JSON.stringify({ index: { _index: options.index, _id: entry.id, routing: tenant } }),
      JSON.stringify({ ...entry, ...shelved, note: `${tenant} goods`, ...ours }),
    ];
  });
  return { body: indexBody(options.index, { id, dims, preprocessing, normalised: true }), products, lines };
}

function indexBody(index: string, text: EncoderStamp): object {
  const meta = productIndexMetaSchema.parse({
    version: 1,
    roles: { id: 'id', text: ['title', 'description'], price: 'price', brand: 'brand' },
    vector_fields: ['title'],
    language: 'english',
    engine: 'lucene',
    encoders: { text, image: null },
    cosine_stats: {
      'query_text:item_text': [0.2, 0.1],
      'query_image:item_image': null,
      'query_head:item_image': null,
      'item_text:item_text': [0.3, 0.1],
      'item_image:item_image': null,
    },
    head: null,
  });
  const { settings, mappings } = productIndexBody({ meta, shards: 3, replicas: 0 });
  const properties = z.record(z.string(), z.unknown()).parse(mappings['properties']);
  return {
    settings,
    mappings: {
      ...mappings,
      properties: {
        ...properties,
        tenant: { type: 'keyword' },
        in_stock: { type: 'boolean' },
        code: { type: 'keyword' },
        note: { type: 'text' },
        clearance: { type: 'boolean' },
        variants: { type: 'nested', properties: { size: { type: 'keyword' }, quantity: { type: 'integer' } } },
      },
    },
    aliases: { [`${index}-green`]: { filter: { term: { tenant: 'green' } } }, [`${index}-routed`]: { routing: 'blue' } },
  };
}
