import { FairShare } from './fair-share.js';

/** How a search that was let in ended: ranked in time, too late for its budget, or for a cause that load has no part in. */
export type Outcome = 'in-time' | 'late' | 'other';

const FIRST_LIMIT = 32;
const LAST_LIMIT = 256;
/** Share of the limit that is kept after a late search. */
const BACK_OFF = 0.7;
/** Searches that were let in together are late together: that counts once. */
const BACK_OFF_EVERY_MS = 50;

/**
 * How many searches may be ranked at a time, found by trying: each one in time lets a little more in, a late one a good
 * deal less (additive increase, multiplicative decrease; Chiu, Jain 1989). Who is not let in gets the engine's order at
 * once: a machine that ranks more than it can ends by ranking nothing, and pays for the legs all the same.
 */
export class Admission {
  #limit = FIRST_LIMIT;
  readonly #share: FairShare;
  #backedOffAt = -Infinity;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#share = new FairShare(now);
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** What to call when the search is answered; null = not let in. One alone is always let in, several callers share the room. */
  enter(caller = ''): ((outcome: Outcome) => void) | null {
    const leave = this.#share.enter(caller, this.limit);
    if (!leave) return null;
    const crowded = this.#share.running >= this.limit / 2;
    return (outcome) => {
      leave();
      // Room that nobody asked for says nothing about how much there is.
      if (outcome === 'in-time' && crowded) this.#limit = Math.min(LAST_LIMIT, this.#limit + 1 / this.#limit);
      if (outcome === 'late') this.#backOff();
    };
  }

  #backOff(): void {
    const now = this.#now();
    if (now - this.#backedOffAt < BACK_OFF_EVERY_MS) return;
    this.#backedOffAt = now;
    this.#limit = Math.max(1, this.#limit * BACK_OFF);
  }
}
