import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { EVENT } from '../../mappings/behaviour-index.js';
import { fieldMappingsAnswer, findField, keywordPath } from '../../mappings/exact-field.js';
import { chooseUserKey, type UserKey } from '../../mappings/ubi-event.js';
import { identifyAction } from '../../models/feature-set.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { streamIndex, type StreamedHit } from '../../opensearch/point-in-time.js';

/** One thing that a shopper did with one product, as events tell it. */
export interface ProductEvent {
  readonly id: string;
  readonly objectId: string;
  readonly action: string;
  readonly timestampMs: number;
}

/** A search that shoppers made, as `ubi_queries` tells it. */
export interface LoggedQuery {
  readonly queryId: string;
  readonly text: string;
  readonly timestampMs: number;
  readonly shopper: UserKey | null;
}

/** There is no index of events. */
export class EventsMissing extends Error {
  override readonly name = 'EventsMissing';
  readonly exitCode = 6;
}

const PAGE = 5_000;
const KEYS = { user: EVENT.userId, client: EVENT.clientId, session: EVENT.sessionId } as const;
const KINDS = ['user', 'client', 'session'] as const;

/** What an action on a shown product says of it: looked at 1, put into the cart 2, bought 3; 0 where it says nothing good. */
export function labelAction(action: string): number {
  return Math.max(0, identifyAction(action) - 1);
}

const text = z.union([z.string(), z.number().transform(String)]);
const keysSchema = z.object({ user_id: text.nullish(), client_id: text.nullish(), session_id: text.nullish() });
const eventSchema = keysSchema.extend({
  action_name: z.string(),
  timestamp: z.union([z.string(), z.number()]),
  event_attributes: z.object({ object: z.object({ object_id: text }) }),
});
const querySchema = keysSchema.extend({ query_id: text, user_query: z.string(), timestamp: z.union([z.string(), z.number()]) });

const hitsSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.record(z.string(), z.unknown()).default({}) })) }),
});
const bucketsSchema = z.object({
  aggregations: z.object({
    labels: z.object({
      after_key: z.record(z.string(), z.string()).optional(),
      buckets: z.array(z.object({ key: z.object({ query: z.string(), item: z.string(), action: z.string() }) })),
    }),
  }),
});

/** Events and queries at rest, read for training: ours, or indices that the UBI plugin made, whose ids are text with a keyword twin. */
export class BehaviourEvents {
  readonly #engine: EngineClient;
  readonly #events: string;
  readonly #queries: string;
  readonly #exact = new Map<string, Promise<(field: string) => string>>();

  constructor(engine: EngineClient, behaviour: Pick<Config['behaviour'], 'events' | 'queries'>) {
    this.#engine = engine;
    this.#events = behaviour.events;
    this.#queries = behaviour.queries;
  }

  /** Best label by item of each of the searches that have any. @throws EventsMissing */
  async readLabels(queryIds: readonly string[]): Promise<Map<string, Map<string, number>>> {
    const exact = await this.#exactFields(this.#events);
    const labels = new Map<string, Map<string, number>>();
    let after: Record<string, string> | undefined;
    do {
      const answer = await this.#engine.search({
        index: this.#events,
        body: {
          size: 0,
          query: { bool: { filter: [{ terms: { [exact(EVENT.queryId)]: [...new Set(queryIds)] } }] } },
          aggs: {
            labels: {
              composite: {
                size: PAGE,
                sources: [
                  { query: { terms: { field: exact(EVENT.queryId) } } },
                  { item: { terms: { field: exact(EVENT.objectId) } } },
                  { action: { terms: { field: exact(EVENT.actionName) } } },
                ],
                ...(after === undefined ? {} : { after }),
              },
            },
          },
        },
      });
      const found = bucketsSchema.parse(answer.body).aggregations.labels;
      for (const { key } of found.buckets) addLabel(labels, { queryId: key.query, itemId: key.item, action: key.action });
      after = found.after_key;
    } while (after !== undefined);
    return labels;
  }

  /**
   * What a shopper had done before a moment, oldest first, as a search of that moment would have recalled it.
   * @param options.length events at most
   * @param options.since epoch ms; older ones are forgotten
   */
  async readHistory(
    shopper: UserKey,
    options: { before: number; since: number; length: number; ignored: readonly string[] },
  ): Promise<ProductEvent[]> {
    const exact = await this.#exactFields(this.#events);
    const stronger = KINDS.slice(0, KINDS.indexOf(shopper.kind)).map((kind) => ({ exists: { field: KEYS[kind] } }));
    const answer = await this.#engine.search({
      index: this.#events,
      body: {
        size: options.length,
        track_total_hits: false,
        sort: [{ [EVENT.timestamp]: { order: 'desc' } }],
        query: {
          bool: {
            filter: [
              { term: { [exact(KEYS[shopper.kind])]: { value: shopper.id } } },
              { exists: { field: EVENT.objectId } },
              { range: { [EVENT.timestamp]: { gte: iso(options.since), lt: iso(options.before) } } },
            ],
            must_not: [...stronger, { terms: { [exact(EVENT.actionName)]: options.ignored } }],
          },
        },
      },
    });
    return hitsSchema
      .parse(answer.body)
      .hits.hits.flatMap(({ _id: id, _source: source }) => readEvent({ id, source })?.event ?? [])
      .sort(byTime);
  }

  /** Searches with words and an id, oldest first. @throws EventsMissing */
  async *readQueries(range: { since: number; until: number }): AsyncGenerator<LoggedQuery> {
    const query = { bool: { filter: [{ range: { [EVENT.timestamp]: { gte: iso(range.since), lt: iso(range.until) } } }] } };
    await this.#exactFields(this.#queries); // tells of a missing index in our words
    for await (const { source } of this.#read(this.#queries, query, [{ [EVENT.timestamp]: { order: 'asc' } }])) {
      const parsed = querySchema.safeParse(source);
      const timestampMs = parsed.success ? timeOf(parsed.data.timestamp) : Number.NaN;
      if (!parsed.success || !Number.isFinite(timestampMs) || parsed.data.user_query.trim() === '') continue;
      yield { queryId: parsed.data.query_id, text: parsed.data.user_query, timestampMs, shopper: shopperOf(parsed.data) };
    }
  }

  /** Every shopper's product events before a moment, oldest first, one shopper after the other. @throws EventsMissing */
  async *readShoppers(until: number): AsyncGenerator<{ shopper: UserKey; events: ProductEvent[] }> {
    const exact = await this.#exactFields(this.#events);
    const query = { bool: { filter: [{ exists: { field: EVENT.objectId } }, { range: { [EVENT.timestamp]: { lt: iso(until) } } }] } };
    const sort = KINDS.map((kind) => ({ [exact(KEYS[kind])]: { order: 'asc', missing: '_last', unmapped_type: 'keyword' } }));
    let current: { shopper: UserKey; events: ProductEvent[] } | null = null;
    for await (const hit of this.#read(this.#events, query, [...sort, { [EVENT.timestamp]: { order: 'asc' } }])) {
      const read = readEvent(hit);
      if (!read?.shopper) continue;
      if (current && (current.shopper.kind !== read.shopper.kind || current.shopper.id !== read.shopper.id)) {
        yield inOrder(current);
        current = null;
      }
      current ??= { shopper: read.shopper, events: [] };
      current.events.push(read.event);
    }
    if (current) yield inOrder(current);
  }

  async *#read(index: string, query: Record<string, unknown>, sort: readonly object[]): AsyncGenerator<StreamedHit> {
    for await (const page of streamIndex(this.#engine, index, { query, sort, source: true })) yield* page;
  }

  /** Which field matches an id exactly. @throws EventsMissing */
  #exactFields(index: string): Promise<(field: string) => string> {
    let reading = this.#exact.get(index);
    if (!reading) this.#exact.set(index, (reading = this.#readExactFields(index)));
    return reading;
  }

  async #readExactFields(index: string): Promise<(field: string) => string> {
    const exists = await this.#engine.indices.exists({ index });
    if (!exists.body) {
      throw new EventsMissing(
        `there is no index [${index}]; name the one that holds the events with behaviour.events and behaviour.queries`,
      );
    }
    const mappings = Object.values(fieldMappingsAnswer.parse((await this.#engine.indices.getMapping({ index })).body));
    return (field) => {
      const found = mappings.map(({ mappings: { properties } }) => findField(properties, field)).find((each) => each !== undefined);
      return keywordPath(field, found) ?? field;
    };
  }
}

/** Adds what one event says of one item of one search. */
export function addLabel(
  labels: Map<string, Map<string, number>>,
  { queryId, itemId, action }: { queryId: string; itemId: string; action: string },
): void {
  const label = labelAction(action);
  if (label === 0) return;
  const own = labels.get(queryId) ?? new Map<string, number>();
  labels.set(queryId, own);
  own.set(itemId, Math.max(label, own.get(itemId) ?? 0));
}

/** The sort goes by client before time where a user has several. */
function inOrder({ shopper, events }: { shopper: UserKey; events: ProductEvent[] }): { shopper: UserKey; events: ProductEvent[] } {
  return { shopper, events: events.sort(byTime) };
}

/** Events of one millisecond in the order of their ids, as the sidecar recalls them. */
function byTime(a: ProductEvent, b: ProductEvent): number {
  return a.timestampMs - b.timestampMs || (a.id < b.id ? -1 : 1);
}

function readEvent({ id, source }: Pick<StreamedHit, 'id' | 'source'>): { event: ProductEvent; shopper: UserKey | null } | null {
  const parsed = eventSchema.safeParse(source);
  const timestampMs = parsed.success ? timeOf(parsed.data.timestamp) : Number.NaN;
  if (!parsed.success || !Number.isFinite(timestampMs)) return null;
  const { action_name: action, event_attributes } = parsed.data;
  return { event: { id, objectId: event_attributes.object.object_id, action, timestampMs }, shopper: shopperOf(parsed.data) };
}

function shopperOf({ user_id, client_id, session_id }: z.output<typeof keysSchema>): UserKey | null {
  return chooseUserKey({ user: user_id ?? null, client: client_id ?? null, session: session_id ?? null });
}

function timeOf(value: string | number): number {
  return typeof value === 'number' ? value : Date.parse(value);
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
