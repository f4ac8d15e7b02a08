/** Uniform in [0, 1). */
export type Random = () => number;

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
