import { z } from 'zod';
import type { IndexBody } from './product-index.js';

/** Length of an item's behaviour factor. */
export const FACTOR_DIMS = 32;

/** Fields of one product in the statistics index; the document's id is the product's. */
export const ITEM_STATISTICS = {
  /** Copy of the id to page by: an id itself has no doc values. */
  itemId: 'item_id',
  popularity: 'popularity',
  popularity7d: 'popularity_7d',
  neighbourIds: 'neighbour_ids',
  neighbourCosines: 'neighbour_cosines',
} as const;

const count = z.number().nonnegative();
const share = z.number().min(0).max(1);

/**
 * What shoppers did with one product. Counts are of events; a product that fewer than five distinct shoppers touched has null in
 * every member that counts or ranks it, and only the neighbours and the factor that the operator's own threshold lets through.
 */
export const itemStatisticsSchema = z.object({
  [ITEM_STATISTICS.itemId]: z.string(),
  /** Distinct shoppers of all time. */
  users: count.nullable(),
  impressions: count.nullable(),
  views: count.nullable(),
  carts: count.nullable(),
  purchases: count.nullable(),
  /** The same within the 7 days before `until`. */
  views_7d: count.nullable(),
  carts_7d: count.nullable(),
  purchases_7d: count.nullable(),
  /** Clicks per impression and purchases per click, smoothed towards the catalogue's own rate; null where the events hold no impressions or no purchases at all. */
  ctr: share.nullable(),
  cvr: share.nullable(),
  /** Share of the counted products with fewer events (ties count half), of all time, of 7 days, and among those of its own narrowest category. */
  popularity: share.nullable(),
  popularity_7d: share.nullable(),
  popularity_in_category: share.nullable(),
  /** The products most often met in the same histories, heaviest first; all three lists are equally long. */
  neighbour_ids: z.array(z.string()),
  /** Sum over meetings of decay^(events between them), both directions. */
  neighbour_weights: z.array(z.number().positive()),
  /** The same weight over √(sum of weights of one · sum of weights of the other), 0–1: the cosine of item-kNN. */
  neighbour_cosines: z.array(share),
  /** Unit vector of FACTOR_DIMS numbers in which products with like neighbours lie close; null without neighbours. */
  factor: z.array(z.number()).nullable(),
});
export type ItemStatisticsDocument = z.output<typeof itemStatisticsSchema>;

/** What a statistics index says of itself, at `mappings._meta.fuserank_statistics`. */
const statisticsMetaSchema = z.object({
  version: z.literal(1),
  /** Alias of the catalogue whose products are counted. */
  catalogue: z.string(),
  /** Index of the events. */
  events: z.string(),
  /** No event at or after this moment is counted (ISO 8601): training rows with older targets are refused. */
  until: z.iso.datetime(),
  counted: z.object({ events: count, users: count, items: count, pairs: count }),
  /** Shoppers that a pair of products must have met in the histories of. */
  min_users_per_pair: z.int().min(1),
});
export type StatisticsMeta = z.output<typeof statisticsMetaSchema>;

const META_KEY = 'fuserank_statistics';

/** Body of one version of the statistics index. Nothing is searched: rows are read by id, page by page, or the most popular first. */
export function statisticsIndexBody(meta: StatisticsMeta): IndexBody {
  return {
    settings: { index: { number_of_shards: 1, auto_expand_replicas: '0-1' } },
    mappings: {
      dynamic: false,
      _meta: { [META_KEY]: statisticsMetaSchema.parse(meta) },
      properties: {
        [ITEM_STATISTICS.itemId]: { type: 'keyword' },
        [ITEM_STATISTICS.popularity]: { type: 'float', index: false },
        [ITEM_STATISTICS.popularity7d]: { type: 'float', index: false },
      },
    },
  };
}

/**
 * Reads the stamp from a mapping (`{_meta, properties}` as in GET _mapping). Null when the index is not one of ours.
 * @throws Error when the stamp does not hold together
 */
export function readStatisticsMeta(mappings: unknown): StatisticsMeta | null {
  const holder = z.object({ _meta: z.object({ [META_KEY]: z.unknown() }) }).safeParse(mappings);
  const stamp = holder.success ? holder.data._meta[META_KEY] : undefined;
  if (stamp === undefined) return null;
  const parsed = statisticsMetaSchema.safeParse(stamp);
  if (!parsed.success) throw new Error(`_meta.${META_KEY} is broken (${z.prettifyError(parsed.error)}); run fuserank statistics --full`);
  return parsed.data;
}
