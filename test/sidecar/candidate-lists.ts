import fc from 'fast-check';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { INPUT_NAMES, type RankerInputName, type WantedInputs } from '../../models/ranker.js';
import { assembleFeatures, type Candidate, type CandidateList, type HistoryEntry, type Item } from '../../sidecar/features.js';
import { readItemStatistics, type ItemStatistics } from '../../sidecar/statistics/item-statistics.js';

export const TEXT_DIMS = 6;
export const IMAGE_DIMS = 5;

export const NO_STATISTICS: CandidateList['cosineStats'] = {
  'query_text:item_text': null,
  'query_image:item_image': null,
  'query_head:item_image': null,
  'item_text:item_text': null,
  'item_image:item_image': null,
};

export const STATISTICS: CandidateList['cosineStats'] = {
  'query_text:item_text': [0.2, 0.11],
  'query_image:item_image': [0.4, 0.15],
  'query_head:item_image': [0.1, 0.2],
  'item_text:item_text': [0.27, 0.12],
  'item_image:item_image': [0.4, 0.15],
};

/** Every input and every column that there is. */
export const EVERYTHING: WantedInputs = { inputs: INPUT_NAMES, columns: COLUMN_NAMES };

/** One input of a list. */
export function inputOf(list: CandidateList, name: RankerInputName): Float32Array {
  return assembleFeatures(list, { inputs: [name], columns: COLUMN_NAMES }).values[name] ?? new Float32Array(0);
}

/** Statistics of a product from the members that matter to a test. */
export function statisticsOf(fields: Partial<Parameters<typeof readItemStatistics>[0]>): ItemStatistics {
  const counts = { users: null, impressions: null, views: null, carts: null, purchases: null };
  const week = { views_7d: null, carts_7d: null, purchases_7d: null };
  const shares = { ctr: null, cvr: null, popularity: null, popularity_7d: null, popularity_in_category: null };
  const nobody = { neighbour_ids: [], neighbour_weights: [], neighbour_cosines: [], factor: null };
  return readItemStatistics({ item_id: '', ...counts, ...week, ...shares, ...nobody, ...fields });
}

const unitVector = (dims: number): fc.Arbitrary<Float32Array> =>
  fc.array(fc.integer({ min: -9, max: 9 }), { minLength: dims, maxLength: dims }).map((values) => {
    const length = Math.hypot(...values);
    return length === 0
      ? Float32Array.from({ length: dims }, (_, place) => (place === 0 ? 1 : 0))
      : Float32Array.from(values, (value) => value / length);
  });

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null, freq: 4 });

const productId = fc.integer({ min: 0, max: 30 }).map((number) => `p${number}`);

const itemStatistics: fc.Arbitrary<ItemStatistics> = fc
  .record({
    popularity: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    views_7d: maybe(fc.integer({ min: 0, max: 5000 })),
    ctr: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    factor: maybe(unitVector(4).map((vector) => [...vector])),
    neighbours: fc.uniqueArray(fc.record({ id: productId, weight: fc.integer({ min: 1, max: 90 }) }), {
      selector: ({ id }) => id,
      maxLength: 9,
    }),
  })
  .map(({ neighbours, ...fields }) =>
    statisticsOf({
      ...fields,
      neighbour_ids: neighbours.map(({ id }) => id),
      neighbour_weights: neighbours.map(({ weight }) => weight),
      neighbour_cosines: neighbours.map(({ weight }) => weight / 100),
    }),
  );

const item: fc.Arbitrary<Item> = fc.record({
  id: productId,
  text: maybe(unitVector(TEXT_DIMS)),
  image: maybe(unitVector(IMAGE_DIMS)),
  price: maybe(fc.float({ min: 0, max: 5000, noNaN: true })),
  rating: maybe(fc.float({ min: 1, max: 5, noNaN: true })),
  ratingCount: maybe(fc.integer({ min: 0, max: 100_000 })),
  brand: maybe(fc.constantFrom('Ada', 'Bo')),
  category: fc.constantFrom([], ['Home'], ['Home', 'Lamps'], ['Home', 'Rugs'], ['Shoes']),
  statistics: maybe(itemStatistics),
});

const rank = maybe(fc.integer({ min: 0, max: 199 }));

const candidate: fc.Arbitrary<Candidate> = fc
  .record({ item: maybe(item), score: maybe(fc.float({ min: 0, max: 40, noNaN: true })), textRank: rank, imageRank: rank })
  .map(({ score, ...hit }) => ({ ...hit, firstPhaseScore: score, firstPhaseRank: score === null ? null : 0 }));

const entry: fc.Arbitrary<HistoryEntry> = fc.record({
  objectId: productId,
  action: fc.constantFrom('click', 'add_to_cart', 'purchase', 'impression', 'scroll'),
  ageSeconds: fc.float({ min: 0, max: 1e7, noNaN: true }),
  runningSession: fc.boolean(),
  item: maybe(item),
});

/** Lists as the scorer process sees them: some items unknown, some facts missing, ranks in order of the score. */
export const candidateList: fc.Arbitrary<CandidateList> = fc
  .record({
    candidates: fc.array(candidate, { minLength: 1, maxLength: 12 }),
    history: fc.array(entry, { maxLength: 8 }),
    query: fc.record({
      text: maybe(fc.constantFrom('red shoes', 'lamp', 'a chair for the garden')),
      textVector: maybe(unitVector(TEXT_DIMS)),
      imageVector: maybe(unitVector(IMAGE_DIMS)),
      headVector: maybe(unitVector(IMAGE_DIMS)),
    }),
  })
  .map(({ candidates, ...rest }) => {
    const scored = candidates
      .filter((hit) => hit.firstPhaseScore !== null)
      .sort((a, b) => (b.firstPhaseScore ?? 0) - (a.firstPhaseScore ?? 0));
    const added = candidates.filter((hit) => hit.firstPhaseScore === null);
    return {
      ...rest,
      candidates: [...scored.map((hit, place) => ({ ...hit, firstPhaseRank: place })), ...added],
      cosineStats: STATISTICS,
      signals: { text: true, image: true, history: true },
      textDims: TEXT_DIMS,
      imageDims: IMAGE_DIMS,
    };
  });
