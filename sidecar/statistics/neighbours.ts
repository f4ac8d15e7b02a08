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

  /**
   * Which of some products are among the neighbours. Both lists are walked once, side by side.
   * @param digests of the products' ids, ascending
   * @param visit told the place among the digests and the place among the neighbours
   */
  meet(digests: Float64Array, visit: (product: number, neighbour: number) => void): void {
    const own = this.#digests;
    let neighbour = 0;
    let product = 0;
    while (neighbour < own.length && product < digests.length) {
      const step = (own[neighbour] ?? 0) - (digests[product] ?? 0);
      if (step < 0) neighbour += 1;
      else {
        if (step === 0) visit(product, neighbour);
        product += 1;
      }
    }
  }
}

/** Products by the digests of their ids, as neighbours are looked up. */
export interface DigestedIds {
  /** Ascending. */
  readonly digests: Float64Array;
  /** By place among the digests: the place among the ids. */
  readonly places: readonly number[];
}

/** @param ids null: nobody's, left out */
export function digestIds(ids: readonly (string | null)[]): DigestedIds {
  const digested = ids.flatMap((id, place) => (id === null ? [] : [{ digest: digestId(id), place }]));
  digested.sort((a, b) => a.digest - b.digest);
  return { digests: Float64Array.from(digested, ({ digest }) => digest), places: digested.map(({ place }) => place) };
}

/**
 * 53 bits of an id (cyrb53, public domain). A list of 250 candidates and 50 events compares some 10⁶ pairs of ids: one list in a
 * thousand million takes one product for another.
 */
function digestId(id: string): number {
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
