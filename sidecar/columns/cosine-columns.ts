import type { Item } from '../candidate-list.js';
import { dot, meanOf, type ColumnValues, type ColumnsOfList } from './column-values.js';
import type { ListFacts } from './list-facts.js';

type Modality = 'text' | 'image';
const PAST_PAIR = { text: 'item_text:item_text', image: 'item_image:item_image' } as const;

/** Plain cosines of vectors, for rankers that read columns alone; fusion-base has the vectors themselves and asks for none of these. */
export const COSINE_COLUMNS: ColumnsOfList = {
  text_cosine: (list) => against(list, list.cosineStats['query_text:item_text'] && list.query.textVector, 'text'),
  image_cosine: (list) => {
    const photo = list.cosineStats['query_image:item_image'] && list.query.imageVector;
    return against(list, photo ?? (list.cosineStats['query_head:item_image'] && list.query.headVector), 'image');
  },
  history_text_cosine: (list) => greatest(list, 'text'),
  history_image_cosine: (list) => greatest(list, 'image'),
  last_item_similarity: (list) => {
    const last = list.history.at(-1)?.item ?? null;
    const text = against(list, list.cosineStats[PAST_PAIR.text] && (last?.text ?? null), 'text');
    const image = against(list, list.cosineStats[PAST_PAIR.image] && (last?.image ?? null), 'image');
    return text.map((cosine, row) => meanOf([cosine, image[row] ?? null]));
  },
};

/** Cosine of each candidate with one vector. */
function against({ candidates }: ListFacts, vector: Float32Array | null, modality: Modality): ColumnValues {
  return candidates.map(({ item }) => {
    const own = item?.[modality] ?? null;
    return vector === null || own === null ? null : dot(own, vector);
  });
}

/** Greatest cosine of each candidate with the products of the history. */
function greatest({ candidates, history, cosineStats }: ListFacts, modality: Modality): ColumnValues {
  const items = new Map<string, Item>(history.flatMap(({ item }) => (item === null ? [] : [[item.id, item] as const])));
  const past = cosineStats[PAST_PAIR[modality]] === null ? [] : [...items.values()].flatMap((item) => item[modality] ?? []);
  return candidates.map(({ item }) => {
    const own = item?.[modality] ?? null;
    if (own === null || past.length === 0) return null;
    let best = -1;
    for (const vector of past) best = Math.max(best, dot(own, vector));
    return best;
  });
}
