import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CountedCatalogue } from '../../indexer/behaviour-statistics/counted-catalogue.js';
import { describeItems } from '../../indexer/behaviour-statistics/item-statistics.js';
import { mergeParts } from '../../indexer/behaviour-statistics/part-merge.js';
import { addUpRows, rowsOfTally } from '../../indexer/behaviour-statistics/part-rows.js';
import { SliceTally } from '../../indexer/behaviour-statistics/slice-tally.js';
import type { RecentCounts } from '../../indexer/behaviour-statistics/recent-counts.js';
import type { ItemStatisticsDocument } from '../../mappings/statistics-index.js';

const COUNTERS = ['popularity', 'popularity_7d', 'popularity_in_category', 'views_7d', 'carts_7d', 'purchases_7d', 'ctr', 'cvr'] as const;
const WEEK = 7 * 86_400;

const column = z.array(z.number().nullable());
const caseSchema = z.object({
  categories: z.array(z.string().nullable()),
  actions: z.array(z.string()),
  shoppers: z.array(z.array(z.tuple([z.int(), z.int(), z.number()]))),
  counters: z.record(z.enum(COUNTERS), column),
  pairs: z.array(z.tuple([z.int(), z.int(), z.number(), z.number()])),
  factorProducts: z.array(z.array(z.number())),
});
type Case = z.output<typeof caseSchema>;
const [small, large] = z
  .object({ cases: z.tuple([caseSchema, caseSchema]) })
  .parse(JSON.parse(readFileSync(new URL('behaviour.fixture.json', import.meta.url), 'utf8'))).cases;

const idOf = (item: number): string => `p${String(item).padStart(4, '0')}`;

/** What the indexer says of the events of a case. */
async function countCase({ categories, actions, shoppers }: Case): Promise<Map<string, ItemStatisticsDocument>> {
  const ids = categories.map((_, item) => idOf(item));
  const catalogue: CountedCatalogue = { ids, places: new Map(ids.map((id, place) => [id, place])), categories };
  const tally = new SliceTally(catalogue, -Infinity);
  const recent: RecentCounts = {
    views: new Uint32Array(ids.length),
    carts: new Uint32Array(ids.length),
    purchases: new Uint32Array(ids.length),
  };
  const recentOf = [null, recent.views, recent.carts, recent.purchases];
  shoppers.forEach((events, shopper) => {
    tally.add({
      key: String(shopper),
      events: events.map(([item, action, time], at) => ({ id: String(at), time, action: actions[action] ?? '', objectId: idOf(item) })),
    });
    for (const [item, action, time] of events) {
      const counts = time >= -WEEK ? recentOf[action] : null;
      if (counts) counts[item] = (counts[item] ?? 0) + 1;
    }
  });
  const merged = await mergeParts(addUpRows([...rowsOfTally(tally, catalogue, { slice: '1/1', generation: 'all' })]), {
    catalogue,
    minUsersPerPair: 2,
  });
  return new Map([...describeItems(merged, recent, catalogue).documents()].map((document) => [document.item_id, document]));
}

/** [low, high] → weight and cosine, of pairs that either product's list holds. */
function pairsOf(documents: ReadonlyMap<string, ItemStatisticsDocument>): Map<string, [number, number]> {
  const pairs = new Map<string, [number, number]>();
  for (const { item_id, neighbour_ids, neighbour_weights, neighbour_cosines } of documents.values()) {
    neighbour_ids.forEach((other, at) => {
      const key = item_id < other ? `${item_id} ${other}` : `${other} ${item_id}`;
      pairs.set(key, [neighbour_weights[at] ?? 0, neighbour_cosines[at] ?? 0]);
    });
  }
  return pairs;
}

describe.each([
  ['a small shop', small],
  ['a shop whose lists of neighbours are cut', large],
] as const)('models/training counts %s as the indexer does', (_, shop) => {
  it('shares and rates', async () => {
    const documents = await countCase(shop);
    for (const name of COUNTERS) {
      shop.counters[name].forEach((wanted, item) => {
        const found = documents.get(idOf(item))?.[name] ?? null;
        if (wanted === null || found === null) expect([name, item, found]).toEqual([name, item, wanted]);
        else expect(found).toBeCloseTo(wanted, 6);
      });
    }
  });

  it('pairs', async () => {
    const found = pairsOf(await countCase(shop));
    const wanted = new Map(shop.pairs.map(([low, high, weight, cosine]) => [`${idOf(low)} ${idOf(high)}`, [weight, cosine] as const]));
    expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
    for (const [key, [weight, cosine]] of wanted) {
      expect(found.get(key)?.[0]).toBeCloseTo(weight, 4);
      expect(found.get(key)?.[1]).toBeCloseTo(cosine, 5);
    }
  });
});

describe('models/training factorises pairs as the indexer does', () => {
  it('up to a rotation', async () => {
    const documents = await countCase(small);
    small.factorProducts.forEach((row, one) => {
      row.forEach((wanted, other) => {
        const [left, right] = [documents.get(idOf(one))?.factor, documents.get(idOf(other))?.factor];
        const product = left && right ? left.reduce((sum, value, dim) => sum + value * (right[dim] ?? 0), 0) : 0;
        expect(product).toBeCloseTo(wanted, 4);
      });
    });
  });
});
