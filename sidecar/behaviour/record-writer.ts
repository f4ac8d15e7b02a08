import { LRUCache } from 'lru-cache';
import type { EventIndex } from './event-index.js';

interface Write {
  id: string;
  names: string[];
  source: object;
  settle: (failure: string | null) => void;
  /** Erased while it was on its way: nobody is to remember whom it names. */
  erased: boolean;
}

const BATCH = 1_000;
/** A minute's worth of a busy shop; more is better kept by those who sent it. */
const MOST_BYTES = 32 * 1024 ** 2;
/** Whoever is erased by another instance is so within seconds; what was written meanwhile is still known then. */
const RECENT_MS = 30_000;
const RECENT_RECORDS = 100_000;

/** One bulk request at a time: what arrives meanwhile travels together in the next, so that load makes them larger, not more. */
export class RecordWriter {
  #queue: Write[] = [];
  #sending: readonly Write[] = [];
  #inFlight: Promise<void> | null = null;
  /** About so many bytes are in the queue or on their way. */
  #waitingBytes = 0;
  /** Names of what was written just now, by record. */
  readonly #recent = new LRUCache<string, string[]>({ max: RECENT_RECORDS, ttl: RECENT_MS });

  readonly #index: Pick<EventIndex, 'write'>;
  readonly #held: (names: string[]) => boolean;
  readonly #mostBytes: number;

  /** @param options.held whose records must wait now @param options.mostBytes that may wait; one call more is taken on top */
  constructor(index: Pick<EventIndex, 'write'>, options: { held: (names: string[]) => boolean; mostBytes?: number | undefined }) {
    this.#index = index;
    this.#held = options.held;
    this.#mostBytes = options.mostBytes ?? MOST_BYTES;
  }

  /** False while the index takes records more slowly than they come: who sends more is to be told so. */
  get hasRoom(): boolean {
    return this.#waitingBytes < this.#mostBytes;
  }

  /** Resolves to null when stored, else to the reason. */
  write(id: string, names: string[], source: object): Promise<string | null> {
    const bytes = JSON.stringify(source).length;
    this.#waitingBytes += bytes;
    return new Promise((resolve) => {
      const settle = (failure: string | null): void => {
        this.#waitingBytes -= bytes;
        resolve(failure);
      };
      this.#queue.push({ id, names, source, settle, erased: false });
      this.flush();
    });
  }

  flush(): void {
    if (this.#inFlight) return;
    // What a user does while being erased waits: written now, the deletion would take it along.
    const batch = this.#queue.filter(({ names }) => !this.#held(names)).slice(0, BATCH);
    if (batch.length === 0) return;
    const taken = new Set(batch);
    this.#queue = this.#queue.filter((write) => !taken.has(write));
    this.#sending = batch;
    this.#inFlight = this.#send(batch).finally(() => {
      this.#inFlight = null;
      this.#sending = [];
      this.flush();
    });
  }

  async #send(batch: readonly Write[]): Promise<void> {
    try {
      const refused = new Map((await this.#index.write(batch)).map(({ id, reason }) => [id, reason]));
      for (const { id, settle } of batch) settle(refused.get(id) ?? null);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const { settle } of batch) settle(reason);
    }
    // Those that failed as well: a request without an answer may have been carried out.
    for (const { id, names, erased } of batch) if (names.length > 0 && !erased) this.#recent.set(id, names);
  }

  /**
   * Takes out of the queue what names somebody who is erased: accepted, and erased before it was written. Gives the ids of
   * records that were on their way or were written just now: what an erasure by another instance may not have seen.
   */
  drop(isErased: (name: string) => boolean): string[] {
    const names = (write: Write): boolean => write.names.some(isErased);
    const dropped = this.#queue.filter(names);
    this.#queue = this.#queue.filter((write) => !names(write));
    for (const { settle } of dropped) settle(null);
    const sending = this.#sending.filter(names);
    for (const write of sending) write.erased = true;
    this.tidy();
    const recent = [...this.#recent.entries()].filter(([, each]) => each.some(isErased)).map(([id]) => id);
    for (const id of recent) this.#recent.delete(id);
    return [...new Set([...sending.map(({ id }) => id), ...recent])];
  }

  /** Lets go of what is too old to be asked for. */
  tidy(): void {
    this.#recent.purgeStale();
  }

  /** Resolves when the request under way, if any, has been answered. */
  async settled(): Promise<void> {
    await this.#inFlight;
  }
}
