import { z } from 'zod';
import { PRODUCT } from '../../mappings/product-index.js';
import { identifyAction, PURCHASE } from '../../models/feature-set.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { Json } from '../json/value.js';
import type { RankRequest } from '../scorer.js';
import { readVector, type Probe } from './vector-neighbours.js';

/** A product of a shopper's history, with how much it says of what the shopper wants now; the largest is 1. */
export interface Interest {
  readonly id: string;
  readonly weight: number;
}

/** Products that candidates are looked for around: with two vectors each, twelve clauses. */
const LOOKED_AROUND = 6;
/** What is left of an event's weight after each other product that was met later; chosen on the data sets of docs/quality.md. */
const DECAY = 0.6;
const IMPRESSION = identifyAction('impression');
/** By action id: unknown, impression, click, cart, purchase. What is bought is mostly wanted no more. */
const ACTION_WEIGHT: readonly number[] = [0.5, 0.1, 1, 1.5, 0.7];

/**
 * Products of a history, the newest weighing most; a product touched again and again weighs more. What was merely shown ages nothing, and
 * neither does the way of one product from click to purchase age the others more than once. Heaviest first.
 */
export function weighInterests(history: RankRequest['history']): Interest[] {
  const weights = new Map<string, number>();
  const since = new Set<string>();
  for (const { objectId, action } of [...history].reverse()) {
    const age = since.size - (since.has(objectId) ? 1 : 0);
    weights.set(objectId, (weights.get(objectId) ?? 0) + DECAY ** age * (ACTION_WEIGHT[identifyAction(action)] ?? 0));
    if (identifyAction(action) !== IMPRESSION) since.add(objectId);
  }
  const most = Math.max(0, ...weights.values());
  return [...weights].map(([id, weight]) => ({ id, weight: most === 0 ? 0 : weight / most })).sort((a, b) => b.weight - a.weight);
}

/** Ids of a history that a page leaves out. */
export function excludedIds(history: RankRequest['history'], exclude: 'nothing' | 'bought' | 'seen'): string[] {
  if (exclude === 'nothing') return [];
  const left = history.filter(({ action }) => exclude === 'seen' || identifyAction(action) === PURCHASE);
  return [...new Set(left.map(({ objectId }) => objectId))];
}

const searchAnswer = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.record(z.string(), z.custom<Json>()).default({}) })) }),
});

/** Vectors to look around, of the interests that weigh most. Read with the service's own account: they are weighed, never shown. */
export async function probeInterests(interests: readonly Interest[], indices: readonly string[], engine: EngineClient): Promise<Probe[]> {
  const near = new Map(interests.slice(0, LOOKED_AROUND).map(({ id, weight }) => [id, weight]));
  if (near.size === 0) return [];
  const answer = await engine.search({
    index: [...indices],
    body: {
      query: { ids: { values: [...near.keys()] } },
      size: near.size * indices.length,
      _source: [PRODUCT.textVector, PRODUCT.imageVector],
      track_total_hits: false,
    },
  });
  return searchAnswer.parse(answer.body).hits.hits.flatMap(({ _id, _source }): Probe[] => {
    const weight = near.get(_id) ?? 0;
    const text = readVector(_source[PRODUCT.textVector]);
    const image = readVector(_source[PRODUCT.imageVector]);
    return [
      ...(text ? [{ field: 'text', vector: text, pair: 'item_text:item_text', weight } as const] : []),
      ...(image ? [{ field: 'image', vector: image, pair: 'item_image:item_image', weight } as const] : []),
    ];
  });
}
