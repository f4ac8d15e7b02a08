import { z } from 'zod';
import { EVENT } from '../../mappings/behaviour-index.js';
import type { Upstream } from '../../opensearch/upstream.js';
import type { UserKey } from '../../mappings/ubi-event.js';
import { knowsAllKeys, matchKey, matchPlaces, readEventFields, type FieldsByIndex } from './event-fields.js';
import { PromptRefresh } from './prompt-refresh.js';
import { StoredIndex, withoutQuotes, type IndexAnswer } from './stored-index.js';
import { namesOf, type StoredDocument } from './stored-event.js';

/** One document to write; `id` decides whether it is there already. */
export interface EventDocument {
  id: string;
  source: object;
}

export interface ReadOptions {
  size: number;
  /** Milliseconds since 1970. */
  since: number;
  /** The same; nothing later is read. */
  until: number;
  ignoredActions: readonly string[];
  signal?: AbortSignal;
}

const STRONGER_FIELDS = { user: [], client: [EVENT.userId], session: [EVENT.userId, EVENT.clientId] } as const;
const READ_FIELDS = [EVENT.actionName, EVENT.timestamp, EVENT.objectId, EVENT.userId, EVENT.clientId, EVENT.sessionId];
/** An index made by others may get its user fields by dynamic mapping, with the first event that has them. */
const INCOMPLETE_FIELDS_MS = 2_000;
const WRITE_TRIES = 4;
/** Whoever sent the records waits for as long; an engine that hangs must not hold them, and all that come after, for ever. */
const WRITE_PATIENCE_MS = 30_000;
const ERASE_ROUNDS = 10;
/** The engine's own page limit. */
const PAGE = 10_000;
/** Events whose times an index dropped come in the order of writing: more of them are read, since that is only about the order of time. */
const UNTIMED_FACTOR = 4;

const bulkSchema = z.object({
  items: z.array(z.record(z.string(), z.object({ status: z.int(), error: z.unknown().optional() }))),
});
const searchSchema = z.object({
  hits: z.object({
    total: z.object({ value: z.int() }).optional(),
    // Not z.record: it would copy each of the documents, on every search of a known shopper.
    hits: z.array(z.object({ _id: z.string(), _source: z.custom<Record<string, unknown>>(isRecord).default({}) })),
  }),
});
const deleteSchema = z.object({ deleted: z.int(), version_conflicts: z.int().default(0), failures: z.array(z.unknown()).default([]) });

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `ubi_events` or `ubi_queries` at rest: ours, created on first use, or one that others made and fill, whose fields are read
 * off its mapping. Reads and writes with the credentials of the Upstream it is given.
 */
export class EventIndex {
  readonly #index: StoredIndex;
  readonly #refresh: PromptRefresh;
  #fields: { value: FieldsByIndex; readAt: number } | null = null;

  /** @param onTrouble told when an index that refreshes itself seldom can't be refreshed by us */
  constructor(name: string, upstream: Upstream, body: () => object, onTrouble: (error: unknown) => void = () => undefined) {
    this.#index = new StoredIndex(name, upstream, body);
    this.#refresh = new PromptRefresh(this.#index, onTrouble);
  }

  get name(): string {
    return this.#index.name;
  }

  /** Creates the index unless something answers to its name. */
  ensure(): Promise<void> {
    return this.#index.ensure();
  }

  /**
   * Writes each document once; only what was refused for load is tried again. Gives the ids that could not be written. What
   * was written is seen by every search within about a second.
   */
  async write(documents: readonly EventDocument[]): Promise<{ id: string; reason: string }[]> {
    await this.ensure();
    let pending = [...documents];
    for (let attempt = 1; ; attempt++) {
      const refused: { document: EventDocument; status: number; reason: string }[] = [];
      // `create`, as data streams want it; a document that is there already is what we asked for.
      const lines = pending.map(({ id, source }) => `${JSON.stringify({ create: { _id: id } })}\n${JSON.stringify(source)}\n`).join('');
      const answer = await this.#index.send('POST', '/_bulk', { body: lines, signal: AbortSignal.timeout(WRITE_PATIENCE_MS) });
      if (answer.status === 429 || answer.status === 503) {
        refused.push(...pending.map((document) => ({ document, status: answer.status, reason: answer.text.slice(0, 200) })));
      } else if (answer.status >= 300) {
        throw this.#index.error('write events', answer);
      } else {
        bulkSchema.parse(JSON.parse(answer.text)).items.forEach((item, position) => {
          const [result] = Object.values(item);
          const document = pending[position];
          if (!result || !document || result.status < 300 || result.status === 409) return;
          const reason = withoutQuotes(JSON.stringify(result.error ?? result.status)).slice(0, 200);
          refused.push({ document, status: result.status, reason });
        });
      }
      // An index without the fields we search by may have got them from these documents.
      if (this.#fields && !knowsAllKeys(this.#fields.value)) this.#fields = null;
      if (refused.length < pending.length) this.#refresh.written();
      const busy = refused.filter(({ status }) => status === 429 || status === 503);
      if (busy.length === 0 || attempt === WRITE_TRIES) return refused.map(({ document, reason }) => ({ id: document.id, reason }));
      const final = refused.filter(({ status }) => status !== 429 && status !== 503);
      if (final.length > 0) return refused.map(({ document, reason }) => ({ id: document.id, reason }));
      pending = busy.map(({ document }) => document);
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
  }

  /** The newest documents made under one key that name an object, newest first; of those whose times an index dropped, the last written. */
  async readNewest(key: UserKey, { size, since, until, ignoredActions, signal }: ReadOptions): Promise<StoredDocument[]> {
    const fields = await this.#readFields(signal);
    const terms = matchKey(fields, key);
    if (terms.length === 0) return [];
    const each = [...fields.values()];
    const timed = each.every((one) => one.timed);
    const found = await this.#search(
      {
        size: timed ? size : size * UNTIMED_FACTOR,
        track_total_hits: false,
        sort: timed ? [{ [EVENT.timestamp]: { order: 'desc', unmapped_type: 'date' } }] : [{ _seq_no: 'desc' }],
        _source: READ_FIELDS,
        query: {
          bool: {
            filter: [
              { bool: { should: terms, minimum_should_match: 1 } },
              ...timeFilters(each, { since, until }, timed),
              ...(each.every(({ objects }) => objects) ? [{ exists: { field: EVENT.objectId } }] : []),
            ],
            must_not: [
              // What was done under a stronger key belongs to that key alone.
              ...STRONGER_FIELDS[key.kind].map((field) => ({ exists: { field } })),
              ...ignoredActions.map((action) => ({ term: { [EVENT.actionName]: { value: action } } })),
            ],
          },
        },
      },
      { signal },
    );
    return found.documents;
  }

  /** Everything that names an id in any place, newest first; at most 10,000 documents of each index, the engine's own page limit. */
  async readAll(id: string): Promise<{ documents: StoredDocument[]; total: number }> {
    await this.#index.refresh();
    this.#fields = null;
    const documents: StoredDocument[] = [];
    let total = 0;
    for (const [index, fields] of await this.#readFields()) {
      const { exact, words } = matchPlaces(fields, id);
      if (exact.length + words.length === 0) continue;
      const found = await this.#search(
        {
          size: PAGE,
          track_total_hits: true,
          sort: [{ [EVENT.timestamp]: { order: 'desc', unmapped_type: 'date' } }],
          query: { bool: { should: [...exact, ...words], minimum_should_match: 1 } },
        },
        { index },
      );
      const named = words.length === 0 ? found.documents : found.documents.filter(({ source }) => namesOf(source).includes(id));
      documents.push(...named);
      total += found.total - (found.documents.length - named.length);
    }
    return { documents, total };
  }

  /** Deletes everything that names an id in any place; gone for every search when it resolves. Gives how many. */
  async erase(id: string): Promise<number> {
    // Deletion by query sees what a search sees: without a refresh the events of the last second would survive it.
    await this.#index.refresh();
    this.#fields = null;
    let deleted = 0;
    for (const [index, fields] of await this.#readFields()) {
      const { exact, words } = matchPlaces(fields, id);
      if (exact.length > 0) deleted += await this.#delete({ bool: { should: exact, minimum_should_match: 1 } }, index);
      if (words.length > 0) deleted += await this.#eraseAmong({ bool: { should: words, minimum_should_match: 1 } }, id, index);
    }
    return deleted;
  }

  /** Deletes records by their ids. */
  async eraseRecords(ids: readonly string[]): Promise<number> {
    await this.#index.refresh();
    let deleted = 0;
    for (let from = 0; from < ids.length; from += PAGE)
      deleted += await this.#delete({ ids: { values: ids.slice(from, from + PAGE) } }, this.name);
    return deleted;
  }

  /**
   * Deletes what is older, at a pace that leaves the engine to its searches. Gives how many.
   * @param options.before milliseconds since 1970 @param options.ownOnly leave indices alone that others made
   */
  async expire(options: { before: number; ownOnly: boolean; signal: AbortSignal }): Promise<number> {
    let deleted = 0;
    for (const [index, { own, clock }] of await this.#readFields()) {
      if ((options.ownOnly && !own) || clock === null) continue;
      const body = { query: { range: { [EVENT.timestamp]: { lt: moment(clock, options.before) } } } };
      for (;;) {
        if (options.signal.aborted) return deleted;
        const answer = await this.#index.send(
          'POST',
          `/_delete_by_query?conflicts=proceed&max_docs=${EXPIRY_BATCH}&scroll_size=1000&requests_per_second=${EXPIRY_PACE}`,
          { body, index, signal: options.signal },
        );
        if (answer.status >= 300) throw this.#index.error('delete what has expired', answer);
        const round = deleteSchema.parse(JSON.parse(answer.text));
        if (round.failures.length > 0) throw this.#index.error('delete what has expired', answer);
        deleted += round.deleted;
        if (round.deleted + round.version_conflicts < EXPIRY_BATCH) break;
      }
    }
    return deleted;
  }

  /** Whether a user can be found by all of the three ids. */
  async knowsAllKeys(): Promise<boolean> {
    return knowsAllKeys(await this.#readFields());
  }

  /** Waits for what is due after a write. */
  settle(): Promise<void> {
    return this.#refresh.settle();
  }

  /** Where a field has only words, its documents are looked at, and deleted by their ids. */
  async #eraseAmong(query: object, id: string, index: string): Promise<number> {
    let deleted = 0;
    for (let round = 0; round < ERASE_ROUNDS; round++) {
      const { documents, total } = await this.#search({ size: PAGE, track_total_hits: true, query }, { index });
      const named = documents.filter(({ source }) => namesOf(source).includes(id));
      if (named.length > 0) deleted += await this.#delete({ ids: { values: named.map((document) => document.id) } }, index);
      if (total <= documents.length) return deleted;
      if (named.length === 0) break;
    }
    throw this.#index.error('erase a user', {
      status: 200,
      text: `[${index}] holds ids as text without a keyword twin, and too many documents share their words; reindex it`,
    });
  }

  async #delete(query: object, index: string): Promise<number> {
    let deleted = 0;
    for (let round = 0; ; round++) {
      const answer = await this.#index.send('POST', '/_delete_by_query?refresh=true&conflicts=proceed', { body: { query }, index });
      if (answer.status === 404) return deleted;
      if (answer.status >= 300) throw this.#index.error('erase a user', answer);
      const result = deleteSchema.parse(JSON.parse(answer.text));
      deleted += result.deleted;
      if (result.failures.length > 0) throw this.#index.error('erase a user', answer);
      if (result.version_conflicts === 0) return deleted;
      if (round === ERASE_ROUNDS) throw this.#index.error('erase a user', answer);
    }
  }

  async #search(
    body: object,
    options: { signal?: AbortSignal | undefined; index?: string } = {},
  ): Promise<{ documents: StoredDocument[]; total: number }> {
    const answer: IndexAnswer = await this.#index.send('POST', '/_search?ignore_unavailable=true', { body, ...options });
    if (answer.status >= 300) throw this.#index.error('read events', answer);
    const { hits } = searchSchema.parse(JSON.parse(answer.text));
    return { documents: hits.hits.map((hit) => ({ id: hit._id, source: hit._source })), total: hits.total?.value ?? hits.hits.length };
  }

  /** For each concrete index behind the name: by which field each id can be matched, and what else its mapping says. */
  async #readFields(signal?: AbortSignal): Promise<FieldsByIndex> {
    const known = this.#fields;
    if (known && (knowsAllKeys(known.value) || performance.now() - known.readAt < INCOMPLETE_FIELDS_MS)) return known.value;
    const answer = await this.#index.send('GET', '/_mapping?ignore_unavailable=true', { signal });
    if (answer.status === 404) return new Map();
    if (answer.status >= 300) throw this.#index.error('read the mapping', answer);
    const value = readEventFields(JSON.parse(answer.text));
    this.#fields = { value, readAt: performance.now() };
    return value;
  }
}

const EXPIRY_BATCH = 10_000;
/** Documents a second. */
const EXPIRY_PACE = 2_000;

/** Where times may have been dropped, a document without one is let in, and its own text is looked at instead. */
function timeFilters(
  fields: readonly { clock: 'date' | 'number' | null }[],
  { since, until }: Pick<ReadOptions, 'since' | 'until'>,
  timed: boolean,
): object[] {
  const [clock] = fields.map((one) => one.clock);
  if (clock === undefined || clock === null || fields.some((one) => one.clock !== clock)) return [];
  const range = { range: { [EVENT.timestamp]: { gte: moment(clock, since), lte: moment(clock, until) } } };
  if (timed) return [range];
  const untimed = { bool: { must_not: [{ exists: { field: EVENT.timestamp } }] } };
  return [{ bool: { should: [range, untimed], minimum_should_match: 1 } }];
}

function moment(clock: 'date' | 'number', milliseconds: number): string | number {
  return clock === 'date' ? new Date(milliseconds).toISOString() : milliseconds;
}
