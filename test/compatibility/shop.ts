import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { generateShop, type ShopEntry } from '../../demo/shop.js';
import { PRODUCT, productIndexBody, productIndexMetaSchema, type ProductIndexMeta } from '../../mappings/product-index.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { call, type Answer } from '../sidecar/http-rig.js';
import { openFaultyEngine, type FaultyEngine } from './faulty-engine.js';

const prefix = `compat-${process.pid}`;

/** Indices and aliases of the suite. */
export const NAMES = {
  /** 96 products with vectors, two shards, every kind of field. */
  items: `${prefix}-items`,
  /** 24 further products with the same stamp, some under ids of the first index. */
  more: `${prefix}-more`,
  /** Shop pages without vectors or stamp, with numbers of every size. */
  plain: `${prefix}-plain`,
  /** Products and their offers, joined. */
  family: `${prefix}-family`,
  closed: `${prefix}-closed`,
  /** Products below 60, by alias. */
  cheap: `${prefix}-cheap`,
  /** Products of one routing value, by alias. */
  routed: `${prefix}-routed`,
  /** The same products in an index that no profile names. */
  foreign: `foreign-${process.pid}`,
  /** Written and deleted by scenarios. */
  written: `written-${process.pid}`,
  pipeline: `${prefix}-pipeline`,
  template: `${prefix}-template`,
  unknown: `${prefix}-nowhere`,
} as const;

/** What scenarios run against. */
export interface CompatibilityShop {
  readonly engineUrl: string;
  /** In front of the engine: profiles `shop` (adds hits) and `strict` (adds none). */
  readonly sidecar: Sidecar;
  /** Another one, which forwards writes, in front of an engine that fails on demand. */
  readonly writing: Sidecar;
  readonly faulty: FaultyEngine;
  close(): Promise<void>;
}

export const MAX_ADDED = 50;
export const WINDOW = 200;

/** Ids that have broken programs before. */
export const ODD_IDS = ['a/b', 'with space', 'ünï-鞋', '__proto__', 'constructor', '"quoted"', '100%', '..'];

const infoSchema = z.object({ encoders: productIndexMetaSchema.shape.encoders });

/** The indices filled, two sidecars started. */
export async function openCompatibilityShop(): Promise<CompatibilityShop> {
  const node = await findOrStartNode({ name: 'test' });
  const faulty = await openFaultyEngine(node.url);
  const silent = { log: openLog({ level: 'silent', format: 'json' }) };
  const [sidecar, writing] = await Promise.all([
    startSidecar(configSchema.parse(configOf(node.url)), silent),
    startSidecar(configSchema.parse({ ...configOf(faulty.url), proxy: { allowWrites: true } }), silent),
  ]);
  try {
    const info = infoSchema.parse(JSON.parse((await call(sidecar.url, '/info')).text));
    await fillIndices(node.url, info.encoders);
  } catch (error) {
    await Promise.all([sidecar.close(), writing.close()]);
    throw error;
  }
  return {
    engineUrl: node.url,
    sidecar,
    writing,
    faulty,
    close: async () => {
      await Promise.all([sidecar.close(), writing.close()]);
      await faulty.close();
      await dropIndices(node.url);
      await node.stop();
    },
  };
}

function configOf(engineUrl: string): ConfigInput {
  const profile = { index: `${prefix}-*`, budgetMs: 30_000, window: WINDOW };
  return {
    server: { port: 0, adminPort: 0, shutdownGraceMs: 2_000 },
    opensearch: { nodes: [engineUrl] },
    scorer: { processes: 1 },
    profiles: {
      shop: { ...profile, retrieval: { add: 'vectors', maxAdded: MAX_ADDED } },
      strict: { ...profile, retrieval: { add: 'none' } },
    },
    behaviour: { events: `${prefix}-events`, queries: `${prefix}-queries`, statistics: `${prefix}-statistics` },
    index: { alias: NAMES.items, map: { text: ['title', 'description'], price: 'price', rating: 'rating', brand: 'brand' } },
  };
}

async function fillIndices(engineUrl: string, encoders: ProductIndexMeta['encoders']): Promise<void> {
  await dropIndices(engineUrl);
  const entries = [...generateShop({ values: 'demo', count: 120, seed: 11 })];
  const texts = await vectorsOf(entries);
  const bodies = productBodies(encoders);
  await put(engineUrl, `/${NAMES.items}`, bodies.items);
  await put(engineUrl, `/${NAMES.more}`, bodies.more);
  await put(engineUrl, `/${NAMES.family}`, bodies.family);
  await put(engineUrl, `/${NAMES.foreign}`, bodies.more);
  await put(engineUrl, `/${NAMES.plain}`, PLAIN_BODY);
  await put(engineUrl, `/${NAMES.closed}`, { settings: { number_of_shards: 1, number_of_replicas: 0 } });
  const documents = entries.map((entry, place) => documentOf(entry, { place, text: texts[place] ?? [], dims: encoders.image?.dims ?? 0 }));
  await bulk(engineUrl, [
    ...documents.slice(0, 96).map((source, place) => ({ index: NAMES.items, id: idOf(entries[place], place), source })),
    ...documents.slice(96).map((source, place) => ({ index: NAMES.more, id: idOf(entries[place % 2 === 0 ? place : 96 + place], place), source })),
    ...documents.slice(0, 24).map((source, place) => ({ index: NAMES.foreign, id: `f${place}`, source })),
    ...documents.slice(0, 32).map((source, place) => ({ index: NAMES.family, id: `p${place}`, source: { ...source, family: 'product' } })),
    ...offersOf(32),
  ]);
  await bulkLines(engineUrl, plainLines());
  await send(engineUrl, 'POST', `/${NAMES.closed}/_close`);
  await send(engineUrl, 'POST', '/_aliases', {
    actions: [
      { add: { index: NAMES.items, alias: NAMES.cheap, filter: { range: { price: { lt: 60 } } } } },
      { add: { index: NAMES.family, alias: NAMES.routed, routing: 'p1' } },
    ],
  });
  await put(engineUrl, `/_search/pipeline/${NAMES.pipeline}`, HYBRID_PIPELINE);
  await put(engineUrl, `/_scripts/${NAMES.template}`, { script: { lang: 'mustache', source: STORED_TEMPLATE } });
}

/** Min-max scores of a hybrid's two clauses, weighed. */
export const HYBRID_PIPELINE = {
  phase_results_processors: [
    {
      'normalization-processor': {
        normalization: { technique: 'min_max' },
        combination: { technique: 'arithmetic_mean', parameters: { weights: [0.6, 0.4] } },
      },
    },
  ],
};

export const STORED_TEMPLATE =
  '{"query":{"match":{"title":"{{words}}"}},"size":"{{size}}{{^size}}10{{/size}}","from":"{{from}}{{^from}}0{{/from}}"}';

async function vectorsOf(entries: readonly ShopEntry[]): Promise<number[][]> {
  const encoder = await openTextEncoder({ path: 'builtin' });
  try {
    return (await encoder.encode(entries.map(({ product }) => `${product.title}. ${product.description}`))).map((vector) => [...vector]);
  } finally {
    await encoder.close();
  }
}

function productBodies(encoders: ProductIndexMeta['encoders']): Record<'items' | 'more' | 'family', object> {
  const spread: [number, number] = [0.1, 0.2];
  const meta: ProductIndexMeta = {
    version: 1,
    roles: {
      id: 'id',
      text: ['title', 'description'],
      image: 'image',
      price: 'price',
      rating: 'rating',
      ratingCount: 'rating_count',
      brand: 'brand',
      category: 'category',
      group: 'style',
      keywords: ['material', 'tags'],
    },
    vector_fields: ['title', 'description'],
    language: 'english',
    engine: 'lucene',
    encoders,
    cosine_stats: {
      'query_text:item_text': spread,
      'query_image:item_image': spread,
      'query_head:item_image': spread,
      'item_text:item_text': spread,
      'item_image:item_image': spread,
    },
    head: null,
  };
  const bodyWith = (shards: number, properties: object): object => {
    const body = productIndexBody({ meta, shards, replicas: 0 });
    return { ...body, mappings: { ...body.mappings, properties: { ...mappingSchema.parse(body.mappings).properties, ...properties } } };
  };
  return {
    items: bodyWith(2, FURTHER_FIELDS),
    more: bodyWith(1, FURTHER_FIELDS),
    family: bodyWith(2, { family: { type: 'join', relations: { product: 'offer' } }, seller: { type: 'keyword' }, offer_price: { type: 'double' } }),
  };
}

const mappingSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()) });

const FURTHER_FIELDS = {
  created: { type: 'date' },
  stock: { type: 'integer' },
  place: { type: 'geo_point' },
  complete: { type: 'completion', contexts: [{ name: 'material', type: 'category' }] },
  prose: { type: 'text', analyzer: 'english', term_vector: 'with_positions_offsets' },
  stored_title: { type: 'text', store: true },
  'naïve': { type: 'keyword' },
  variants: {
    type: 'nested',
    properties: { size: { type: 'keyword' }, colour: { type: 'keyword' }, stock: { type: 'integer' }, note: { type: 'text' } },
  },
};

function idOf(entry: ShopEntry | undefined, place: number): string {
  return ODD_IDS[Math.floor(place / 7)] !== undefined && place % 7 === 3 ? (ODD_IDS[Math.floor(place / 7)] ?? '') : (entry?.product.id ?? `x${place}`);
}

function documentOf({ product, latent }: ShopEntry, of: { place: number; text: readonly number[]; dims: number }): Record<string, unknown> {
  const { place } = of;
  return {
    ...product,
    style: latent.style,
    tags: [latent.colour, latent.pattern],
    created: new Date(Date.UTC(2024, place % 12, 1 + (place % 28))).toISOString(),
    stock: place % 5,
    place: { lat: 50 + (place % 10) / 10, lon: 8 + (place % 7) / 10 },
    complete: { input: [product.title], weight: 1 + (place % 9), contexts: { material: [latent.material] } },
    prose: `${product.title}. ${product.description}`,
    stored_title: product.title,
    ['naïve']: place % 2 === 0 ? 'ja' : 'nein',
    attributes: { '__proto__x': place, constructor: 'made', 'größe': '鞋', exact: 9007199254740993, tiny: 1e-320, half: 0.1 },
    variants: ['S', 'M', 'L'].map((size, step) => ({
      size,
      colour: step === 0 ? latent.colour : 'white',
      stock: (place + step) % 4,
      note: `${latent.material} in ${size}`,
    })),
    [PRODUCT.textVector]: of.text,
    [PRODUCT.imageVector]: seededUnitVector(`${latent.colour} ${latent.pattern}`, place, of.dims),
    [PRODUCT.contentHash]: `hash-${place}`,
    [PRODUCT.groupKey]: latent.style,
  };
}

/** Products of one look get vectors near each other. */
function seededUnitVector(look: string, place: number, dims: number): number[] {
  const draw = (seed: string): number[] => {
    const numbers: number[] = [];
    for (let block = 0; numbers.length < dims; block += 1) {
      for (const byte of createHash('sha512').update(`${seed} ${block}`).digest()) numbers.push(byte / 127.5 - 1);
    }
    return numbers.slice(0, dims);
  };
  const [shared, own] = [draw(look), draw(`${look} ${place}`)];
  const mixed = shared.map((value, at) => value + 0.3 * (own[at] ?? 0));
  const length = Math.hypot(...mixed);
  return mixed.map((value) => Math.fround(value / length));
}

interface BulkItem {
  readonly index: string;
  readonly id: string;
  readonly source: Record<string, unknown>;
  readonly routing?: string;
}

function offersOf(products: number): BulkItem[] {
  return Array.from({ length: products * 2 }, (_, place) => {
    const parent = `p${Math.floor(place / 2)}`;
    const source = { family: { name: 'offer', parent }, seller: `seller-${place % 3}`, offer_price: 10 + place, [PRODUCT.rankKey]: `o${place}` };
    return { index: NAMES.family, id: `o${place}`, routing: parent, source };
  });
}

async function bulk(engineUrl: string, items: readonly BulkItem[]): Promise<void> {
  await bulkLines(
    engineUrl,
    items.flatMap(({ index, id, routing, source }) => [
      JSON.stringify({ index: { _index: index, _id: id, ...(routing === undefined ? {} : { routing }) } }),
      JSON.stringify({ [PRODUCT.rankKey]: id, ...source }),
    ]),
  );
}

async function bulkLines(engineUrl: string, lines: readonly string[]): Promise<void> {
  const answer = await send(engineUrl, 'POST', '/_bulk?refresh=true', `${lines.join('\n')}\n`);
  const { errors } = z.object({ errors: z.boolean() }).parse(JSON.parse(answer.text));
  if (errors) throw new Error(`the engine refused documents: ${answer.text.slice(0, 1000)}`);
}

const PLAIN_BODY = {
  settings: { number_of_shards: 1, number_of_replicas: 0 },
  mappings: {
    dynamic: false,
    properties: {
      title: { type: 'text', analyzer: 'english' },
      description: { type: 'text', analyzer: 'english' },
      brand: { type: 'keyword' },
      price: { type: 'double' },
      rating: { type: 'float' },
      huge: { type: 'unsigned_long' },
      double: { type: 'double' },
    },
  },
};

/** Sources written by hand, since no program would write such numbers. */
function plainLines(): string[] {
  const numbers = ['9223372036854775808', '-0', '-0.0', '1e-320', '4.9E-324', '1.7976931348623157e308', '0.1000000000000000055511151231257827', '1E2'];
  return Array.from({ length: 24 }, (_, place) => {
    const id = ODD_IDS[place] ?? `n${place}`;
    const odd = numbers[place % numbers.length] ?? '0';
    return [
      `{"index":{"_index":"${NAMES.plain}","_id":${JSON.stringify(id)}}}`,
      `{ "title" : "boots ${'sturdy '.repeat(1 + (place % 3))}${place}","price":${10 + place}.50, "brand":"b${place % 3}","rating":${1 + (place % 5)},` +
        `"odd":${odd},"huge":${place === 0 ? '18446744073709551615' : place},"double":${place}e-3,` +
        `"__proto__":{"polluted":true},"constructor":{"prototype":1},"\\u0041\\ud83d\\udc5e":"\\u00e9\\/","empty":{},"list":[ ]}`,
    ];
  }).flat();
}

async function dropIndices(engineUrl: string): Promise<void> {
  for (const name of [NAMES.items, NAMES.more, NAMES.plain, NAMES.family, NAMES.closed, NAMES.foreign, NAMES.written]) {
    await call(engineUrl, `/${name}?ignore_unavailable=true`, { method: 'DELETE' });
  }
  await call(engineUrl, `/${prefix}-events,${prefix}-queries?ignore_unavailable=true`, { method: 'DELETE' });
  await call(engineUrl, `/_search/pipeline/${NAMES.pipeline}`, { method: 'DELETE' });
  await call(engineUrl, `/_scripts/${NAMES.template}`, { method: 'DELETE' });
}

const put = (engineUrl: string, path: string, body: object): Promise<Answer> => send(engineUrl, 'PUT', path, body);

async function send(engineUrl: string, method: string, path: string, body?: object | string): Promise<Answer> {
  const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  const answer = await call(engineUrl, path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(text === undefined ? {} : { body: text }),
  });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 1000)}`);
  return answer;
}

/** The body as text, unpacked where it came packed. */
export function unpacked(answer: Answer): string {
  return (answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answer.body) : answer.body).toString('utf8');
}
