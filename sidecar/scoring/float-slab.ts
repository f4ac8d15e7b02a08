/**
 * Memory for the inputs of one ranking, used again for the next. A list's vectors are nearly a megabyte: fetched anew for
 * each search, giving them back costs the collector's threads as much CPU as computing the features.
 */
export class FloatSlab {
  #floats = new Float32Array(0);
  #used = 0;
  #wanted = 0;

  /** Zeros; valid until `clear`. */
  take(length: number): Float32Array {
    this.#wanted += length;
    if (this.#used + length > this.#floats.length) return new Float32Array(length);
    const taken = this.#floats.subarray(this.#used, this.#used + length);
    this.#used += length;
    return taken.fill(0);
  }

  /** Takes everything back, and makes room for as much as was wanted. */
  clear(): void {
    if (this.#wanted > this.#floats.length) this.#floats = new Float32Array(this.#wanted);
    this.#used = 0;
    this.#wanted = 0;
  }
}
