/** Uniform in [0, 1). */
export type Random = () => number;

/** mulberry32 (Tommy Ettinger, public domain): small, seeded, good enough to draw samples the same way on each run. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A uniform sample of a stream of unknown length (Vitter 1985, algorithm R). */
export class Reservoir<Item> {
  readonly items: Item[] = [];
  private seen = 0;

  constructor(
    private readonly capacity: number,
    private readonly random: Random,
  ) {}

  offer(item: Item): void {
    this.seen += 1;
    if (this.items.length < this.capacity) {
      this.items.push(item);
      return;
    }
    const place = Math.floor(this.random() * this.seen);
    if (place < this.capacity) this.items[place] = item;
  }
}

/** A run of one to three neighbouring words of a text, as people type them; null for a text without words. */
export function drawFragment(text: string, random: Random): string | null {
  const words = text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  if (words.length === 0) return null;
  const length = Math.min(words.length, 1 + Math.floor(random() * 3));
  const start = Math.floor(random() * (words.length - length + 1));
  return words
    .slice(start, start + length)
    .join(' ')
    .toLowerCase();
}
