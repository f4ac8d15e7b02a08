import { COSINE_PAIRS, type CosinePair } from '../mappings/product-index.js';
import { identifyAction } from '../models/feature-set.js';
import { COSINE_KINDS, type RankerInputName, type RankingInput, type RankingShape, type WantedInputs } from '../models/ranker.js';
import type { Candidate, CandidateList, HistoryEntry, Item } from './candidate-list.js';
import { computeColumns } from './columns.js';
import { once } from './columns/column-values.js';
import { meetHistory, type Covisits } from './columns/covisits.js';
import { ListFacts, type AttributeSimilarity } from './columns/list-facts.js';

export type { Candidate, CandidateList, HistoryEntry, Item } from './candidate-list.js';

/** Events of a user that a ranking looks at. */
export const HISTORY_LIMIT = 50;

type Allocate = (length: number) => Float32Array;

/**
 * The inputs that a ranker wants of one list, and nothing else. Pure: the same function serves and writes training rows.
 * An empty history, a history switched off and an unknown user give the same bytes; N may be 0, L is at least 1 (a masked pad).
 *
 * @param wanted a ranker, or the names of inputs and columns
 * @param allocate gives zeros of a length, for the inputs' memory; default: new memory
 * @throws Error when a vector's length is not the index's
 */
export function assembleFeatures(
  list: CandidateList,
  wanted: WantedInputs,
  allocate: Allocate = (length) => new Float32Array(length),
): RankingInput {
  const seen = applySignals(list);
  const shape: RankingShape = {
    lists: 1,
    candidates: seen.candidates.length,
    history: Math.max(1, seen.history.length),
    textDims: Math.max(1, seen.textDims),
    imageDims: Math.max(1, seen.imageDims),
    columns: wanted.columns.length,
  };
  const makers = inputMakers(seen, { shape, columns: wanted.columns, allocate });
  const values: Partial<Record<RankerInputName, Float32Array>> = {};
  for (const name of wanted.inputs) values[name] = makers[name]();
  return { shape, values };
}

/** Each input, computed when it is asked for; what several share is computed once. */
function inputMakers(
  seen: CandidateList,
  { shape, columns, allocate }: { shape: RankingShape; columns: readonly string[]; allocate: Allocate },
): Readonly<Record<RankerInputName, () => Float32Array>> {
  const { candidates, history, query } = seen;
  const known = (pair: CosinePair): boolean => seen.cosineStats[pair] !== null;
  const stack = (vectors: (Float32Array | null)[], rows: number, dims: number) => stackVectors(vectors, { rows, dims, allocate });
  const queryText = once(() => stack([known('query_text:item_text') ? query.textVector : null], 1, shape.textDims));
  const queryImage = once(() => stack([known('query_image:item_image') ? query.imageVector : null], 1, shape.imageDims));
  const queryHead = once(() => stack([known('query_head:item_image') ? query.headVector : null], 1, shape.imageDims));
  const itemText = once(() => stack(vectorsOf(candidates, 'text'), candidates.length, shape.textDims));
  const itemImage = once(() => stack(vectorsOf(candidates, 'image'), candidates.length, shape.imageDims));
  const historyText = once(() => stack(known('item_text:item_text') ? vectorsOf(history, 'text') : [], shape.history, shape.textDims));
  const historyImage = once(() => stack(known('item_image:item_image') ? vectorsOf(history, 'image') : [], shape.history, shape.imageDims));
  const similarity = once(() => compareAttributes(candidates, history, allocate));
  const covisits = once(() => meetHistory(seen));
  const perEvent = (value: (entry: HistoryEntry) => number): Float32Array => {
    const values = new Float32Array(shape.history);
    history.forEach((entry, place) => (values[place] = value(entry)));
    return values;
  };
  const perPair = (values: () => Float32Array): Float32Array => (history.length === 0 ? new Float32Array(candidates.length) : values());
  /** [N·D] of distinct products → [N·L] of events. Most pairs never met; `show` takes 0 to 0. */
  const perMeeting = (read: (met: Covisits) => Float32Array, show = (value: number): number => value): Float32Array =>
    perPair(() => {
      const met = covisits();
      const matrix = read(met);
      const pairs = allocate(candidates.length * history.length);
      for (let row = 0; row < candidates.length; row += 1) {
        met.placeOf.forEach((place, entry) => {
          const value = matrix[row * met.width + place] ?? 0;
          if (value !== 0) pairs[row * history.length + entry] = show(value);
        });
      }
      return pairs;
    });
  return {
    candidate_mask: () => new Float32Array(candidates.length).fill(1),
    query_text: () => queryText().rows,
    query_text_mask: () => queryText().mask,
    query_image: () => queryImage().rows,
    query_image_mask: () => queryImage().mask,
    query_head: () => queryHead().rows,
    query_head_mask: () => queryHead().mask,
    item_text: () => itemText().rows,
    item_text_mask: () => itemText().mask,
    item_image: () => itemImage().rows,
    item_image_mask: () => itemImage().mask,
    history_mask: () => perEvent(() => 1),
    history_text: () => historyText().rows,
    history_text_mask: () => historyText().mask,
    history_image: () => historyImage().rows,
    history_image_mask: () => historyImage().mask,
    history_brand: () => perPair(() => similarity().brand),
    history_category: () => perPair(() => similarity().category),
    history_covisits: () => perMeeting(({ weights }) => weights, Math.log1p),
    history_covisits_norm: () => perMeeting(({ cosines }) => cosines),
    history_factor: () => perMeeting(({ factors }) => factors()),
    history_event: () => perEvent(({ action }) => identifyAction(action)),
    history_age: () => perEvent(({ ageSeconds }) => Math.max(0, ageSeconds)),
    history_session: () => perEvent(({ runningSession }) => (runningSession ? 1 : 0)),
    cosine_stats: () => stackStatistics(seen.cosineStats),
    columns: () => computeColumns(new ListFacts(seen, { similarity, covisits }), columns),
  };
}

/** The list as the switched-on signals show it, its history cut to the limit. */
function applySignals(list: CandidateList): CandidateList {
  const { text, image, history } = list.signals;
  const hide = (item: Item | null): Item | null => item && { ...item, text: text ? item.text : null, image: image ? item.image : null };
  const allSeen = text && image;
  const entries = history ? list.history.slice(-HISTORY_LIMIT) : [];
  return {
    ...list,
    candidates: allSeen
      ? list.candidates
      : list.candidates.map((hit) => ({
          ...hit,
          item: hide(hit.item),
          textRank: text ? hit.textRank : null,
          imageRank: image ? hit.imageRank : null,
        })),
    history: allSeen ? entries : entries.map((entry) => ({ ...entry, item: hide(entry.item) })),
    query: {
      text: list.query.text,
      textVector: text ? list.query.textVector : null,
      imageVector: image ? list.query.imageVector : null,
      headVector: image ? list.query.headVector : null,
    },
  };
}

function vectorsOf(holders: readonly { item: Item | null }[], modality: 'text' | 'image'): (Float32Array | null)[] {
  return holders.map(({ item }) => item?.[modality] ?? null);
}

/** Vectors under each other with their mask; rows without a vector, and rows beyond the last, are zero and masked. */
function stackVectors(
  vectors: (Float32Array | null)[],
  { rows, dims, allocate }: { rows: number; dims: number; allocate: Allocate },
): { rows: Float32Array; mask: Float32Array } {
  const stacked = { rows: allocate(rows * dims), mask: allocate(rows) };
  vectors.forEach((vector, row) => {
    if (vector === null) return;
    if (vector.length !== dims)
      throw new Error(`a vector has ${vector.length} dims where the index has ${dims}; index the catalogue with this encoder`);
    stacked.rows.set(vector, row * dims);
    stacked.mask[row] = 1;
  });
  return stacked;
}

/** [K·2]; a pair without statistics is masked elsewhere, so its numbers only have to be harmless. */
function stackStatistics(statistics: CandidateList['cosineStats']): Float32Array {
  const stacked = new Float32Array(COSINE_KINDS * 2);
  COSINE_PAIRS.forEach((pair, place) => stacked.set(statistics[pair] ?? [0, 1], place * 2));
  return stacked;
}

/**
 * Same brand (0 or 1) and Jaccard index of the category values, for every candidate and history entry. Products share
 * few brands and category lists, so each row is computed once for all candidates alike.
 */
function compareAttributes(candidates: readonly Candidate[], history: readonly HistoryEntry[], allocate: Allocate): AttributeSimilarity {
  const brands = history.map(({ item }) => item?.brand ?? null);
  const categories = history.map(({ item }) => new Set(item?.category ?? []));
  const brandRow = (item: Item | null, row: Float32Array): void =>
    brands.forEach((brand, place) => {
      if (brand && brand === item?.brand) row[place] = 1;
    });
  const categoryRow = (item: Item | null, row: Float32Array): void => {
    const own = new Set(item?.category ?? []);
    categories.forEach((past, place) => (row[place] = jaccard(own, past)));
  };
  const [brand, category] = [allocate(candidates.length * history.length), allocate(candidates.length * history.length)];
  fillRows(brand, candidates, { width: history.length, keyOf: (item) => item?.brand ?? '', fillRow: brandRow });
  fillRows(category, candidates, { width: history.length, keyOf: categoryKey, fillRow: categoryRow });
  return { brand, category };
}

/** Fills [N·L] with the row of every candidate, computed once for those with the same key. */
function fillRows(
  filled: Float32Array,
  candidates: readonly Candidate[],
  {
    width,
    keyOf,
    fillRow,
  }: { width: number; keyOf: (item: Item | null) => string; fillRow: (item: Item | null, row: Float32Array) => void },
): void {
  const rows = new Map<string, Float32Array>();
  candidates.forEach(({ item }, place) => {
    const key = keyOf(item);
    let row = rows.get(key);
    if (row === undefined) {
      row = new Float32Array(width);
      fillRow(item, row);
      rows.set(key, row);
    }
    filled.set(row, place * width);
  });
}

/** Equal for equal lists; remembered with the list, which the item store keeps from search to search. */
function categoryKey(item: Item | null): string {
  if (item === null) return '[]';
  let key = categoryKeys.get(item.category);
  if (key === undefined) categoryKeys.set(item.category, (key = JSON.stringify(item.category)));
  return key;
}
const categoryKeys = new WeakMap<readonly string[], string>();

function jaccard(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  let shared = 0;
  for (const value of left) if (right.has(value)) shared += 1;
  return shared === 0 ? 0 : shared / (left.size + right.size - shared);
}
