import { LRUCache } from 'lru-cache';
import type { Config } from '../../config/schema.js';
import { EVENT, eventsIndexBody, queriesIndexBody } from '../../mappings/behaviour-index.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { EventIndex, type StoredDocument } from './event-index.js';
import { chooseUserKey, identifyRecord, keyOfEvent, type UbiEvent, type UbiQuery, type UserKey } from '../../mappings/ubi-event.js';

/** What history needs of an event. */
export interface KeptEvent {
  /** Deterministic: the same event from memory and from the index has the same. */
  id: string;
  key: UserKey;
  objectId: string | null;
  action: string;
  timestampMs: number;
  sessionId: string | null;
  /** All ids it names, for erasing. */
  names: string[];
}

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

/**
 * How long memory answers for the index: past its refresh (1 s by default, 30 s in careful clusters), and short,
 * since another process that erases a user cannot reach into this one.
 */
const TAIL_MS = 60_000;
/** About 40 MB at the most. */
const TAIL_EVENTS = 200_000;
/** Longer than any read of the index lasts. */
const TOMBSTONE_MS = 600_000;

interface Write {
  id: string;
  names: string[];
  source: object;
  settle: (failure: string | null) => void;
}

/**
 * Events and queries of shoppers: written to their indices, and held in memory until a search is sure to see them there,
 * so that a click changes the very next search. Erasing wins over everything that is under way.
 */
export class EventStore {
  readonly events: EventIndex;
  readonly queries: EventIndex;
  readonly #tails: LRUCache<string, KeptEvent[]>;
  readonly #erasing = new Map<string, number>();
  readonly #erasedAt = new LRUCache<string, number>({ max: 100_000, ttl: TOMBSTONE_MS });
  readonly #writers: { events: Writer; queries: Writer };

  constructor(options: { upstream: Upstream; behaviour: Pick<Config['behaviour'], 'events' | 'queries'> }) {
    this.events = new EventIndex(options.behaviour.events, options.upstream, eventsIndexBody);
    this.queries = new EventIndex(options.behaviour.queries, options.upstream, queriesIndexBody);
    this.#tails = new LRUCache({ max: TAIL_EVENTS, maxSize: TAIL_EVENTS, sizeCalculation: (tail) => tail.length, ttl: TAIL_MS });
    const held = (names: string[]): boolean => names.some((name) => this.#erasing.has(name));
    this.#writers = { events: new Writer(this.events, held), queries: new Writer(this.queries, held) };
  }

  /** Creates the two indices where they are missing. Recording does so too; a start-up that does it first saves the first search a look. */
  async prepare(): Promise<void> {
    await Promise.all([this.events.ensure(), this.queries.ensure()]);
  }

  /**
   * Known to the next search when this is called, stored when it resolves. Rejects with EventsNotStored, and then nothing
   * of the rejected events is remembered.
   */
  async record(events: readonly UbiEvent[]): Promise<void> {
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

  async recordQueries(queries: readonly UbiQuery[]): Promise<void> {
    const failures = await Promise.all(
      queries.map((query) =>
        this.#writers.queries.write(identifyRecord(query), namesOf(query), { timestamp: new Date().toISOString(), ...query }),
      ),
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
    options: { length: number; since: number; ignoredActions: readonly string[]; signal?: AbortSignal },
  ): Promise<KeptEvent[]> {
    const startedAt = performance.now();
    const stored = await this.events.readNewest(key, {
      size: options.length,
      since: options.since,
      fields: [EVENT.actionName, EVENT.timestamp, EVENT.objectId, EVENT.userId, EVENT.clientId, EVENT.sessionId],
      filter: [{ exists: { field: EVENT.objectId } }],
      mustNot: options.ignoredActions.map((action) => ({ term: { [EVENT.actionName]: { value: action } } })),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const byId = new Map<string, KeptEvent>();
    for (const document of stored) {
      const event = readStoredEvent(document);
      if (event && event.names.every((name) => !this.#erasedSince(name, startedAt))) byId.set(event.id, event);
    }
    for (const event of this.#tails.get(tailKey(key)) ?? []) byId.set(event.id, event);
    return [...byId.values()]
      .filter((event) => event.objectId !== null && event.timestampMs >= options.since && !options.ignoredActions.includes(event.action))
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

  /** Forgets at once, then deletes; when it resolves no search of any process finds what the id had done before the call. */
  async erase(id: string): Promise<{ events: number; queries: number }> {
    this.#erasing.set(id, (this.#erasing.get(id) ?? 0) + 1);
    for (const [key, tail] of [...this.#tails.entries()]) {
      const left = tail.filter(({ names }) => !names.includes(id));
      if (left.length === 0) this.#tails.delete(key);
      else if (left.length < tail.length) this.#tails.set(key, left);
    }
    try {
      this.#writers.events.drop(id);
      this.#writers.queries.drop(id);
      await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
      const [events, queries] = await Promise.all([this.events.erase(id), this.queries.erase(id)]);
      return { events, queries };
    } finally {
      this.#erasedAt.set(id, performance.now());
      const running = (this.#erasing.get(id) ?? 1) - 1;
      if (running === 0) this.#erasing.delete(id);
      else this.#erasing.set(id, running);
      this.#writers.events.flush();
      this.#writers.queries.flush();
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#writers.events.settled(), this.#writers.queries.settled()]);
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

  #erasedSince(id: string, startedAt: number): boolean {
    return this.#erasing.has(id) || (this.#erasedAt.get(id) ?? -Infinity) >= startedAt;
  }
}

/** One bulk request at a time: what arrives meanwhile travels together in the next, so that load makes them larger, not more. */
class Writer {
  #queue: Write[] = [];
  #inFlight: Promise<void> | null = null;

  constructor(
    private readonly index: EventIndex,
    private readonly held: (names: string[]) => boolean,
  ) {}

  /** Resolves to null when stored, else to the reason. */
  write(id: string, names: string[], source: object): Promise<string | null> {
    return new Promise((resolve) => {
      this.#queue.push({ id, names, source, settle: resolve });
      this.flush();
    });
  }

  flush(): void {
    if (this.#inFlight) return;
    // What a user does while being erased waits: written now, the deletion would take it along.
    const batch = this.#queue.filter(({ names }) => !this.held(names)).slice(0, 1000);
    if (batch.length === 0) return;
    const taken = new Set(batch);
    this.#queue = this.#queue.filter((write) => !taken.has(write));
    this.#inFlight = this.#send(batch).finally(() => {
      this.#inFlight = null;
      this.flush();
    });
  }

  async #send(batch: readonly Write[]): Promise<void> {
    try {
      const refused = new Map((await this.index.write(batch)).map(({ id, reason }) => [id, reason]));
      for (const { id, settle } of batch) settle(refused.get(id) ?? null);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const { settle } of batch) settle(reason);
    }
  }

  /** Takes out of the queue what names a user: accepted, and erased before it was written. */
  drop(name: string): void {
    const dropped = this.#queue.filter(({ names }) => names.includes(name));
    this.#queue = this.#queue.filter(({ names }) => !names.includes(name));
    for (const { settle } of dropped) settle(null);
  }

  /** Resolves when the request under way, if any, has been answered. */
  async settled(): Promise<void> {
    await this.#inFlight;
  }
}

function keepEvent(id: string, event: UbiEvent): KeptEvent | null {
  const key = keyOfEvent(event);
  if (!key) return null;
  const objectId = event.event_attributes?.object?.object_id;
  return {
    id,
    key,
    objectId: objectId === undefined ? null : String(objectId),
    action: event.action_name,
    timestampMs: Date.parse(event.timestamp),
    sessionId: event.session_id ?? null,
    names: namesOf(event),
  };
}

function namesOf(record: { user_id?: string | undefined; client_id?: string | undefined; session_id?: string | undefined }): string[] {
  return [record.user_id, record.client_id, record.session_id].filter((name) => name !== undefined);
}

function tailKey({ kind, id }: UserKey): string {
  return `${kind}:${id}`;
}

/** Null for a document that lacks what history needs: an index that others write to may hold anything. */
function readStoredEvent({ id, source }: StoredDocument): KeptEvent | null {
  const [user, client, session] = [EVENT.userId, EVENT.clientId, EVENT.sessionId].map((field) => readId(source, field));
  const key = chooseUserKey({ user: user ?? null, client: client ?? null, session: session ?? null });
  const action = readPath(source, EVENT.actionName);
  const time = readPath(source, EVENT.timestamp);
  const timestampMs = typeof time === 'string' ? Date.parse(time) : typeof time === 'number' ? time : NaN;
  if (!key || typeof action !== 'string' || !Number.isFinite(timestampMs)) return null;
  const names = [user, client, session].filter((name) => typeof name === 'string');
  return { id, key, objectId: readId(source, EVENT.objectId), action, timestampMs, sessionId: session ?? null, names };
}

function readId(source: Record<string, unknown>, path: string): string | null {
  const value = readPath(source, path);
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' ? String(value) : null;
}

/** A member by its dotted path, in nested objects or under a dotted name, as documents may have either. */
function readPath(source: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(source, path)) return source[path];
  let node: unknown = source;
  for (const key of path.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = Object.getOwnPropertyDescriptor(node, key)?.value;
  }
  return node;
}
