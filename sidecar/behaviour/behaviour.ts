import type { Config } from '../../config/schema.js';
import { withServiceAccount, type Upstream } from '../../opensearch/upstream.js';
import type { Erasure, UserRegister } from '../http/admin-routes.js';
import type { BehaviourSink } from '../http/behaviour-routes.js';
import type { Logger } from '../http/log.js';
import type { Metrics } from '../http/metrics.js';
import { ErasureIndex } from './erasure-index.js';
import { EventExpiry } from './event-expiry.js';
import { EventStore, type UserRecord } from './event-store.js';
import { RecentErasures } from './recent-erasures.js';
import { SearchRecorder } from './search-recorder.js';
import { UserErasure, type UserMemory } from './user-erasure.js';
import type { UbiEvent, UbiQuery } from '../../mappings/ubi-event.js';

/** The same trouble is told so often at most. */
const TELL_EVERY_MS = 60_000;

/**
 * What shoppers did: taken in, remembered, taken down, erased and expired, as one. The part of the sidecar that knows users;
 * everything else that remembers one is told to it by {@link start}.
 */
export class Behaviour implements BehaviourSink, UserRegister {
  readonly store: EventStore;
  readonly erased = new RecentErasures();
  readonly searches: SearchRecorder;
  readonly #erasures: ErasureIndex;
  readonly #expiry: EventExpiry;
  readonly #log: Logger;
  readonly #toldAt = new Map<string, number>();
  #memories: readonly UserMemory[] = [];
  #erasure: UserErasure;

  constructor(options: { config: Config; upstream: Upstream; metrics: Metrics; log: Logger }) {
    const { config, metrics, log } = options;
    const { behaviour } = config;
    const upstream = withServiceAccount(options.upstream, config.opensearch);
    this.#log = log;
    this.store = new EventStore({
      upstream,
      behaviour,
      erased: this.erased,
      onTrouble: (error) => this.#complain(error, 'events are seen when their index refreshes itself'),
    });
    this.#erasures = new ErasureIndex({ name: behaviour.erasures, upstream, key: behaviour.erasureKey });
    this.#expiry = new EventExpiry({
      store: this.store,
      turns: this.#erasures,
      behaviour,
      report: {
        done: (deleted) => log.info(deleted, 'expired events are deleted'),
        trouble: (error) => this.#complain(error, 'expired events are not deleted'),
      },
    });
    this.searches = new SearchRecorder({
      store: (queries) => this.store.recordQueries(queries),
      erased: this.erased,
      onOutcome: (outcome, error) => {
        metrics.observeEvents('queries', outcome, 1);
        if (outcome === 'failed') this.#complain(error, 'searches are missing from the queries index');
      },
    });
    this.#erasure = this.#openErasure({ reachBack: false });
  }

  /**
   * Makes the indices, and from now on follows the erasures of other instances and deletes what expires.
   * @param memories what else remembers users @param options.reachBack files may name users who were erased while we were away
   */
  async start(memories: readonly UserMemory[], { reachBack }: { reachBack: boolean }): Promise<void> {
    this.#memories = memories;
    this.#erasure = this.#openErasure({ reachBack });
    await Promise.all([this.store.prepare(), this.#erasures.prepare()]).catch((error: unknown) =>
      this.#log.warn({ error: String(error) }, 'the behaviour indices are not there yet'),
    );
    this.#erasure.watch();
    this.#expiry.watch();
  }

  record(events: readonly UbiEvent[]): Promise<void> {
    return this.store.record(events);
  }

  recordQueries(queries: readonly UbiQuery[]): Promise<void> {
    return this.store.recordQueries(queries);
  }

  exportUser(id: string): Promise<UserRecord> {
    return this.store.exportUser(id);
  }

  erase(id: string): Promise<Erasure> {
    return this.#erasure.erase(id);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#erasure.close(), this.#expiry.close(), this.searches.close()]);
    await this.store.close();
  }

  #openErasure({ reachBack }: { reachBack: boolean }): UserErasure {
    return new UserErasure({
      store: this.store,
      index: this.#erasures,
      memories: this.#memories,
      reachBack,
      onTrouble: (error) => this.#complain(error, 'erasures by other sidecars are not seen'),
    });
  }

  #complain(error: unknown, words: string): void {
    if (Date.now() - (this.#toldAt.get(words) ?? 0) < TELL_EVERY_MS) return;
    this.#toldAt.set(words, Date.now());
    this.#log.warn({ error: String(error) }, words);
  }
}
