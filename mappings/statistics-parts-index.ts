import { z } from 'zod';
import type { IndexBody } from './product-index.js';

/** Name of the index that keeps the sums behind a statistics alias. */
export function partsIndexName(alias: string): string {
  return `${alias}-parts`;
}

/** Fields by which the documents of a parts index are found. */
export const PART = {
  kind: 'kind',
  /** `i/n`. */
  slice: 'slice',
  /** The run that wrote a row; a row counts once the slice's state lists its generation. */
  generation: 'generation',
  itemId: 'item_id',
} as const;

const count = z.number().nonnegative();

/** Sums of one product over the shoppers of one slice, as one run found them; rows of several generations add up. */
export const partRowSchema = z.object({
  [PART.kind]: z.literal('row'),
  [PART.slice]: z.string(),
  [PART.generation]: z.string(),
  [PART.itemId]: z.string(),
  users: count,
  impressions: count,
  views: count,
  carts: count,
  purchases: count,
  /** Pairs with products further on in the catalogue: each pair stands in one row. Below no threshold, so not for other eyes. */
  pairs: z.object({ ids: z.array(z.string()), weights: z.array(z.number().positive()), users: z.array(count) }),
});
export type PartRow = z.output<typeof partRowSchema>;

/** A run that is under way, or was when it was cut off. */
const runSchema = z.object({ owner: z.string(), renewed: z.iso.datetime() }).nullable();

/** What a slice's rows stand for. Written in one step when they are all there. */
export const partStateSchema = z.object({
  [PART.kind]: z.literal('state'),
  [PART.slice]: z.string(),
  run: runSchema,
  catalogue: z.string(),
  events: z.string(),
  since: z.iso.datetime().nullable(),
  /** Null: nothing is counted yet. */
  until: z.iso.datetime().nullable(),
  generations: z.array(z.string()),
  counted: z.object({ events: count, users: count }),
});
export type PartState = z.output<typeof partStateSchema>;

/** Held while all parts are merged. */
export const partMergeSchema = z.object({ [PART.kind]: z.literal('merge'), run: runSchema, until: z.iso.datetime() });
export type PartMerge = z.output<typeof partMergeSchema>;

export function partsIndexBody(): IndexBody {
  const keyword = { type: 'keyword' };
  return {
    settings: { index: { number_of_shards: 1, auto_expand_replicas: '0-1', codec: 'best_compression' } },
    mappings: {
      dynamic: false,
      properties: { [PART.kind]: keyword, [PART.slice]: keyword, [PART.generation]: keyword, [PART.itemId]: keyword },
    },
  };
}
