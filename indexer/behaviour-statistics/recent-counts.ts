import { z } from 'zod';
import { EVENT } from '../../mappings/behaviour-index.js';
import { identifyAction } from '../../models/feature-set.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { SHOPPER_FIELDS, type EventFields } from '../events/event-fields.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { ACTION } from './shopper-contribution.js';

export const RECENT_MS = 7 * 24 * 3_600_000;

/** Events of the last 7 days by place in the catalogue. */
export interface RecentCounts {
  views: Uint32Array;
  carts: Uint32Array;
  purchases: Uint32Array;
}

const PAGE = 5_000;
const bucketsAnswer = z.object({
  aggregations: z.object({
    counts: z.object({
      after_key: z.record(z.string(), z.unknown()).optional(),
      buckets: z.array(
        z.object({
          key: z.object({ object: z.union([z.string(), z.number()]), action: z.union([z.string(), z.number()]) }),
          doc_count: z.int(),
        }),
      ),
    }),
  }),
});

/**
 * Counts the events of a short window by product and action in the engine: a moving window can't be kept as a sum that only grows.
 * @param window milliseconds since 1970, from inclusive, until exclusive
 */
export async function countRecentEvents(
  client: EngineClient,
  index: string,
  options: { fields: EventFields; window: { from: number; until: number }; catalogue: CountedCatalogue; signal?: AbortSignal | undefined },
): Promise<RecentCounts> {
  const { fields, window, catalogue } = options;
  const counters = (): Uint32Array => new Uint32Array(catalogue.ids.length);
  const counts: RecentCounts = { views: counters(), carts: counters(), purchases: counters() };
  const byAction = new Map([
    [ACTION.view, counts.views],
    [ACTION.cart, counts.carts],
    [ACTION.purchase, counts.purchases],
  ] as [number, Uint32Array][]);
  for (let after: Record<string, unknown> | undefined; ;) {
    options.signal?.throwIfAborted();
    const answer = await askEngine(client, {
      method: 'POST',
      path: indexPath(index, '_search'),
      body: {
        size: 0,
        query: {
          bool: {
            filter: [{ range: { [EVENT.timestamp]: { gte: window.from, lt: window.until, format: 'epoch_millis' } } }],
            should: SHOPPER_FIELDS.map((field) => ({ exists: { field } })),
            minimum_should_match: 1,
          },
        },
        aggs: {
          counts: {
            composite: {
              size: PAGE,
              sources: [{ object: { terms: { field: fields.object } } }, { action: { terms: { field: fields.action } } }],
              ...(after === undefined ? {} : { after }),
            },
          },
        },
      },
    });
    const { buckets, after_key } = bucketsAnswer.parse(answer.body).aggregations.counts;
    for (const { key, doc_count } of buckets) {
      const item = catalogue.places.get(String(key.object));
      const counter = byAction.get(identifyAction(String(key.action)));
      if (item !== undefined && counter) counter[item] = (counter[item] ?? 0) + doc_count;
    }
    if (buckets.length < PAGE || after_key === undefined) return counts;
    after = after_key;
  }
}
