import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { generateShop } from '../../demo/shop.js';
import { PRODUCT, productIndexMetaSchema, type ProductIndexMeta } from '../../mappings/product-index.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { call, type Answer } from '../sidecar/http-rig.js';
import { openFaultyEngine, type FaultyEngine } from './faulty-engine.js';
import { HYBRID_PIPELINE, MAX_ADDED, NAMES, prefix, STORED_TEMPLATE, TEXT_DIMS, WINDOW } from './names.js';
import { documentOf, idOf, offersOf, PLAIN_BODY, plainLines, productBodies, vectorsOf, type BulkItem } from './products.js';

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
    if (info.encoders.text?.dims !== TEXT_DIMS) throw new Error(`the text encoder has ${info.encoders.text?.dims} dims, not ${TEXT_DIMS}`);
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
    behaviour: {
      events: `${prefix}-events`,
      queries: `${prefix}-queries`,
      statistics: `${prefix}-statistics`,
      erasures: `${prefix}-erasures`,
    },
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
    ...documents
      .slice(96)
      .map((source, place) => ({ index: NAMES.more, id: idOf(entries[place % 2 === 0 ? place : 96 + place], place), source })),
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

async function dropIndices(engineUrl: string): Promise<void> {
  for (const name of [NAMES.items, NAMES.more, NAMES.plain, NAMES.family, NAMES.closed, NAMES.foreign, NAMES.written]) {
    await call(engineUrl, `/${name}?ignore_unavailable=true`, { method: 'DELETE' });
  }
  await call(engineUrl, `/${prefix}-events,${prefix}-queries,${prefix}-erasures?ignore_unavailable=true`, { method: 'DELETE' });
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
