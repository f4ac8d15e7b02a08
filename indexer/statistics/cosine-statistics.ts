import type { CosinePair, ProductIndexMeta } from '../../mappings/product-index.js';
import type { Random } from './sample.js';

/** Vectors of one item, unit or absent. */
export interface ItemVectors {
  text: Float32Array | null;
  image: Float32Array | null;
}

/** A typed fragment of item `source`'s text, embedded as a query, and the same taken into the picture space. */
export interface FragmentVectors {
  source: number;
  text: Float32Array | null;
  head: Float32Array | null;
}

/** Pairs drawn a kind; the mean's standard error is then the spread / 141. */
const PAIRS = 20_000;
/** A catalogue whose vectors are all one must not divide by zero. */
const SMALLEST_SPREAD = 1e-4;

/**
 * Mean and standard deviation of the cosine between things that have nothing to do with each other, for each kind of
 * pair: what a ranker needs to know to call a cosine high. Two different items are drawn at random; a fragment is never
 * paired with the item that it was cut from. A photo that a shopper sends is taken to be like a product's picture.
 */
export function measureCosineStatistics(
  items: readonly ItemVectors[],
  fragments: readonly FragmentVectors[],
  random: Random,
): ProductIndexMeta['cosine_stats'] {
  const drawItem = (): number => Math.floor(random() * items.length);
  const between = (kind: keyof ItemVectors): Statistic =>
    gather(() => {
      const [left, right] = [drawItem(), drawItem()];
      return left === right ? null : cosineOf(items[left]?.[kind], items[right]?.[kind]);
    });
  const fromFragments = (side: 'text' | 'head', kind: keyof ItemVectors): Statistic =>
    gather(() => {
      const fragment = fragments[Math.floor(random() * fragments.length)];
      const right = drawItem();
      return fragment === undefined || fragment.source === right ? null : cosineOf(fragment[side], items[right]?.[kind]);
    });
  const images = between('image');
  return {
    'query_text:item_text': fromFragments('text', 'text'),
    'query_image:item_image': images,
    'query_head:item_image': fromFragments('head', 'image'),
    'item_text:item_text': between('text'),
    'item_image:item_image': images,
  } satisfies Record<CosinePair, Statistic>;
}

type Statistic = [mean: number, spread: number] | null;

/** Null when fewer than two pairs came together. */
function gather(drawCosine: () => number | null): Statistic {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (let draw = 0; draw < PAIRS; draw += 1) {
    const cosine = drawCosine();
    if (cosine === null) continue;
    count += 1;
    sum += cosine;
    squares += cosine * cosine;
  }
  if (count < 2) return null;
  const mean = sum / count;
  return [mean, Math.max(SMALLEST_SPREAD, Math.sqrt(Math.max(0, squares / count - mean * mean)))];
}

function cosineOf(left: Float32Array | null | undefined, right: Float32Array | null | undefined): number | null {
  if (!left || !right) return null;
  let sum = 0;
  for (let position = 0; position < left.length; position += 1) sum += (left[position] ?? 0) * (right[position] ?? 0);
  return sum;
}
