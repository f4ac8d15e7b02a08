import { LRUCache } from 'lru-cache';
import type { Config } from '../../config/schema.js';
import { eventsIndexBody, queriesIndexBody } from '../../mappings/behaviour-index.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { hashUserId } from '../http/log.js';
import { identifyRecord, type UbiEvent, type UbiQuery, type UserKey } from '../../mappings/ubi-event.js';
import { EventIndex } from './event-index.js';
import { RecentErasures, type IsErased } from './recent-erasures.js';
import { RecordWriter } from './record-writer.js';
import { keepEvent, namesOf, readStoredEvent, type KeptEvent } from './stored-event.js';

/** What is known of a user. */
export interface UserRecord {
  user: string;
  events: Record<string, unknown>[];
  queries: Record<string, unknown>[];
  /** True when there is more than the 10,000 newest of either. */
  truncated: boolean;
}

/** Events were not stored and are not remembered; sending the same ones again is safe. */
export class EventsNotStored extends Error {
  override readonly name = 'EventsNotStored';
}

/** The index takes records more slowly than they come. Nothing of the call was stored; sending it again later is safe. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
  constructor(index: string) {
    super(`${index}: more records wait to be written than are held`);
  }
}

/** How long memory answers for the index: well past the second within which what was written is seen there. */
const TAIL_MS = 60_000;
/** About 40 MB at the most. */
const TAIL_EVENTS = 200_000;

/**
 * Events and queries of shoppers: written to their indices, and held in memory until a search is sure to see them there,
 * so that a click changes the very next search. Erasing wins over everything that is under way.
 */
export class EventStore {
  readonly events: EventIndex;
  readonly queries: EventIndex;
  readonly #tails: LRUCache<string, KeptEvent[]>;
  readonly #erasing = new Map<string, number>();
  readonly #erased: RecentErasures;
  /** Records of somebody erased that may still be in the indices. */
  readonly #stragglers: { events: string[]; queries: string[] } = { events: [], queries: [] };
  readonly #writers: { events: RecordWriter; queries: RecordWriter };

  /**
   * @param options.erased shared with all who remember users
   * @param options.onTrouble told what keeps events from being seen soon
   * @param options.mostWaitingBytes of each index, on their way to it
   */
  constructor(options: {
    upstream: Upstream;
    behaviour: Pick<Config['behaviour'], 'events' | 'queries'>;
    erased?: RecentErasures;
    onTrouble?: (error: unknown) => void;
    mostWaitingBytes?: number;
  }) {
    const { upstream, behaviour, onTrouble } = options;
    this.events = new EventIndex(behaviour.events, upstream, eventsIndexBody, onTrouble);
    this.queries = new EventIndex(behaviour.queries, upstream, queriesIndexBody, onTrouble);
    this.#tails = new LRUCache({ max: TAIL_EVENTS, maxSize: TAIL_EVENTS, sizeCalculation: (tail) => tail.length, ttl: TAIL_MS });
    this.#erased = options.erased ?? new RecentErasures();
    const held = (names: string[]): boolean => names.some((name) => this.#erasing.has(name));
    const waiting = { held, mostBytes: options.mostWaitingBytes };
    this.#writers = { events: new RecordWriter(this.events, waiting), queries: new RecordWriter(this.queries, waiting) };
  }

  /** Creates the two indices where they are missing. Recording does so too; a start-up that does it first saves the first search a look. */
  async prepare(): Promise<void> {
    await Promise.all([this.events.ensure(), this.queries.ensure()]);
  }

  /**
   * Known to the next search when this is called, stored when it resolves. Rejects with EventsNotStored, and then nothing
   * of the rejected events is remembered; with TooManyWaiting where there is no room for any of them.
   */
  async record(events: readonly UbiEvent[]): Promise<void> {
    if (!this.#writers.events.hasRoom) throw new TooManyWaiting(this.events.name);
    const kept = events.map((event) => ({ event, kept: keepEvent(identifyRecord(event), event) }));
    for (const { kept: entry } of kept) if (entry?.objectId) this.#remember(entry);
    const failures = await Promise.all(
      kept.map(({ event, kept: entry }) => this.#writers.events.write(entry?.id ?? identifyRecord(event), entry?.names ?? [], event)),
    );
    failures.forEach((failure, position) => {
      const entry = kept[position]?.kept;
      if (failure !== null && entry) this.#forget(entry);
    });
    const failure = failures.find((one) => one !== null);
    if (failure !== undefined && failure !== null) throw new EventsNotStored(failure);
  }

  /** Rejects as `record`. */
  async recordQueries(queries: readonly UbiQuery[]): Promise<void> {
    await this.queries.ensure().catch(() => undefined); // the write says what is wrong
    // The UBI plugin's mapping finds a query's client only: the other ids go where it finds what it does not know.
    const copies = queries.length > 0 && !(await this.queries.knowsAllKeys().catch(() => true));
    if (!this.#writers.queries.hasRoom) throw new TooManyWaiting(this.queries.name);
    const failures = await Promise.all(
      queries.map((query) => {
        const source = { timestamp: new Date().toISOString(), ...query, ...(copies ? { query_attributes: withKeys(query) } : {}) };
        return this.#writers.queries.write(identifyRecord(query), namesOf(query), source);
      }),
    );
    const failure = failures.find((one) => one !== null);
    if (failure !== undefined && failure !== null) throw new EventsNotStored(failure);
  }

  /**
   * The newest events of a key that name an object, oldest first, from index and memory, each once; what is being or was
   * erased meanwhile is not among them. Rejects when the index cannot be read or the signal aborts.
   */
  async readHistory(
    key: UserKey,
    options: { length: number; since: number; until: number; ignoredActions: readonly string[]; signal?: AbortSignal },
  ): Promise<KeptEvent[]> {
    const startedAt = performance.now();
    const stored = await this.events.readNewest(key, {
      size: options.length,
      since: options.since,
      until: options.until,
      ignoredActions: options.ignoredActions,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const byId = new Map<string, KeptEvent>();
    for (const document of stored) {
      const event = readStoredEvent(document);
      if (event && !this.#isErased(event.names, startedAt)) byId.set(event.id, event);
    }
    for (const event of this.#tails.get(tailKey(key)) ?? []) byId.set(event.id, event);
    return [...byId.values()]
      .filter(
        (event) =>
          event.objectId !== null &&
          event.timestampMs >= options.since &&
          event.timestampMs <= options.until &&
          !options.ignoredActions.includes(event.action),
      )
      .filter((event) => event.key.kind === key.kind && event.key.id === key.id)
      .sort((a, b) => a.timestampMs - b.timestampMs || (a.id < b.id ? -1 : 1))
      .slice(-options.length);
  }

  /** Everything stored that names the id as user, client or session. */
  async exportUser(id: string): Promise<UserRecord> {
    await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
    const [events, queries] = await Promise.all([this.events.readAll(id), this.queries.readAll(id)]);
    return {
      user: id,
      events: events.documents.map(({ source }) => source),
      queries: queries.documents.map(({ source }) => source),
      truncated: events.total > events.documents.length || queries.total > queries.documents.length,
    };
  }

  /**
   * Forgets at once, then deletes; when it resolves no search finds in the index, or here, what the id had done before the
   * call. What other instances remember is theirs to forget (UserErasure tells them).
   */
  async erase(id: string): Promise<{ events: number; queries: number }> {
    this.#erasing.set(id, (this.#erasing.get(id) ?? 0) + 1);
    this.#erased.add(matchHash(hashUserId(id)));
    try {
      this.#forgetTails((name) => name === id);
      this.#writers.events.drop((name) => name === id);
      this.#writers.queries.drop((name) => name === id);
      await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
      const [events, queries] = await Promise.all([this.events.erase(id), this.queries.erase(id)]);
      return { events, queries };
    } finally {
      this.#erased.add(matchHash(hashUserId(id)));
      const running = (this.#erasing.get(id) ?? 1) - 1;
      if (running === 0) this.#erasing.delete(id);
      else this.#erasing.set(id, running);
      this.#writers.events.flush();
      this.#writers.queries.flush();
    }
  }

  /**
   * Forgets those whom another instance erased, and deletes what of theirs was on its way to the index meanwhile: up to what
   * was written in the last seconds, as far as it is still there. Gives how many records that were.
   */
  async forget(isErased: IsErased): Promise<number> {
    this.#erased.add(isErased);
    this.#forgetTails(isErased);
    this.#stragglers.events.push(...this.#writers.events.drop(isErased));
    this.#stragglers.queries.push(...this.#writers.queries.drop(isErased));
    await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
    const [events, queries] = await Promise.all([this.#eraseStragglers('events'), this.#eraseStragglers('queries')]);
    return events + queries;
  }

  /** What could not be deleted now is kept for the next try. */
  async #eraseStragglers(kind: 'events' | 'queries'): Promise<number> {
    const ids = [...this.#stragglers[kind]];
    if (ids.length === 0) return 0;
    const erased = await this[kind].eraseRecords(ids);
    this.#stragglers[kind] = this.#stragglers[kind].filter((id) => !ids.includes(id));
    return erased;
  }

  /** Lets go of what is too old to be asked for. */
  tidy(): void {
    this.#tails.purgeStale();
    this.#writers.events.tidy();
    this.#writers.queries.tidy();
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
    await Promise.all([this.events.settle(), this.queries.settle()]);
  }

  #forgetTails(isErased: IsErased): void {
    this.#tails.purgeStale();
    for (const [key, tail] of [...this.#tails.entries()]) {
      const left = tail.filter(({ names }) => !names.some(isErased));
      if (left.length === 0) this.#tails.delete(key);
      else if (left.length < tail.length) this.#tails.set(key, left);
    }
  }

  #remember(event: KeptEvent): void {
    const tail = this.#tails.get(tailKey(event.key)) ?? [];
    if (tail.some(({ id }) => id === event.id)) return;
    this.#tails.set(tailKey(event.key), [...tail, event].slice(-1000));
  }

  #forget(event: KeptEvent): void {
    const tail = this.#tails.get(tailKey(event.key))?.filter(({ id }) => id !== event.id) ?? [];
    if (tail.length === 0) this.#tails.delete(tailKey(event.key));
    else this.#tails.set(tailKey(event.key), tail);
  }

  #isErased(names: readonly string[], startedAt: number): boolean {
    return names.some((name) => this.#erasing.has(name)) || this.#erased.coverSince(names, startedAt);
  }
}

/**
 * Who was erased is remembered by a hash. A function of its own: a closure made where the id is at hand would keep the id
 * alive with it, as heap snapshots show.
 */
function matchHash(hash: string): IsErased {
  return (name) => hashUserId(name) === hash;
}

/** A query's attributes with the ids among them, as text: what the UBI plugin stores is all text. */
function withKeys({ query_attributes, user_id, session_id, client_id }: UbiQuery): Record<string, unknown> {
  return {
    ...query_attributes,
    ...(user_id === undefined ? {} : { user_id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(client_id === undefined ? {} : { client_id }),
  };
}

function tailKey({ kind, id }: UserKey): string {
  return `${kind}:${id}`;
}
