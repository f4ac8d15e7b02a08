import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COLUMN_NAMES, FEATURE_SET } from '../../models/feature-set.js';
import { INPUT_NAMES } from '../../models/ranker.js';
import { assembleFeatures, type Candidate, type CandidateList, type HistoryEntry, type Item } from '../../sidecar/features.js';
import type { ItemStatistics } from '../../sidecar/statistics/item-statistics.js';
import { digestIds, Neighbours } from '../../sidecar/statistics/neighbours.js';
import { NO_STATISTICS, STATISTICS, candidateList, inputOf, statisticsOf } from './candidate-lists.js';

const BEHAVIOUR = FEATURE_SET.columns.filter(({ signal }) => signal === 'behaviour').map(({ name }) => name);
const PAIRS = ['history_covisits', 'history_covisits_norm', 'history_factor'] as const;
const FIRST_COLUMNS = COLUMN_NAMES.slice(0, 19);

function product(id: string, fields: Partial<Item> = {}): Item {
  const nothing = { text: null, image: null, price: null, rating: null, ratingCount: null, brand: null, category: [], statistics: null };
  return { id, ...nothing, ...fields };
}

function hit(item: Item | null): Candidate {
  return { item, firstPhaseScore: 1, firstPhaseRank: 0, textRank: null, imageRank: null };
}

function event(objectId: string, item: Item | null): HistoryEntry {
  return { objectId, action: 'click', ageSeconds: 60, runningSession: false, item };
}

function listOf(candidates: Candidate[], history: HistoryEntry[] = [], fields: Partial<CandidateList> = {}): CandidateList {
  const query = { text: null, textVector: null, imageVector: null, headVector: null };
  const signals = { text: true, image: true, history: true };
  return { candidates, history, query, cosineStats: STATISTICS, signals, textDims: 2, imageDims: 2, ...fields };
}

function columnOf(list: CandidateList, name: string): number[] {
  return [...(assembleFeatures(list, { inputs: ['columns'], columns: [name] }).values.columns ?? [])];
}

function closeTo(values: readonly number[]): unknown {
  return values.map((value) => expect.closeTo(value, 5) as number);
}

/** The list as a shop without statistics has it. */
function uncounted(list: CandidateList): CandidateList {
  const bare = (item: Item | null): Item | null => item && { ...item, statistics: null };
  return {
    ...list,
    candidates: list.candidates.map((each) => ({ ...each, item: bare(each.item) })),
    history: list.history.map((each) => ({ ...each, item: bare(each.item) })),
  };
}

describe('any column', () => {
  test('is the same alone as among all others, and whichever order they are asked for in', () => {
    fc.assert(
      fc.property(candidateList, fc.shuffledSubarray([...COLUMN_NAMES], { minLength: 1 }), (list, names) => {
        const some = assembleFeatures(list, { inputs: ['columns'], columns: names }).values.columns;
        const all = inputOf(list, 'columns');
        list.candidates.forEach((_, row) => {
          names.forEach((name, place) => {
            expect(some?.[row * names.length + place]).toBe(all[row * COLUMN_NAMES.length + COLUMN_NAMES.indexOf(name)]);
          });
        });
      }),
    );
  });

  test('of the statistics is 0 without them, and the shipped rankers are fed the very same bytes', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const bare = uncounted(list);
        for (const name of BEHAVIOUR) expect(columnOf(bare, name).every((value) => value === 0)).toBe(true);
        for (const name of PAIRS) expect(inputOf(bare, name).every((value) => value === 0)).toBe(true);
        const inputs = INPUT_NAMES.filter((name) => !PAIRS.some((pair) => pair === name));
        const wanted = { inputs, columns: FIRST_COLUMNS };
        expect(assembleFeatures(bare, wanted)).toEqual(assembleFeatures(list, wanted));
      }),
      { numRuns: 40 },
    );
  });

  test('that needs a history is 0 without one', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const users = FEATURE_SET.columns.filter(({ scope, missing }) => scope === 'user-item' && missing === 0);
        for (const { name } of users) expect(columnOf({ ...list, history: [] }, name).every((value) => value === 0)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('nothing but what is wanted is computed', () => {
    const list = listOf([hit(product('a'))]);
    expect(assembleFeatures(list, { inputs: ['history_event'], columns: [] }).values).toEqual({ history_event: new Float32Array(1) });
    expect(() => assembleFeatures(list, { inputs: ['columns'], columns: ['karma'] })).toThrow(/nothing computes the column "karma"/);
  });
});

describe('co-visits', () => {
  const neighbours = (entries: Record<string, [weight: number, cosine: number]>): ItemStatistics =>
    statisticsOf({
      neighbour_ids: Object.keys(entries),
      neighbour_weights: Object.values(entries).map(([weight]) => weight),
      neighbour_cosines: Object.values(entries).map(([, cosine]) => cosine),
    });
  const known = product('known', { statistics: neighbours({ x: [3, 0.5], y: [1, 0.25] }) });
  const forgotten = product('forgotten');
  const stranger = product('stranger');
  const [x, y] = [product('x'), product('y', { statistics: neighbours({ forgotten: [7, 0.125] }) })];
  const list = listOf(
    [hit(known), hit(forgotten), hit(stranger), hit(null)],
    [event('x', x), event('y', y), event('x', x), event('z', null)],
  );

  test('are summed and maximised over the distinct products of the history', () => {
    expect(columnOf(list, 'covisit_sum')).toEqual(closeTo([Math.log(5), Math.log(8), 0, 0]));
    expect(columnOf(list, 'covisit_max')).toEqual(closeTo([Math.log(4), Math.log(8), 0, 0]));
    expect(columnOf(list, 'covisit_cosine_sum')).toEqual(closeTo([0.75, 0.125, 0, 0]));
  });

  test('are found though the item store does not hold the product of the history', () => {
    const gone = listOf([hit(known)], [event('x', null)]);
    expect(columnOf(gone, 'covisit_sum')).toEqual(closeTo([Math.log(4)]));
  });

  test('stand in the inputs once an event', () => {
    const row = [Math.log(4), Math.log(2), Math.log(4), 0];
    expect([...inputOf(list, 'history_covisits').subarray(0, 4)]).toEqual(closeTo(row));
    expect([...inputOf(list, 'history_covisits_norm').subarray(0, 8)]).toEqual(closeTo([0.5, 0.25, 0.5, 0, 0, 0.125, 0, 0]));
  });

  test('are symmetric: either product of a pair may remember the other', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), fc.float({ min: 1, max: 99, noNaN: true }), (a, b, weight) => {
        fc.pre(a !== b);
        const mine = product(a, { statistics: neighbours({ [b]: [weight, 0.5] }) });
        const there = columnOf(listOf([hit(mine)], [event(b, product(b))]), 'covisit_sum');
        const back = columnOf(listOf([hit(product(b))], [event(a, mine)]), 'covisit_sum');
        expect(back).toEqual(there);
        expect(there[0]).toBeCloseTo(Math.log1p(weight), 5);
      }),
    );
  });

  test('neighbours are found by their ids, and nobody else', () => {
    const id = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 100 }), fc.array(fc.option(id), { maxLength: 100 }), (ids, others) => {
        const neighbours = new Neighbours({ ids, weights: ids.map((_, place) => place + 1), cosines: ids.map(() => 0.5) });
        const asked = [...others, ...ids.filter((_, place) => place % 2 === 0)];
        const found: (number | undefined)[] = asked.map(() => undefined);
        const { digests, places } = digestIds(asked);
        neighbours.meet(digests, (product, neighbour) => (found[places[product] ?? NaN] = neighbours.weights[neighbour]));
        expect(found).toEqual(asked.map((each) => (each !== null && ids.includes(each) ? ids.indexOf(each) + 1 : undefined)));
      }),
    );
  });
});

test('factors: the mean product with the distinct products that have one', () => {
  const factor = (...values: number[]): ItemStatistics => statisticsOf({ factor: values });
  const history = [event('x', product('x', { statistics: factor(1, 0) })), event('y', product('y', { statistics: factor(0, 1) }))];
  const list = listOf(
    [hit(product('a', { statistics: factor(0.6, 0.8) })), hit(product('b'))],
    [...history, ...history, event('z', product('z'))],
  );
  expect(columnOf(list, 'factor_cosine')).toEqual(closeTo([0.7, 0]));
  expect([...inputOf(list, 'history_factor').subarray(0, 5)]).toEqual(closeTo([0.6, 0.8, 0.6, 0.8, 0]));
});

test('counts and rates of a product', () => {
  const statistics = statisticsOf({ views_7d: 148, carts_7d: 0, popularity: 0.5, popularity_7d: 0.25, ctr: 0.1, cvr: null });
  const list = listOf([hit(product('a', { statistics })), hit(product('b'))], [event('a', null), event('b', null)]);
  expect(columnOf(list, 'log_views_7d')).toEqual(closeTo([Math.log(149) / 5, 0]));
  expect(columnOf(list, 'log_carts_7d')).toEqual([0, 0]);
  expect(columnOf(list, 'popularity')).toEqual([0.5, 0]);
  expect(columnOf(list, 'popularity_7d')).toEqual([0.25, 0]);
  expect(columnOf(list, 'ctr')).toEqual(closeTo([0.1, 0]));
  expect(columnOf(list, 'cvr')).toEqual([0, 0]);
  expect(columnOf(list, 'popularity_by_history')).toEqual(closeTo([(0.5 * Math.log(3)) / Math.log(51), 0]));
});

describe('cosines', () => {
  const a = product('a', { text: Float32Array.of(1, 0), image: Float32Array.of(0.6, 0.8) });
  const b = product('b', { text: Float32Array.of(0.6, 0.8) });
  const query = { text: null, textVector: Float32Array.of(0, 1), imageVector: null, headVector: Float32Array.of(1, 0) };

  test('of the query: words with texts, photo or else words with pictures', () => {
    const list = listOf([hit(a), hit(b)], [], { query });
    expect(columnOf(list, 'text_cosine')).toEqual(closeTo([0, 0.8]));
    expect(columnOf(list, 'image_cosine')).toEqual(closeTo([0.6, 0]));
    expect(columnOf({ ...list, query: { ...query, imageVector: Float32Array.of(0, 1) } }, 'image_cosine')).toEqual(closeTo([0.8, 0]));
  });

  test('of the history: the greatest, and the mean of both with the last product', () => {
    const list = listOf([hit(a), hit(b)], [event('b', b), event('a', a)], { query });
    expect(columnOf(list, 'history_text_cosine')).toEqual(closeTo([1, 1]));
    expect(columnOf(list, 'history_image_cosine')).toEqual(closeTo([1, 0]));
    expect(columnOf(list, 'last_item_similarity')).toEqual(closeTo([1, 0.6]));
    expect(columnOf(listOf([hit(a)], [event('a', a), event('z', null)]), 'last_item_similarity')).toEqual([0]);
  });

  test('of a pair without random-pair statistics, or of a signal switched off, are not looked at', () => {
    const cosines = ['text_cosine', 'image_cosine', 'history_text_cosine', 'history_image_cosine', 'last_item_similarity'];
    const list = listOf([hit(a), hit(b)], [event('b', b), event('a', a)], { query });
    const off = { text: false, image: false, history: true };
    for (const name of cosines) {
      expect(columnOf({ ...list, cosineStats: NO_STATISTICS }, name), name).toEqual([0, 0]);
      expect(columnOf({ ...list, signals: off }, name), name).toEqual([0, 0]);
    }
  });
});

test('words of the query that name the category', () => {
  const lamp = product('a', { category: ['Home & Garden', 'Table lamps'] });
  const list = (text: string | null): CandidateList =>
    listOf([hit(lamp), hit(product('b'))], [], { query: { text, textVector: null, imageVector: null, headVector: null } });
  expect(columnOf(list('TABLE, lamps for home'), 'query_category_match')).toEqual(closeTo([0.75, 0]));
  expect(columnOf(list('lamp'), 'query_category_match')).toEqual([0, 0]);
  expect(columnOf(list(null), 'query_category_match')).toEqual([0, 0]);
});
