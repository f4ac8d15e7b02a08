import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEATURE_SET } from '../../models/feature-set.js';
import { INPUT_NAMES, RANKER_INPUTS, dimsOf, valuesOf, type RankerInputName } from '../../models/ranker.js';
import { assembleFeatures, type Candidate, type CandidateList, type HistoryEntry, type Item } from '../../sidecar/features.js';
import { EVERYTHING, IMAGE_DIMS, NO_STATISTICS, STATISTICS, TEXT_DIMS, candidateList, inputOf } from './candidate-lists.js';

function product(fields: Partial<Item> & { id: string }): Item {
  return { text: null, image: null, price: null, rating: null, ratingCount: null, brand: null, category: [], statistics: null, ...fields };
}

function hit(item: Item | null, fields: Partial<Candidate> = {}): Candidate {
  return { item, firstPhaseScore: 1, firstPhaseRank: 0, textRank: null, imageRank: null, ...fields };
}

function event(item: Item, fields: Partial<HistoryEntry> = {}): HistoryEntry {
  return { objectId: item.id, action: 'click', ageSeconds: 60, runningSession: false, item, ...fields };
}

function listOf(candidates: Candidate[], history: HistoryEntry[] = [], fields: Partial<CandidateList> = {}): CandidateList {
  return {
    candidates,
    history,
    query: { text: null, textVector: null, imageVector: null, headVector: null },
    cosineStats: STATISTICS,
    signals: { text: true, image: true, history: true },
    textDims: TEXT_DIMS,
    imageDims: IMAGE_DIMS,
    ...fields,
  };
}

/** One column of all candidates. */
function columnOf(list: CandidateList, name: string): number[] {
  return [...(assembleFeatures(list, { inputs: ['columns'], columns: [name] }).values.columns ?? [])];
}

/** Reads any input of a list. */
function valuesIn(list: CandidateList): (name: RankerInputName) => Float32Array {
  const input = assembleFeatures(list, EVERYTHING);
  return (name) => valuesOf(input, name);
}

function closeTo(values: readonly number[]): unknown {
  return values.map((value) => expect.closeTo(value, 5) as number);
}

describe('every input', () => {
  test('has the length that its axes say, and only finite numbers', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const input = assembleFeatures(list, EVERYTHING);
        for (const name of INPUT_NAMES) {
          const values = valuesOf(input, name);
          expect(values, name).toHaveLength(dimsOf(name, input.shape).reduce((size, axis) => size * axis, 1));
          expect(values.every(Number.isFinite), name).toBe(true);
        }
      }),
    );
  });

  test('of an absent vector is masked, and its row is zero', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const values = valuesIn(list);
        list.candidates.forEach(({ item }, row) => {
          expect(values('item_text_mask')[row]).toBe(item?.text ? 1 : 0);
          expect(values('item_image_mask')[row]).toBe(item?.image ? 1 : 0);
          if (!item?.image)
            expect(
              values('item_image')
                .subarray(row * IMAGE_DIMS, (row + 1) * IMAGE_DIMS)
                .every((value) => value === 0),
            ).toBe(true);
        });
        expect(values('query_image_mask')[0]).toBe(list.query.imageVector ? 1 : 0);
      }),
    );
  });

  test('stays inside the declared clips', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        for (const { name, clip, missing } of FEATURE_SET.columns) {
          for (const value of columnOf(list, name)) {
            expect(value === Math.fround(missing) || (value >= clip[0] - 1e-6 && value <= clip[1] + 1e-6), `${name} ${value}`).toBe(true);
          }
        }
      }),
    );
  });

  test('moves with its candidate', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const [straight, reversed] = [
          assembleFeatures(list, EVERYTHING),
          assembleFeatures({ ...list, candidates: [...list.candidates].reverse() }, EVERYTHING),
        ];
        const count = list.candidates.length;
        for (const name of INPUT_NAMES) {
          const axes: readonly string[] = RANKER_INPUTS[name];
          if (axes[1] !== 'N') continue;
          const width = valuesOf(straight, name).length / count;
          for (let row = 0; row < count; row++) {
            const [a, b] = [valuesOf(straight, name), valuesOf(reversed, name)];
            for (let at = 0; at < width; at++) expect(b[(count - 1 - row) * width + at]).toBeCloseTo(a[row * width + at] ?? NaN, 5);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('refuses a vector of another encoder', () => {
    const list = listOf([hit(product({ id: 'a', text: new Float32Array(TEXT_DIMS + 1) }))]);
    expect(() => assembleFeatures(list, EVERYTHING)).toThrow(`${TEXT_DIMS + 1} dims where the index has ${TEXT_DIMS}`);
  });
});

describe('a signal switched off', () => {
  test('history: the same bytes as an unknown user', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const anonymous = assembleFeatures({ ...list, history: [] }, EVERYTHING);
        expect(assembleFeatures({ ...list, signals: { ...list.signals, history: false } }, EVERYTHING)).toEqual(anonymous);
      }),
    );
  });

  test.each(['text', 'image'] as const)('%s: the same bytes as products and queries that never had it', (modality) => {
    const strip = (item: Item | null): Item | null => item && { ...item, [modality]: null };
    fc.assert(
      fc.property(candidateList, (list) => {
        const rankName = modality === 'text' ? 'textRank' : 'imageRank';
        const never: CandidateList = {
          ...list,
          candidates: list.candidates.map((candidate) => ({ ...candidate, item: strip(candidate.item), [rankName]: null })),
          history: list.history.map((entry) => ({ ...entry, item: strip(entry.item) })),
          query: modality === 'text' ? { ...list.query, textVector: null } : { ...list.query, imageVector: null, headVector: null },
        };
        expect(assembleFeatures({ ...list, signals: { ...list.signals, [modality]: false } }, EVERYTHING)).toEqual(
          assembleFeatures(never, EVERYTHING),
        );
      }),
    );
  });

  test('a pair without statistics is not looked at', () => {
    fc.assert(
      fc.property(candidateList, (list) => {
        const values = valuesIn({ ...list, cosineStats: NO_STATISTICS });
        for (const name of ['query_text_mask', 'query_image_mask', 'query_head_mask', 'history_text_mask', 'history_image_mask'] as const) {
          expect(values(name).every((value) => value === 0)).toBe(true);
        }
      }),
    );
  });
});

describe('formulas', () => {
  const [a, b, c] = [
    product({ id: 'a', brand: 'Ada', price: 10, rating: 5, ratingCount: 90, category: ['Home', 'Lamps'] }),
    product({ id: 'b', brand: 'Bo', price: 40, rating: 3, ratingCount: 10, category: ['Home', 'Rugs'] }),
    product({ id: 'c', category: ['Shoes'] }),
  ];
  const candidates = [
    hit(a, { firstPhaseScore: 9, firstPhaseRank: 0, textRank: 4 }),
    hit(b, { firstPhaseScore: 3, firstPhaseRank: 1 }),
    hit(c, { firstPhaseScore: null, firstPhaseRank: null, imageRank: 0 }),
  ];

  test('first phase: z with the population spread, added hits at the window’s lowest', () => {
    // mean 6, spread 3
    expect(columnOf(listOf(candidates), 'first_phase_z')).toEqual(closeTo([1, -1, -1]));
    expect(columnOf(listOf(candidates), 'first_phase_gap')).toEqual(closeTo([2, 2, 2]));
    expect(columnOf(listOf(candidates), 'is_added')).toEqual([0, 0, 1]);
  });

  test('ranks: 10 / (10 + rank), and how many retrievers found it', () => {
    expect(columnOf(listOf(candidates), 'first_phase_rr')).toEqual(closeTo([1, 10 / 11, 0]));
    expect(columnOf(listOf(candidates), 'text_knn_rr')).toEqual(closeTo([10 / 14, 0, 0]));
    expect(columnOf(listOf(candidates), 'image_knn_rr')).toEqual(closeTo([0, 0, 1]));
    expect(columnOf(listOf(candidates), 'retrievers')).toEqual(closeTo([2 / 3, 1 / 3, 1 / 3]));
  });

  test('price and rating: within the list', () => {
    const half = (Math.log(11) - Math.log(41)) / 2;
    expect(columnOf(listOf(candidates), 'log_price_z')).toEqual(closeTo([half / Math.abs(half), 1, 0]));
    expect(columnOf(listOf(candidates), 'price_missing')).toEqual([0, 0, 1]);
    // smoothed 4.9 and 3.5 about the mean rating 4
    expect(columnOf(listOf(candidates), 'rating_z')).toEqual(closeTo([1, -1, 0]));
    expect(columnOf(listOf(candidates), 'log_reviews')).toEqual(closeTo([Math.log(91) / 5, Math.log(11) / 5, 0]));
  });

  test('affinities: shares of a history that fades by .9 an event', () => {
    const list = listOf(candidates, [event(b), event(a), event(a)]);
    const total = 0.81 + 0.9 + 1;
    expect(columnOf(list, 'brand_affinity')).toEqual(closeTo([1.9 / total, 0.81 / total, 0]));
    // Home is one of the three values of the two lists.
    expect(columnOf(list, 'category_affinity')).toEqual(closeTo([(1.9 + 0.81 / 3) / total, (0.81 + 1.9 / 3) / total, 0]));
    const usual = (0.81 * Math.log(41) + 1.9 * Math.log(11)) / total;
    expect(columnOf(list, 'price_closeness')).toEqual(closeTo([Math.exp(Math.log(11) - usual), Math.exp(usual - Math.log(41)), 0]));
  });

  test('seen: by the last event, and whether it was bought', () => {
    const history = [
      event(a, { action: 'purchase', ageSeconds: 90_000 }),
      event(a, { ageSeconds: 3600 }),
      event(c, { action: 'scroll', ageSeconds: 0 }),
    ];
    const list = listOf(candidates, history);
    expect(columnOf(list, 'seen')).toEqual([1, 0, 1]);
    expect(columnOf(list, 'seen_recency')).toEqual(closeTo([1 / (1 + Math.log(2)), 0, 1]));
    expect(columnOf(list, 'bought')).toEqual([1, 0, 0]);
    expect(columnOf(list, 'history_length')).toEqual(closeTo([1, 1, 1].map(() => Math.log(4) / Math.log(51))));
    expect([...inputOf(list, 'history_event')]).toEqual([4, 2, 0]);
  });

  test('an item that the store does not hold has its first-phase columns only', () => {
    const list = listOf([hit(null, { firstPhaseScore: 4 }), hit(a, { firstPhaseScore: 2, firstPhaseRank: 1 })], [event(a)]);
    expect(columnOf(list, 'first_phase_z')).toEqual(closeTo([1, -1]));
    expect(columnOf(list, 'price_missing')).toEqual([1, 0]);
    expect(columnOf(list, 'seen')).toEqual([0, 1]);
  });

  test('only the last fifty events count', () => {
    const history = [event(b), ...Array.from({ length: 50 }, () => event(a))];
    expect(assembleFeatures(listOf(candidates, history), EVERYTHING).shape.history).toBe(50);
    expect(columnOf(listOf(candidates, history), 'seen')).toEqual([1, 0, 0]);
  });
});
