import { LRUCache } from 'lru-cache';

/** One ranked list over its pages, so that a click changes the next search and never shuffles page 2 under a reader. */
export interface RankedList {
  /** In ranked order. */
  readonly hits: readonly RankedHit[];
  /** How many of the client's own hits it holds; the rest were added. */
  readonly window: number;
  /** `_score` literals of the window in the engine's order. */
  readonly scoreLiterals: readonly string[];
  /** The ranker that made it, `name-version@sha8`. */
  readonly model: string;
}

export interface RankedHit {
  readonly index: string;
  readonly id: string;
  /** Null: added by a vector leg. */
  readonly firstPhaseRank: number | null;
  /** What it is collapsed on, where its group is shown with it; null else. */
  readonly group: string | null;
}

/** An order is kept for a reader's next pages, not for the next visit. */
const KEPT_MS = 5 * 60_000;
/** A list of 250 hits takes some 30 KB. */
const KEPT_LISTS = 2_000;

/** Orders by list key (query, user, profile), bounded in number and age. */
export class RankedLists {
  readonly #lists = new LRUCache<string, { list: RankedList; names: readonly string[] }>({ max: KEPT_LISTS, ttl: KEPT_MS });

  /** @param names ids of the shopper whose behaviour is in the order */
  keep(key: string, list: RankedList, names: readonly string[]): void {
    this.#lists.set(key, { list, names });
  }

  /** A list that can't be shown any more: a product of it is gone. */
  forget(key: string): void {
    this.#lists.delete(key);
  }

  /** The lists of shoppers who are erased. */
  forgetUsers(isErased: (name: string) => boolean): void {
    this.#lists.purgeStale();
    for (const [key, { names }] of [...this.#lists.entries()]) if (names.some(isErased)) this.#lists.delete(key);
  }

  find(key: string): RankedList | null {
    return this.#lists.get(key)?.list ?? null;
  }
}
