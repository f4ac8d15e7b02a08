/**
 * The products most often met in the histories of the same shoppers, by a digest of their ids: a hundred ids as strings in a map would
 * take five times the memory of the product's vectors.
 */
export class Neighbours {
  /** Ascending. */
  readonly #digests: Float64Array;
  /** By place: the co-visitation weight, and the same as a cosine, 0–1. */
  readonly weights: Float32Array;
  readonly cosines: Float32Array;

  /** @param lists of one length, as the statistics index holds them */
  constructor(lists: { ids: readonly string[]; weights: readonly number[]; cosines: readonly number[] }) {
    const found = lists.ids
      .map((id, place) => ({ digest: digestId(id), weight: lists.weights[place] ?? 0, cosine: lists.cosines[place] ?? 0 }))
      .sort((a, b) => a.digest - b.digest);
    this.#digests = Float64Array.from(found, ({ digest }) => digest);
    this.weights = Float32Array.from(found, ({ weight }) => weight);
    this.cosines = Float32Array.from(found, ({ cosine }) => cosine);
  }

  get bytes(): number {
    return 16 * this.#digests.length;
  }

  /** The place of a product by the digest of its id; −1 where the two never met, or met too seldom to be told. */
  find(digest: number): number {
    const digests = this.#digests;
    let low = 0;
    let high = digests.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((digests[middle] ?? Infinity) < digest) low = middle + 1;
      else high = middle;
    }
    return digests[low] === digest ? low : -1;
  }
}

/**
 * 53 bits of an id (cyrb53, public domain). A list of 250 candidates and 50 events compares some 10⁶ pairs of ids: one list in a
 * thousand million takes one product for another.
 */
export function digestId(id: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let place = 0; place < id.length; place += 1) {
    const unit = id.charCodeAt(place);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
