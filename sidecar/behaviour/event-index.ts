import { z } from 'zod';
import { EVENT } from '../../mappings/behaviour-index.js';
import { fieldMappingsAnswer, findField, keywordPath } from '../../mappings/exact-field.js';
import type { Upstream } from '../../opensearch/upstream.js';
import type { UserKey } from '../../mappings/ubi-event.js';

/** One document to write; `id` decides whether it is there already. */
export interface EventDocument {
  id: string;
  source: object;
}

/** A stored document whose members are not yet believed. */
export interface StoredDocument {
  id: string;
  source: Record<string, unknown>;
}

/** An index of behaviour refused us. The message says what the engine said. */
export class BehaviourIndexError extends Error {
  override readonly name = 'BehaviourIndexError';
  constructor(
    index: string,
    action: string,
    readonly status: number,
    answer: string,
  ) {
    super(`${index}: could not ${action}: the engine answered ${status} ${answer.slice(0, 300)}`);
  }
}

const USER_FIELDS = { user: EVENT.userId, client: EVENT.clientId, session: EVENT.sessionId } as const;
/** An index made by others may get its user fields by dynamic mapping, with the first event that has them. */
const INCOMPLETE_FIELDS_MS = 2_000;
const WRITE_TRIES = 4;
const ERASE_ROUNDS = 10;

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

type ConcreteFields = Map<string, Record<UserKey['kind'], string | null>>;

/**
 * `ubi_events` or `ubi_queries` at rest: ours, created on first use, or one that the UBI plugin made, whose user ids are
 * text with a keyword twin. Reads and writes with the credentials of the Upstream it is given.
 */
export class EventIndex {
  #ready: Promise<void> | null = null;
  #fields: { value: ConcreteFields; readAt: number } | null = null;

  constructor(
    readonly name: string,
    private readonly upstream: Upstream,
    private readonly body: () => object,
  ) {}

  /** Creates the index unless something answers to its name. */
  ensure(): Promise<void> {
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async #create(): Promise<void> {
    const found = await this.upstream.send({ method: 'HEAD', path: `/${this.#path}` });
    if (found.status === 200) return;
    const made = await this.#send('PUT', '', this.body());
    if (made.status >= 300 && !made.text.includes('resource_already_exists_exception')) throw this.#error('create the index', made);
  }

  /** Writes each document once; only what was refused for load is tried again. Gives the ids that could not be written. */
  async write(documents: readonly EventDocument[]): Promise<{ id: string; reason: string }[]> {
    await this.ensure();
    let pending = [...documents];
    for (let attempt = 1; ; attempt++) {
      const refused: { document: EventDocument; status: number; reason: string }[] = [];
      // `create`, as data streams want it; a document that is there already is what we asked for.
      const lines = pending.map(({ id, source }) => `${JSON.stringify({ create: { _id: id } })}\n${JSON.stringify(source)}\n`).join('');
      const answer = await this.#send('POST', '/_bulk', lines);
      if (answer.status === 429 || answer.status === 503) {
        refused.push(...pending.map((document) => ({ document, status: answer.status, reason: answer.text.slice(0, 200) })));
      } else if (answer.status >= 300) {
        throw this.#error('write events', answer);
      } else {
        bulkSchema.parse(JSON.parse(answer.text)).items.forEach((item, position) => {
          const [result] = Object.values(item);
          const document = pending[position];
          if (!result || !document || result.status < 300 || result.status === 409) return;
          refused.push({ document, status: result.status, reason: JSON.stringify(result.error ?? result.status).slice(0, 200) });
        });
      }
      // An index without the fields we search by may have got them from these documents.
      if (this.#fields && !isComplete(this.#fields.value)) this.#fields = null;
      const busy = refused.filter(({ status }) => status === 429 || status === 503);
      if (busy.length === 0 || attempt === WRITE_TRIES) return refused.map(({ document, reason }) => ({ id: document.id, reason }));
      const final = refused.filter(({ status }) => status !== 429 && status !== 503);
      if (final.length > 0) return refused.map(({ document, reason }) => ({ id: document.id, reason }));
      pending = busy.map(({ document }) => document);
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
  }

  /** The newest documents made under one key, newest first. */
  async readNewest(
    key: UserKey,
    options: { size: number; since: number; filter?: object[]; mustNot?: object[]; fields: string[]; signal?: AbortSignal },
  ): Promise<StoredDocument[]> {
    const fields = await this.#readFields(options.signal);
    const terms = termsOf(fields, [key]);
    if (terms.length === 0) return [];
    // What was done under a stronger key belongs to that key alone.
    const stronger = key.kind === 'user' ? [] : key.kind === 'client' ? [USER_FIELDS.user] : [USER_FIELDS.user, USER_FIELDS.client];
    const found = await this.#search(
      {
        size: options.size,
        track_total_hits: false,
        sort: [{ [EVENT.timestamp]: { order: 'desc', unmapped_type: 'date' } }],
        _source: options.fields,
        query: {
          bool: {
            filter: [
              { bool: { should: terms, minimum_should_match: 1 } },
              { range: { [EVENT.timestamp]: { gte: new Date(options.since).toISOString() } } },
              ...(options.filter ?? []),
            ],
            must_not: [...stronger.map((field) => ({ exists: { field } })), ...(options.mustNot ?? [])],
          },
        },
      },
      options.signal,
    );
    return found.documents;
  }

  /** Everything that names an id in any of the three places, newest first; at most 10,000 documents, the engine's own page limit. */
  async readAll(id: string): Promise<{ documents: StoredDocument[]; total: number }> {
    await this.#refresh();
    this.#fields = null;
    const terms = termsOf(await this.#readFields(), everyKind(id));
    if (terms.length === 0) return { documents: [], total: 0 };
    return this.#search({
      size: 10_000,
      track_total_hits: true,
      sort: [{ [EVENT.timestamp]: { order: 'desc', unmapped_type: 'date' } }],
      query: { bool: { should: terms, minimum_should_match: 1 } },
    });
  }

  /** Deletes everything that names an id in any of the three places; gone for every search when it resolves. Gives how many. */
  async erase(id: string): Promise<number> {
    // Deletion by query sees what a search sees: without a refresh the events of the last second would survive it.
    await this.#refresh();
    this.#fields = null;
    let deleted = 0;
    for (const [concrete, fields] of await this.#readFields()) {
      const terms = termsOf(new Map([[concrete, fields]]), everyKind(id));
      if (terms.length === 0) continue;
      for (let round = 0; ; round++) {
        const answer = await this.#send(
          'POST',
          '/_delete_by_query?refresh=true&conflicts=proceed',
          { query: { bool: { should: terms, minimum_should_match: 1 } } },
          undefined,
          concrete,
        );
        if (answer.status >= 300) throw this.#error('erase a user', answer);
        const result = deleteSchema.parse(JSON.parse(answer.text));
        deleted += result.deleted;
        if (result.failures.length > 0) throw this.#error('erase a user', answer);
        if (result.version_conflicts === 0) break;
        if (round === ERASE_ROUNDS) throw this.#error('erase a user', answer);
      }
    }
    return deleted;
  }

  async #refresh(): Promise<void> {
    const answer = await this.#send('POST', '/_refresh?ignore_unavailable=true');
    if (answer.status >= 300 && answer.status !== 404) throw this.#error('refresh', answer);
  }

  async #search(body: object, signal?: AbortSignal): Promise<{ documents: StoredDocument[]; total: number }> {
    const answer = await this.#send('POST', '/_search?ignore_unavailable=true', body, signal);
    if (answer.status >= 300) throw this.#error('read events', answer);
    const { hits } = searchSchema.parse(JSON.parse(answer.text));
    return { documents: hits.hits.map((hit) => ({ id: hit._id, source: hit._source })), total: hits.total?.value ?? hits.hits.length };
  }

  /** For each concrete index behind the name: by which field each id can be matched exactly, null where by none. */
  async #readFields(signal?: AbortSignal): Promise<ConcreteFields> {
    const known = this.#fields;
    if (known && (isComplete(known.value) || performance.now() - known.readAt < INCOMPLETE_FIELDS_MS)) return known.value;
    const answer = await this.#send('GET', '/_mapping?ignore_unavailable=true', undefined, signal);
    if (answer.status === 404) return new Map();
    if (answer.status >= 300) throw this.#error('read the mapping', answer);
    const value: ConcreteFields = new Map();
    for (const [concrete, { mappings }] of Object.entries(fieldMappingsAnswer.parse(JSON.parse(answer.text)))) {
      const exact = (field: string): string | null => keywordPath(field, findField(mappings.properties, field));
      value.set(concrete, {
        user: exact(USER_FIELDS.user),
        client: exact(USER_FIELDS.client),
        session: exact(USER_FIELDS.session),
      });
    }
    this.#fields = { value, readAt: performance.now() };
    return value;
  }

  async #send(
    method: string,
    path: string,
    body?: object | string,
    signal?: AbortSignal,
    index?: string,
  ): Promise<{ status: number; text: string }> {
    const ndjson = typeof body === 'string';
    const answer = await this.upstream.send({
      method,
      path: `/${index === undefined ? this.#path : encodeURIComponent(index)}${path}`,
      headers: body === undefined ? {} : { 'content-type': ndjson ? 'application/x-ndjson' : 'application/json' },
      ...(body === undefined ? {} : { body: ndjson ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.status, text: answer.body.toString('utf8') };
  }

  get #path(): string {
    return encodeURIComponent(this.name);
  }

  #error(action: string, answer: { status: number; text: string }): BehaviourIndexError {
    return new BehaviourIndexError(this.name, action, answer.status, answer.text);
  }
}

function isComplete(fields: ConcreteFields): boolean {
  return fields.size > 0 && [...fields.values()].every(({ user, client, session }) => user !== null && client !== null && session !== null);
}

function everyKind(id: string): UserKey[] {
  return [
    { kind: 'user', id },
    { kind: 'client', id },
    { kind: 'session', id },
  ];
}

/** Exact matches on the given keys, each confined to the indices where its field is a keyword when they differ. */
function termsOf(fields: ConcreteFields, keys: readonly UserKey[]): object[] {
  const indicesByTerm = new Map<string, { term: object; indices: string[] }>();
  for (const [concrete, byKind] of fields) {
    for (const { kind, id } of keys) {
      const field = byKind[kind];
      if (field === null) continue;
      const entry = indicesByTerm.get(field) ?? { term: { term: { [field]: { value: id } } }, indices: [] };
      entry.indices.push(concrete);
      indicesByTerm.set(field, entry);
    }
  }
  return [...indicesByTerm.values()].map(({ term, indices }) =>
    indices.length === fields.size ? term : { bool: { filter: [term, { terms: { _index: indices } }] } },
  );
}
