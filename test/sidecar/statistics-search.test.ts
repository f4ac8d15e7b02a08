import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { profileSchema } from '../../config/schema.js';
import { statisticsIndexBody, type ItemStatisticsDocument, type StatisticsMeta } from '../../mappings/statistics-index.js';
import { COLUMN_RANKERS } from '../../models/column-ranker.js';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type LoggedList, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';

const QUIET = openLog({ level: 'silent', format: 'json' });
const UNTIL = ['2026-03-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'] as const;
/** Statistics are asked for again every ten seconds. */
const NOTICED = { timeout: 30_000, interval: 500 };

const answerSchema = z.object({
  hits: z.object({
    hits: z.array(
      z.object({
        _id: z.string(),
        fields: z.object({ _fuserank: z.array(z.object({ final: z.number(), shares: z.record(z.string(), z.number()) })) }).optional(),
      }),
    ),
  }),
});

let house: House;
let sidecar: Sidecar;
/** Beside it, one whose alias of statistics does not exist. */
let uncounting: Sidecar;
const logged: LoggedList[] = [];
/** Products in the engine's order of a query for all of them. */
let ids: string[];

beforeAll(async () => {
  house = await openHouse({ products: 60 });
  ids = [...(await house.direct({ query: { match_all: {} }, size: 60 })).ids];
  const rankers = ['builtin', ...Object.keys(COLUMN_RANKERS)];
  const serving = { index: house.alias, window: 60, blend: 1, budgetMs: 5_000, retrieval: { add: 'none' as const } };
  const config = {
    ...house.config,
    profiles: Object.fromEntries(rankers.map((ranker) => [ranker, profileSchema.parse({ ...serving, ranker })])),
    observability: { ...house.config.observability, featureLog: { folder: null, sample: 1 } },
  };
  await writeStatistics('1', UNTIL[0], firstVersion());
  sidecar = await startSidecar(config, { log: QUIET, onRankedList: (list) => logged.push(list) });
  const nothing = { ...config.behaviour, statistics: `${house.alias}-nothing` };
  uncounting = await startSidecar({ ...config, behaviour: nothing }, { log: QUIET });
});
afterAll(async () => {
  await sidecar.close();
  await uncounting.close();
  await house.close();
});

/** The product at a place of the engine's order. */
function at(place: number): string {
  return ids[place] ?? '';
}

/** The last product is the most popular, the one before it the next; the fifth and the tenth were met with the thirtieth. */
function firstVersion(): ItemStatisticsDocument[] {
  return [
    counted(at(59), { popularity: 0.9, popularity_7d: 0.1, popularity_in_category: 0.5 }),
    counted(at(58), { popularity: 0.8, popularity_7d: 0.2, popularity_in_category: 0.7 }),
    counted(at(30), { neighbour_ids: [at(10), at(5)], neighbour_weights: [9, 2], neighbour_cosines: [0.1, 0.3] }),
    counted(at(10), { neighbour_ids: [at(30)], neighbour_weights: [9], neighbour_cosines: [0.1] }),
    // Its own list of neighbours was cut: only the thirtieth remembers the fifth.
    counted(at(5), { neighbour_ids: [], neighbour_weights: [], neighbour_cosines: [] }),
  ];
}

function counted(id: string, fields: Partial<ItemStatisticsDocument>): ItemStatisticsDocument {
  const counts = { users: 9, impressions: null, views: 9, carts: 2, purchases: 1, views_7d: 3, carts_7d: 1, purchases_7d: 0 };
  const shares = { ctr: null, cvr: 0.2, popularity: null, popularity_7d: null, popularity_in_category: null };
  return { item_id: id, ...counts, ...shares, neighbour_ids: [], neighbour_weights: [], neighbour_cosines: [], factor: null, ...fields };
}

/** Writes a version whole, then swaps the alias to it. */
async function writeStatistics(
  stamp: string,
  until: string,
  documents: readonly ItemStatisticsDocument[],
  catalogue = house.alias,
): Promise<void> {
  const { engine, config } = house;
  const alias = config.behaviour.statistics;
  const meta: StatisticsMeta = {
    version: 1,
    catalogue,
    events: config.behaviour.events,
    until,
    counted: { events: 100, users: 9, items: documents.length, pairs: 2 },
    min_users_per_pair: 2,
  };
  const index = `${alias}-${stamp}`;
  await engine.indices.create({ index, body: statisticsIndexBody(meta) });
  for (const document of documents) await engine.index({ index, id: document.item_id, body: document });
  await engine.indices.refresh({ index });
  await engine.indices.updateAliases({
    body: { actions: [{ remove: { index: `${alias}-*`, alias, must_exist: false } }, { add: { index, alias } }] },
  });
}

async function search(
  profile: string,
  options: { history?: string[]; explain?: boolean; through?: Sidecar } = {},
): Promise<z.output<typeof answerSchema>['hits']['hits']> {
  const history = (options.history ?? []).map((id) => ({ object_id: id, action_name: 'click', age_s: 60 }));
  const response = await fetch(`${(options.through ?? sidecar).url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: { match_all: {} },
      size: 60,
      ext: { fuserank: { profile, history, explain: options.explain ?? false } },
    }),
  });
  expect(response.headers.get('x-fuserank')).toMatch(/^applied/);
  return answerSchema.parse(await response.json()).hits.hits;
}

async function order(profile: string, history: string[] = [], through = sidecar): Promise<string[]> {
  return (await search(profile, { history, through })).map((hit) => hit._id);
}

/** The engine's order with some products before all others. */
function led(by: readonly string[]): string[] {
  return [...by, ...ids.filter((id) => !by.includes(id))];
}

describe('a ranker that is a column of the statistics', () => {
  it('orders by it, and by the first phase where it says nothing', async () => {
    expect(await order('popularity')).toEqual(led([at(59), at(58)]));
    expect(await order('popularity-7d')).toEqual(led([at(58), at(59)]));
    expect(await order('popularity-in-category')).toEqual(led([at(58), at(59)]));
  });

  it('finds a pair at either of its two products, by weight and by cosine', async () => {
    expect(await order('co-visitation', [at(30)])).toEqual(led([at(10), at(5)]));
    expect(await order('item-knn', [at(30)])).toEqual(led([at(5), at(10)]));
    expect(await order('co-visitation', [at(5)])).toEqual(led([at(30)]));
    expect(await order('co-visitation')).toEqual(ids);
  });

  it('says its name, and explains itself by what shoppers did', async () => {
    const [best] = await search('popularity', { explain: true });
    const explanation = best?.fields?._fuserank[0];
    const shares = Object.values(explanation?.shares ?? {});
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(explanation?.final ?? Number.NaN, 6);
    expect(explanation?.shares.behaviour).toBeGreaterThan(1);
    expect(explanation?.shares.query_text).toBe(0);
  });

  it('orders by likeness with the last product, that product first', async () => {
    const [first, ...rest] = await order('last-item', [at(3), at(40)]);
    expect(first).toBe(at(40));
    expect(rest).not.toEqual(ids.filter((id) => id !== at(40)));
  });
});

describe('without statistics', () => {
  it('column rankers keep the engine’s order', async () => {
    expect(await order('popularity', [], uncounting)).toEqual(ids);
    expect(await order('co-visitation', [at(30)], uncounting)).toEqual(ids);
  });

  it('the built-in ranker goes by what else it knows; with them, what was met with the shopper’s product comes further up', async () => {
    const [counted, uncounted] = [await order('builtin', [at(30)]), await order('builtin', [at(30)], uncounting)];
    expect([...uncounted].sort()).toEqual([...ids].sort());
    for (const met of [at(5), at(10)]) expect(counted.indexOf(met)).toBeLessThan(uncounted.indexOf(met));
  });
});

describe('what is logged', () => {
  it('holds the columns that the ranker was fed, and how far the statistics had counted', async () => {
    logged.length = 0;
    const ranked = await order('co-visitation', [at(30)]);
    const [list] = logged;
    expect(list).toMatchObject({ model: 'co-visitation@column', statistics_until: UNTIL[0], columns: COLUMN_NAMES });
    const place = COLUMN_NAMES.indexOf('covisit_sum');
    const covisits = new Map(list?.candidates.map(({ id, columns }) => [id, columns[place]]));
    expect(covisits.get(at(10))).toBe(Math.fround(Math.log1p(9)));
    expect(covisits.get(at(5))).toBe(Math.fround(Math.log1p(2)));
    expect([...covisits.values()].filter((value) => value !== 0)).toHaveLength(2);
    expect(ranked[0]).toBe(at(10));
  });
});

describe('another version behind the alias', () => {
  const readInfo = async (): Promise<unknown> => (await fetch(`${sidecar.adminUrl}/info`)).json();

  it('is used without a restart', async () => {
    expect(await readInfo()).toMatchObject({ statistics: { alias: house.config.behaviour.statistics, until: UNTIL[0] } });
    await writeStatistics('2', UNTIL[1], [counted(at(20), { popularity: 0.9 })]);
    await vi.waitFor(async () => expect(await order('popularity')).toEqual(led([at(20)])), NOTICED);
    expect(await readInfo()).toMatchObject({ statistics: { index: `${house.config.behaviour.statistics}-2`, until: UNTIL[1] } });
  });

  it('is not used where it counted another catalogue', async () => {
    await writeStatistics('3', UNTIL[1], [counted(at(20), { popularity: 0.9 })], 'another-shop');
    await vi.waitFor(async () => expect(await order('popularity')).toEqual(ids), NOTICED);
  });
});
