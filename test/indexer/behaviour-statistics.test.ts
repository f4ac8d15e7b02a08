import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { FACTOR_DIMS, itemStatisticsSchema, type ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import type { PartRow } from '../../mappings/statistics-parts-index.js';
import { factorise } from '../../indexer/behaviour-statistics/behaviour-factors.js';
import type { CountedCatalogue } from '../../indexer/behaviour-statistics/counted-catalogue.js';
import { describeItems } from '../../indexer/behaviour-statistics/item-statistics.js';
import { buildPairGraph, heaviestNeighbours, NEIGHBOUR_LIMIT } from '../../indexer/behaviour-statistics/pair-graph.js';
import { PairTable } from '../../indexer/behaviour-statistics/pair-table.js';
import { mergeParts, type MergedParts } from '../../indexer/behaviour-statistics/part-merge.js';
import { addUpRows, rowsOfTally } from '../../indexer/behaviour-statistics/part-rows.js';
import { percentilesOf, percentilesWithin, smoothRate } from '../../indexer/behaviour-statistics/popularity.js';
import {
  contributionOf,
  pairKey,
  splitPairKey,
  type Contribution,
  type CountedEvent,
} from '../../indexer/behaviour-statistics/shopper-contribution.js';
import type { Shopper } from '../../indexer/behaviour-statistics/shopper-stream.js';
import { SliceTally } from '../../indexer/behaviour-statistics/slice-tally.js';

const ACTIONS = ['impression', 'click', 'add_to_cart', 'purchase'] as const;

/** A history over few products, so that they meet again and again; times may be equal. */
const history = fc
  .array(
    fc.record({ item: fc.integer({ min: 0, max: 6 }), action: fc.integer({ min: 1, max: 4 }), time: fc.integer({ min: 0, max: 50 }) }),
    {
      maxLength: 60,
    },
  )
  .map((events) => events.sort((a, b) => a.time - b.time));

function add(one: Contribution, other: Contribution): Contribution {
  const sum: Contribution = { users: one.users + other.users, events: one.events + other.events, items: new Map(), pairs: new Map() };
  for (const { items, pairs } of [one, other]) {
    for (const [item, touch] of items) {
      const { users = 0, impressions = 0, views = 0, carts = 0, purchases = 0 } = sum.items.get(item) ?? {};
      sum.items.set(item, {
        users: users + touch.users,
        impressions: impressions + touch.impressions,
        views: views + touch.views,
        carts: carts + touch.carts,
        purchases: purchases + touch.purchases,
      });
    }
    for (const [key, meeting] of pairs) {
      const { weight = 0, users = 0 } = sum.pairs.get(key) ?? {};
      sum.pairs.set(key, { weight: weight + meeting.weight, users: users + meeting.users });
    }
  }
  return sum;
}

function expectAlike(found: Contribution, wanted: Contribution): void {
  expect([found.users, found.events]).toEqual([wanted.users, wanted.events]);
  expect(new Map([...found.items].sort(([a], [b]) => a - b))).toEqual(new Map([...wanted.items].sort(([a], [b]) => a - b)));
  expect([...found.pairs.keys()].sort()).toEqual([...wanted.pairs.keys()].sort());
  for (const [key, { weight, users }] of wanted.pairs) {
    expect(found.pairs.get(key)?.weight).toBeCloseTo(weight, 9);
    expect(found.pairs.get(key)?.users).toBe(users);
  }
}

describe('what a shopper adds', () => {
  it('is the sum over each event and the twenty before it, decayed by .8 an event, in both directions', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { pairs } = contributionOf(events);
        const touched = events.filter(({ action }) => action > 1).map(({ item }) => item);
        const wanted = new Map<string, number>();
        for (let at = 0; at < touched.length; at += 1) {
          for (let before = Math.max(0, at - 20); before < at; before += 1) {
            const [a = 0, b = 0] = [touched[at], touched[before]];
            if (a === b) continue;
            for (const name of [`${a},${b}`, `${b},${a}`]) wanted.set(name, (wanted.get(name) ?? 0) + 0.8 ** (at - before - 1));
          }
        }
        expect(pairs.size * 2).toBe(wanted.size);
        for (const [name, weight] of wanted) {
          const [a = 0, b = 0] = name.split(',').map(Number);
          expect(pairs.get(pairKey(a, b))?.weight).toBeCloseTo(weight, 9);
          expect(pairs.get(pairKey(b, a))?.users).toBe(1);
        }
      }),
    );
  });

  it('counts a shopper once a product, and being shown it as no touch', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { items, users } = contributionOf(events);
        expect(users).toBe(events.length > 0 ? 1 : 0);
        for (const [item, touch] of items) {
          const of = (action: number): number => events.filter((event) => event.item === item && event.action === action).length;
          expect(touch).toEqual({
            users: of(2) + of(3) + of(4) > 0 ? 1 : 0,
            impressions: of(1),
            views: of(2),
            carts: of(3),
            purchases: of(4),
          });
        }
      }),
    );
  });

  it('adds up to the whole wherever the history is cut', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: -1, max: 51 }), (events, cut) => {
        const before = contributionOf(events.filter(({ time }) => time < cut));
        expectAlike(add(before, contributionOf(events, cut)), contributionOf(events));
      }),
    );
  });

  it('forgets what lies more than twenty events back', () => {
    const events = Array.from({ length: 22 }, (_, at): CountedEvent => ({ item: at, action: 2, time: at }));
    const { pairs } = contributionOf(events);
    expect(pairs.get(pairKey(0, 20))?.weight).toBeCloseTo(0.8 ** 19, 12);
    expect(pairs.has(pairKey(0, 21))).toBe(false);
  });
});

describe('a pair', () => {
  it('is one exact number whichever comes first', () => {
    const place = fc.integer({ min: 0, max: 2 ** 26 - 1 });
    fc.assert(
      fc.property(place, place, (a, b) => {
        fc.pre(a !== b);
        expect(pairKey(a, b)).toBe(pairKey(b, a));
        expect(splitPairKey(pairKey(a, b))).toEqual([Math.min(a, b), Math.max(a, b)]);
      }),
    );
  });

  it('is summed as a Map would', () => {
    const entry = fc.tuple(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 1 }));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(entry, fc.tuple(fc.integer({ min: 0, max: 20 }), fc.constant(1), fc.constant(1))), { maxLength: 3_000 }),
        (entries) => {
          const table = new PairTable();
          const wanted = new Map<number, [number, number]>();
          for (const [key, weight, users] of entries) {
            table.add(key, weight, users);
            const [sum, all] = wanted.get(key) ?? [0, 0];
            wanted.set(key, [sum + weight, all + users]);
          }
          expect(table.size).toBe(wanted.size);
          expect(new Map([...table.entries()].map(([key, weight, users]) => [key, [weight, users]]))).toEqual(wanted);
        },
      ),
      { numRuns: 30 },
    );
  });
});

const catalogue: CountedCatalogue = ((): CountedCatalogue => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  return { ids, places: new Map(ids.map((id, place) => [id, place])), categories: ['x', 'x', 'y', 'y', 'y', null, 'z'] };
})();

const shopper = fc
  .tuple(
    fc.uuid(),
    fc.array(fc.tuple(fc.constantFrom(...catalogue.ids, 'gone'), fc.constantFrom(...ACTIONS, 'login'), fc.nat(100)), { maxLength: 30 }),
  )
  .map(([key, events]): Shopper => {
    const list = events.map(([objectId, action, time], at) => ({ id: `${key} ${String(at).padStart(3, '0')}`, time, action, objectId }));
    return { key, events: list.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)) };
  });

/** Shoppers → rows of one generation. */
function rowsOf(shoppers: readonly Shopper[], name: string, from = -Infinity): PartRow[] {
  const tally = new SliceTally(catalogue, from);
  for (const one of shoppers) tally.add(one);
  return [...rowsOfTally(tally, catalogue, { slice: '1/1', generation: name })];
}

function mergeOf(rows: readonly PartRow[], minUsersPerPair: number): Promise<MergedParts> {
  const sorted = [...rows].sort((a, b) => (a.item_id < b.item_id ? -1 : a.item_id > b.item_id ? 1 : 0));
  return mergeParts(addUpRows(sorted), { catalogue, minUsersPerPair });
}

const COUNTERS = [
  ...(['users', 'impressions', 'views', 'carts', 'purchases', 'views_7d', 'carts_7d', 'purchases_7d'] as const),
  ...(['ctr', 'cvr', 'popularity', 'popularity_7d', 'popularity_in_category'] as const),
];

const noneRecent = { views: new Uint32Array(7), carts: new Uint32Array(7), purchases: new Uint32Array(7) };

/** Documents without factors, which random data determines badly. */
function documentsOf(merged: MergedParts): ItemStatisticsDocument[] {
  return [...describeItems(merged, noneRecent, catalogue).documents()].map((document) => ({
    ...itemStatisticsSchema.parse(document),
    factor: null,
  }));
}

function expectAlikeDocuments(found: readonly ItemStatisticsDocument[], wanted: readonly ItemStatisticsDocument[]): void {
  const counters = ({
    neighbour_ids: _ids,
    neighbour_weights: _weights,
    neighbour_cosines: _cosines,
    ...rest
  }: ItemStatisticsDocument): object => rest;
  expect(found.map(counters)).toEqual(wanted.map(counters));
  found.forEach((document, at) => {
    const neighboursOf = (one: ItemStatisticsDocument | undefined): Map<string, number> =>
      new Map(one?.neighbour_ids.map((id, place) => [id, one.neighbour_weights[place] ?? 0]));
    const [mine, theirs] = [neighboursOf(document), neighboursOf(wanted[at])];
    expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [id, weight] of mine) expect(weight).toBeCloseTo(theirs.get(id) ?? 0, 6);
  });
}

describe('parts', () => {
  it('add up to the same, however shoppers are shared among slices', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(shopper, fc.integer({ min: 0, max: 3 })), { maxLength: 20 }), async (shared) => {
        const slices = [0, 1, 2, 3].flatMap((slice) =>
          rowsOf(
            shared.flatMap(([one, of]) => (of === slice ? [one] : [])),
            String(slice),
          ),
        );
        const whole = rowsOf(
          shared.map(([one]) => one),
          'whole',
        );
        expectAlikeDocuments(documentsOf(await mergeOf(slices, 2)), documentsOf(await mergeOf(whole, 2)));
      }),
      { numRuns: 40 },
    );
  });

  it('add up to the same, wherever time is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shopper, { maxLength: 20 }), fc.nat(100), async (shoppers, cut) => {
        const before = shoppers.map(({ key, events }) => ({ key, events: events.filter(({ time }) => time < cut) }));
        const parts = [...rowsOf(before, 'before'), ...rowsOf(shoppers, 'after', cut)];
        expectAlikeDocuments(documentsOf(await mergeOf(parts, 2)), documentsOf(await mergeOf(rowsOf(shoppers, 'whole'), 2)));
      }),
      { numRuns: 40 },
    );
  });

  it('tell pairs and counters of enough distinct shoppers only, with neighbours in both directions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shopper, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (shoppers, minUsersPerPair) => {
        const documents = documentsOf(await mergeOf(rowsOf(shoppers, 'all'), minUsersPerPair));
        const touches = shoppers.map(
          ({ events }) =>
            new Set(
              events
                .filter(({ action, objectId }) => action !== 'impression' && action !== 'login' && objectId !== 'gone')
                .map(({ objectId }) => objectId),
            ),
        );
        const byId = new Map(documents.map((document) => [document.item_id, document]));
        for (const id of catalogue.ids) {
          const touched = touches.filter((set) => set.has(id)).length;
          const document = byId.get(id);
          if (touched < 5) {
            const told = COUNTERS.filter((member) => document !== undefined && document[member] !== null);
            expect(told).toEqual([]);
          } else expect(document?.users).toBe(touched);
          for (const [place, other] of (document?.neighbour_ids ?? []).entries()) {
            expect(touches.filter((set) => set.has(id) && set.has(other)).length).toBeGreaterThanOrEqual(minUsersPerPair);
            const back = byId.get(other)?.neighbour_ids.indexOf(id) ?? -1;
            expect(byId.get(other)?.neighbour_weights[back]).toBe(document?.neighbour_weights[place]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('popularity', () => {
  it('is the share with fewer, ties counting half', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }), (values) => {
        percentilesOf(values).forEach((share, at) => {
          const value = values[at] ?? 0;
          const fewer = values.filter((other) => other < value).length + values.filter((other) => other === value).length / 2;
          expect(share).toBeCloseTo(fewer / values.length, 12);
        });
      }),
    );
  });

  it('in a category is that among its own', () => {
    expect(percentilesWithin([1, 9, 3, 3, 5], ['x', 'x', 'y', 'y', null])).toEqual([0.25, 0.75, 0.5, 0.5, null]);
  });

  it('has rates that go from the catalogue’s to the product’s own as trials come', () => {
    expect(smoothRate(0, 0, 0.1)).toBeCloseTo(0.1, 12);
    expect(smoothRate(50, 100, 0.1)).toBeCloseTo((50 + 20 * 0.1) / 120, 12);
    expect(smoothRate(9, 0, 0.5)).toBeLessThanOrEqual(1);
  });
});

describe('neighbours', () => {
  it('are the heaviest hundred, with cosines over the sums of all pairs', () => {
    const others = Array.from({ length: 130 }, (_, at) => at + 1);
    const graph = buildPairGraph({ low: others.map(() => 0), high: others, weight: others.map((other) => other / 10) }, 131);
    const sums = Float64Array.from({ length: 131 }, (_, item) => (item === 0 ? 2_000 : item));
    const found = heaviestNeighbours(graph, 0, sums);
    expect(found).toHaveLength(NEIGHBOUR_LIMIT);
    expect(found[0]).toMatchObject({ item: 130, weight: 13 });
    expect(found[0]?.cosine).toBeCloseTo(13 / Math.sqrt(2_000 * 130), 5);
    expect(heaviestNeighbours(graph, 130, sums)).toMatchObject([{ item: 0, weight: 13 }]);
  });
});

describe('factors', () => {
  const groups = 3;
  const size = 12;
  const low: number[] = [];
  const high: number[] = [];
  for (let group = 0; group < groups; group += 1)
    for (let a = 0; a < size; a += 1)
      for (let b = a + 1; b < size; b += 1) {
        low.push(group * size + a);
        high.push(group * size + b);
      }
  const graph = buildPairGraph({ low, high, weight: low.map((a, at) => 1 + ((a * 7 + at) % 5)) }, groups * size + 1);
  const factors = factorise(graph, FACTOR_DIMS);
  const cosine = (a: number, b: number): number => dot(factors.of(a), factors.of(b));

  it('are unit vectors of products with neighbours, close where these are alike', () => {
    expect(factors.count).toBe(groups * size);
    expect(factors.of(groups * size)).toBeNull();
    for (let item = 0; item < groups * size; item += 1) expect(Math.hypot(...(factors.of(item) ?? []))).toBeCloseTo(1, 9);
    const within: number[] = [];
    const across: number[] = [];
    for (let a = 0; a < groups * size; a += 1)
      for (let b = a + 1; b < groups * size; b += 1) (Math.floor(a / size) === Math.floor(b / size) ? within : across).push(cosine(a, b));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(within)).toBeGreaterThan(mean(across) + 0.3);
  });

  it('are the same each time', () => {
    const again = factorise(graph, FACTOR_DIMS);
    for (let item = 0; item < groups * size; item += 1) expect(again.of(item)).toEqual(factors.of(item));
  });

  it('reproduce a small matrix: with all dimensions, u · v is the symmetric root of PPMI squared', () => {
    // Four products in a chain, weights 1: PPMI by hand, compared through the cosine of its left singular space.
    const chain = buildPairGraph({ low: [0, 1, 2], high: [1, 2, 3], weight: [1, 1, 1] }, 4);
    const dense = densePpmi([
      [0, 1, 0, 0],
      [1, 0, 1, 0],
      [0, 1, 0, 1],
      [0, 0, 1, 0],
    ]);
    const root = symmetricRootOfGram(dense);
    const found = factorise(chain, FACTOR_DIMS);
    for (let a = 0; a < 4; a += 1)
      for (let b = 0; b < 4; b += 1) {
        const wanted = (root[a]?.[b] ?? 0) / Math.sqrt((root[a]?.[a] ?? 0) * (root[b]?.[b] ?? 0));
        expect(dot(found.of(a), found.of(b))).toBeCloseTo(wanted, 6);
      }
  });

  it('are none where there are no pairs', () => {
    expect(factorise(buildPairGraph({ low: [], high: [], weight: [] }, 3), FACTOR_DIMS).count).toBe(0);
  });
});

function dot(one: Float64Array | null, other: Float64Array | null): number {
  return [...(one ?? [])].reduce((sum, value, dim) => sum + value * (other?.[dim] ?? 0), 0);
}

function densePpmi(weights: readonly (readonly number[])[]): number[][] {
  const sums = weights.map((row) => row.reduce((sum, value) => sum + value, 0));
  const contexts = sums.map((sum) => sum ** 0.75);
  const whole = contexts.reduce((sum, value) => sum + value, 0);
  return weights.map((row, a) =>
    row.map((value, b) => (value === 0 ? 0 : Math.max(0, Math.log(value / ((sums[a] ?? 1) * ((contexts[b] ?? 1) / whole)))))),
  );
}

/** (M Mᵀ)^½ = U Σ Uᵀ, whose entries are the products of the rows of U √Σ. */
function symmetricRootOfGram(dense: number[][]): number[][] {
  const matrix = new Matrix(dense);
  const { realEigenvalues, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(matrix.mmul(matrix.transpose()), {
    assumeSymmetric: true,
  });
  const roots = Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
  return vectors.mmul(roots).mmul(vectors.transpose()).to2DArray();
}
