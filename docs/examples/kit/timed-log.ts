import type { Shopper } from './shoppers.js';

/** Gathers what shoppers did in whatever order a source tells it, and gives it shopper by shopper, oldest first. */
export class TimedLog {
  readonly #shoppers = new Map<string, { itemId: string; seconds: number }[]>();

  /** @param seconds since 1970 */
  add(shopper: string, itemId: string, seconds: number): void {
    const met = this.#shoppers.get(shopper);
    if (met) met.push({ itemId, seconds });
    else this.#shoppers.set(shopper, [{ itemId, seconds }]);
  }

  /** Meetings of one moment keep the order of the source: reviews are dated by the day alone. */
  *shoppers(): Generator<Shopper> {
    for (const [id, met] of this.#shoppers) {
      met.sort((a, b) => a.seconds - b.seconds);
      yield { id, met: met.map(({ itemId, seconds }) => ({ itemId, time: new Date(seconds * 1000) })) };
    }
  }
}
