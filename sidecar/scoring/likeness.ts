import type { Item } from '../candidate-list.js';
import { dot } from '../columns/column-values.js';

/** A product's vectors, as far as they may be looked at; unit length. */
export type Vectors = Pick<Item, 'text' | 'image'>;

/**
 * How like products are, [M·M] row-major, 0–1: the mean of the cosines of their texts and of their pictures, of those that both
 * have; below 0 counts as 0, and what cannot be compared is not alike.
 */
export function compareProducts(products: readonly (Vectors | null)[], signals: { text: boolean; image: boolean }): Float32Array {
  const count = products.length;
  const likeness = new Float32Array(count * count);
  products.forEach((product, row) => {
    likeness[row * count + row] = 1;
    for (let column = row + 1; column < count; column++) {
      const other = products[column] ?? null;
      const value = product && other ? likenessOf(product, other, signals) : 0;
      likeness[row * count + column] = value;
      likeness[column * count + row] = value;
    }
  });
  return likeness;
}

function likenessOf(a: Vectors, b: Vectors, signals: { text: boolean; image: boolean }): number {
  const cosines: number[] = [];
  if (signals.text && a.text && b.text) cosines.push(dot(a.text, b.text));
  if (signals.image && a.image && b.image) cosines.push(dot(a.image, b.image));
  if (cosines.length === 0) return 0;
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  return Math.min(1, Math.max(0, mean));
}
