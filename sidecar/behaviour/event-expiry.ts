import type { Config } from '../../config/schema.js';
import type { ErasureIndex } from './erasure-index.js';
import type { EventStore } from './event-store.js';

const DAY_MS = 86_400_000;
/** Instances ask so often whose turn it is; together they have one a day. */
const ASK_EVERY_MS = 3_600_000;
/** The first time, when a start is over, and not that of all instances at once. */
const FIRST_MS = 60_000;

/** What was deleted for its age. */
export interface Expired {
  readonly events: number;
  readonly queries: number;
}

/** Deletes events and queries older than `behaviour.ttlDays`, once a day by one of all instances, slowly. */
export class EventExpiry {
  readonly #store: EventStore;
  readonly #turns: ErasureIndex;
  readonly #behaviour: Pick<Config['behaviour'], 'ttlDays' | 'deleteExpired'>;
  readonly #report: { done(expired: Expired): void; trouble(error: unknown): void };
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: {
    store: EventStore;
    turns: ErasureIndex;
    behaviour: Pick<Config['behaviour'], 'ttlDays' | 'deleteExpired'>;
    report: { done(expired: Expired): void; trouble(error: unknown): void };
  }) {
    this.#store = options.store;
    this.#turns = options.turns;
    this.#behaviour = options.behaviour;
    this.#report = options.report;
  }

  /** Looks after it from now on; does nothing with `deleteExpired: none`. */
  watch(): void {
    if (this.#behaviour.deleteExpired === 'none') return;
    const next = (ms: number): void => {
      this.#timer = setTimeout(() => {
        this.#running = this.run()
          .catch((error: unknown) => this.#stop.signal.aborted || this.#report.trouble(error))
          .finally(() => this.#stop.signal.aborted || next(ASK_EVERY_MS));
      }, ms).unref();
    };
    next(FIRST_MS * (1 + Math.random()));
  }

  /** Deletes what has expired, if it is this instance's turn; null where it is not. */
  async run(): Promise<Expired | null> {
    if (!(await this.#turns.takeTurn(DAY_MS))) return null;
    const options = {
      before: Date.now() - this.#behaviour.ttlDays * DAY_MS,
      ownOnly: this.#behaviour.deleteExpired === 'own',
      signal: this.#stop.signal,
    };
    const events = await this.#store.events.expire(options);
    const queries = await this.#store.queries.expire(options);
    await this.#turns.expire();
    this.#report.done({ events, queries });
    return { events, queries };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }
}
