import { configSchema, type Config } from '../../config/schema.js';
import { eventsIndexBody } from '../../mappings/behaviour-index.js';
import { PRODUCT, productIndexBody } from '../../mappings/product-index.js';
import {
  ITEM_STATISTICS,
  itemStatisticsSchema,
  readStatisticsMeta,
  type ItemStatisticsDocument,
  type StatisticsMeta,
} from '../../mappings/statistics-index.js';
import { identifyRecord, ubiEventSchema } from '../../mappings/ubi-event.js';
import { seedStream } from '../../models/random-stream.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';
import { z } from 'zod';

export interface ShopEvent {
  action_name: string;
  timestamp: string;
  user_id?: string;
  client_id?: string;
  session_id?: string;
  event_attributes?: { object: { object_id: string | number } };
}

/** A catalogue of fourteen products without vectors, and events, on a real OpenSearch. */
export interface StatisticsShop {
  node: LocalNode;
  engine: EngineClient;
  /** All names begin with it. */
  prefix: string;
  catalogue: string;
  config(behaviour?: Partial<Config['behaviour']>): Config;
  ask(method: string, path: string, body?: object): Promise<unknown>;
  store(index: string, events: readonly ShopEvent[]): Promise<void>;
  documents(alias: string): Promise<ItemStatisticsDocument[]>;
  version(alias: string): Promise<{ name: string; meta: StatisticsMeta }>;
  indices(pattern: string): Promise<string[]>;
  close(): Promise<void>;
}

export const PRODUCTS = Array.from({ length: 14 }, (_, at) => ({ id: `p${at + 10}`, category: ['all', `c${at % 3}`] }));
export const DAY = 24 * 3_600_000;
/** Events lie within the 30 days before. */
export const END = Date.parse('2026-03-01T00:00:00Z');

export async function openStatisticsShop(name: string): Promise<StatisticsShop> {
  const node = await findOrStartNode({ name: 'test' });
  const prefix = `${name}-${process.pid}`;
  const catalogue = `${prefix}-products`;
  const config = (behaviour: Partial<Config['behaviour']> = {}): Config =>
    configSchema.parse({
      opensearch: { nodes: [node.url] },
      behaviour: { events: `${prefix}-events`, statistics: `${prefix}-statistics`, ...behaviour },
    });
  const engine = connectEngine(config().opensearch);
  const ask: StatisticsShop['ask'] = async (method, path, body) => {
    const answer: { body: unknown } = await engine.transport.request({ method, path, ...(body ? { body: { ...body } } : {}) });
    return answer.body;
  };
  const bulk = async (index: string, entries: readonly { id: string; source: object }[]): Promise<void> => {
    if (entries.length === 0) return;
    const bulkBody = entries.map(({ id, source }) => `${JSON.stringify({ index: { _id: id } })}\n${JSON.stringify(source)}\n`).join('');
    await engine.transport.request({ method: 'POST', path: `/${index}/_bulk`, querystring: { refresh: 'true' }, bulkBody });
  };
  const none = { 'query_text:item_text': null, 'query_image:item_image': null, 'query_head:item_image': null };
  const meta = {
    version: 1 as const,
    roles: {
      ...{ id: 'id', text: ['title'], image: null, price: null, rating: null, ratingCount: null, brand: null },
      ...{ category: 'category', group: null, keywords: [] },
    },
    vector_fields: [],
    language: 'english',
    engine: 'lucene' as const,
    encoders: { text: null, image: null },
    cosine_stats: { ...none, 'item_text:item_text': null, 'item_image:item_image': null },
    head: null,
  };
  await ask('PUT', `/${catalogue}-v1`, productIndexBody({ meta }));
  await bulk(
    `${catalogue}-v1`,
    PRODUCTS.map((product) => ({ id: product.id, source: { ...product, [PRODUCT.rankKey]: product.id } })),
  );
  await ask('POST', '/_aliases', { actions: [{ add: { index: `${catalogue}-v1`, alias: catalogue } }] });
  await ask('PUT', `/${prefix}-events`, eventsIndexBody());
  return {
    node,
    engine,
    prefix,
    catalogue,
    config,
    ask,
    store: (index, events) =>
      bulk(
        index,
        events.map((event) => ({ id: identifyRecord(ubiEventSchema.parse(event)), source: event })),
      ),
    async documents(alias) {
      const answer = z
        .object({ hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: itemStatisticsSchema })) }) })
        .parse(await ask('POST', `/${alias}/_search`, { size: 1_000, sort: [{ [ITEM_STATISTICS.itemId]: 'asc' }] }));
      return answer.hits.hits.map(({ _source }) => _source);
    },
    async version(alias) {
      const answer = z.record(z.string(), z.object({ mappings: z.unknown() })).parse(await ask('GET', `/${alias}/_mapping`));
      const [entry, ...more] = Object.entries(answer);
      const stamp = entry && readStatisticsMeta(entry[1].mappings);
      if (!entry || !stamp || more.length > 0) throw new Error(`${alias} does not stand for one statistics index`);
      return { name: entry[0], meta: stamp };
    },
    indices: async (pattern) => Object.keys(z.record(z.string(), z.unknown()).parse(await ask('GET', `/${pattern}/_alias`))).sort(),
    async close() {
      await ask('DELETE', `/${prefix}*`);
      await engine.close();
      await node.stop();
    },
  };
}

/** Events of forty shoppers, named by user, client or session, over the thirty days before END; oldest first. */
export function drawEvents(options: { seed: number; count: number; products?: number }): ShopEvent[] {
  const random = seedStream(options.seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const events = Array.from({ length: options.count }, (_, at): ShopEvent => {
    const shopper = below(40);
    const who =
      shopper < 20
        ? { user_id: `u${shopper}`, client_id: `c${below(3)}` }
        : shopper < 32
          ? { client_id: `c${shopper}` }
          : { session_id: `s${shopper}` };
    // Popular products come first in the list; a shopper keeps to a neighbourhood of it.
    const product = PRODUCTS[(shopper % 3) + Math.floor(random() ** 2 * (options.products ?? 10))]?.id ?? 'p10';
    const action = ['impression', 'click', 'click', 'view', 'add_to_cart', 'purchase'][below(6)] ?? 'click';
    const time = new Date(END - 30 * DAY + Math.floor((at / options.count) * 30 * DAY));
    return { action_name: action, timestamp: time.toISOString(), ...who, event_attributes: { object: { object_id: product } } };
  });
  return events;
}
