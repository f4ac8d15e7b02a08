import type { EventStore } from './event-store.js';
import { newTombstone, TOMBSTONE_DAYS, type ErasureIndex, type Tombstone } from './erasure-index.js';
import type { IsErased } from './recent-erasures.js';

/** Something of this instance that remembers users beside the event store. */
export interface UserMemory {
  /** Forgets them; what it gathers of them meanwhile is not kept. */
  forget(isErased: IsErased): void | Promise<void>;
}

/** What an erasure did. */
export interface Erased {
  readonly events: number;
  readonly queries: number;
  /** Keyed hash of the id: what an audit compares. Null where the key can't be had. */
  readonly user: string | null;
  /** Why the other instances could not be told; null = they were, and had time to follow. */
  readonly untold: Error | null;
}

/** The others look this often: what was erased is forgotten everywhere within two seconds. */
const LOOK_EVERY_MS = 1_000;
/** A look that takes longer is given up; the next one makes up for it. */
const LOOK_TIMEOUT_MS = 5_000;
/** Clocks of instances may differ by so much. */
const SKEW_MS = 10 * 60_000;
const TROUBLE_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Erases users everywhere: here at once, in the indices, and by a tombstone in the memory and the files of every other
 * instance, each of which looks for tombstones once a second.
 */
export class UserErasure {
  readonly #store: EventStore;
  readonly #index: ErasureIndex;
  readonly #memories: readonly UserMemory[];
  readonly #onTrouble: (error: unknown) => void;
  readonly #lookEveryMs: number;
  /** Tombstones that were followed, and when. */
  readonly #followed = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  readonly #bornAt = Date.now();
  #since: number;
  #toldAt = -Infinity;
  #looks = 0;

  /**
   * @param options.memories what remembers users beside the store
   * @param options.onTrouble told, once a minute at most, why tombstones can't be read
   * @param options.reachBack follow the tombstones of the last days, too: files may name users who were erased while this instance was away
   */
  constructor(options: {
    store: EventStore;
    index: ErasureIndex;
    memories: readonly UserMemory[];
    onTrouble: (error: unknown) => void;
    reachBack: boolean;
    lookEveryMs?: number;
  }) {
    this.#store = options.store;
    this.#index = options.index;
    this.#memories = options.memories;
    this.#onTrouble = options.onTrouble;
    this.#lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#since = this.#bornAt - (options.reachBack ? TOMBSTONE_DAYS * DAY_MS : 0);
  }

  /** Looks for tombstones from now on. */
  watch(): void {
    this.#timer ??= setInterval(() => void this.look(), this.#lookEveryMs).unref();
  }

  /**
   * Erases an id in all three places in which it may stand. When it resolves, neither the indices nor this instance know it
   * any more, nor, unless it says that they could not be told, any other instance that can reach the engine.
   */
  async erase(id: string): Promise<Erased> {
    const telling = this.#tell(id);
    const isErased: IsErased = (name) => name === id;
    const [counts] = await Promise.all([this.#store.erase(id), ...this.#memories.map((memory) => memory.forget(isErased))]);
    const first = await telling;
    // While the index was being cleared, the others could read there what they had just forgotten: now they can't.
    const { user, at, cause } = await this.#tell(id);
    // Each of the others looks in this time, and then needs a moment.
    if (at !== null) await new Promise((resolve) => setTimeout(resolve, Math.max(0, at + this.#lookEveryMs * 1.3 - performance.now())));
    return { ...counts, user: user ?? first.user, untold: first.cause ?? cause };
  }

  async #tell(id: string): Promise<{ user: string | null; at: number | null; cause: Error | null }> {
    let user: string | null = null;
    try {
      user = await this.#index.hash(id);
      const tombstone = newTombstone(user);
      // Not to be followed by the one that wrote it: what the user does from now on is theirs.
      this.#followed.set(tombstone.id, tombstone.at);
      await this.#index.announce(tombstone);
      return { user, at: performance.now(), cause: null };
    } catch (error) {
      return { user, at: null, cause: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  /** Follows the tombstones of others that came since the last look. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        if (performance.now() - this.#toldAt < TROUBLE_EVERY_MS) return;
        this.#toldAt = performance.now();
        this.#onTrouble(error);
      })
      .finally(() => (this.#looking = null));
    return this.#looking;
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (++this.#looks % 60 === 0) this.#store.tidy();
    const startedAt = Date.now();
    const found = await this.#index.readSince(this.#since - SKEW_MS, AbortSignal.timeout(LOOK_TIMEOUT_MS));
    const fresh = found.filter(({ id }) => !this.#followed.has(id));
    if (fresh.length > 0) await this.#follow(fresh);
    this.#since = startedAt;
    for (const [id, at] of this.#followed) if (at < startedAt - 2 * SKEW_MS) this.#followed.delete(id);
  }

  async #follow(tombstones: readonly Tombstone[]): Promise<void> {
    const isErased = await this.#index.matcher(tombstones);
    // Those from before this instance was there name nobody whom its store could remember; files may.
    const current = await this.#index.matcher(tombstones.filter(({ at }) => at >= this.#bornAt - SKEW_MS));
    await Promise.all([this.#store.forget(current), ...this.#memories.map((memory) => memory.forget(isErased))]);
    for (const { id, at } of tombstones) this.#followed.set(id, at);
  }
}
