/** Demand is remembered for this window and the one before it. */
const WINDOW_MS = 1_000;

interface Claim {
  running: number;
  /** Most that were wanted at a time in this window, and in the one before; refused ones count as wanted. */
  wanted: number;
  wantedBefore: number;
}

/**
 * Shares room among callers, so that one who asks for ten times as much cannot starve the others: each may take all that
 * the others have not wanted lately, and an equal share is always its own (max-min fairness, without a queue). While there is room
 * for all, nothing is kept back: many who come one after another want little together, however many they are.
 */
export class FairShare {
  readonly #claims = new Map<string, Claim>();
  readonly #now: () => number;
  #running = 0;
  #windowStart = -Infinity;
  #scarceAt = -Infinity;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get running(): number {
    return this.#running;
  }

  /** What to call when the caller's request is over; null = it has no room now. @param limit room for all callers together, ≥ 1 */
  enter(caller: string, limit: number): (() => void) | null {
    this.#turnWindow();
    const claim = this.#claims.get(caller) ?? { running: 0, wanted: 0, wantedBefore: 0 };
    this.#claims.set(caller, claim);
    claim.wanted = Math.max(claim.wanted, claim.running + 1);
    const now = this.#now();
    const isFull = this.#running >= limit;
    if (isFull || (now - this.#scarceAt < 2 * WINDOW_MS && claim.running >= this.#roomOf(caller, limit))) {
      if (this.#running >= limit / 2) this.#scarceAt = now;
      return null;
    }
    claim.running += 1;
    this.#running += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      claim.running -= 1;
      this.#running -= 1;
    };
  }

  /** What the others have not wanted lately, each of them counted with no more than an equal share. */
  #roomOf(caller: string, limit: number): number {
    if (this.#claims.size === 1) return limit;
    const share = limit / this.#claims.size;
    let reserved = 0;
    for (const [other, { wanted, wantedBefore }] of this.#claims) {
      if (other !== caller) reserved += Math.min(share, Math.max(wanted, wantedBefore));
    }
    return Math.max(1, limit - reserved);
  }

  #turnWindow(): void {
    const now = this.#now();
    if (now - this.#windowStart < WINDOW_MS) return;
    const isNext = now - this.#windowStart < 2 * WINDOW_MS;
    this.#windowStart = now;
    for (const [caller, claim] of this.#claims) {
      claim.wantedBefore = isNext ? claim.wanted : 0;
      claim.wanted = claim.running;
      if (claim.running === 0 && claim.wantedBefore === 0) this.#claims.delete(caller);
    }
  }
}
