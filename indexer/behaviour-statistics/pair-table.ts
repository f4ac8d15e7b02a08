const EMPTY = -1;
/** Filled beyond this share, a table of open addresses becomes slow. */
const FULLEST = 0.6;

/**
 * Sums by pair, in flat arrays: a Map ends at 2^24 entries and takes five times the memory. 20 bytes a place, 33 to 67 a pair.
 */
export class PairTable {
  #keys = new Float64Array(1024).fill(EMPTY);
  #weights = new Float64Array(1024);
  #users = new Uint32Array(1024);
  #size = 0;

  /** Pairs held. */
  get size(): number {
    return this.#size;
  }

  /** @param key a whole number from 0, exact as a double */
  add(key: number, weight: number, users: number): void {
    if (this.#size >= this.#keys.length * FULLEST) this.#grow();
    const place = this.#find(key);
    if (this.#keys[place] === EMPTY) {
      this.#keys[place] = key;
      this.#size += 1;
    }
    this.#weights[place] = (this.#weights[place] ?? 0) + weight;
    this.#users[place] = (this.#users[place] ?? 0) + users;
  }

  /** In no order. */
  *entries(): Generator<[key: number, weight: number, users: number]> {
    for (let place = 0; place < this.#keys.length; place += 1) {
      const key = this.#keys[place] ?? EMPTY;
      if (key !== EMPTY) yield [key, this.#weights[place] ?? 0, this.#users[place] ?? 0];
    }
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1;
    let place = spread(key) & mask;
    for (let found = this.#keys[place]; found !== EMPTY && found !== key; found = this.#keys[place]) place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    const [keys, weights, users] = [this.#keys, this.#weights, this.#users];
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.#weights = new Float64Array(this.#keys.length);
    this.#users = new Uint32Array(this.#keys.length);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from] ?? EMPTY;
      if (key === EMPTY) continue;
      const place = this.#find(key);
      this.#keys[place] = key;
      this.#weights[place] = weights[from] ?? 0;
      this.#users[place] = users[from] ?? 0;
    }
  }
}

/** murmur3's last step over both halves of the number. */
function spread(key: number): number {
  const high = Math.floor(key / 2 ** 32);
  let mixed = Math.imul(high, 0x9e3779b1) ^ (key - high * 2 ** 32);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
