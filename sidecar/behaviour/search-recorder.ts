import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ubiQuerySchema, type UbiQuery } from '../../mappings/ubi-event.js';
import type { UbiCall } from '../request/ubi-call.js';
import type { RecentErasures } from './recent-erasures.js';

/** A search that was answered, as it is taken down in `ubi_queries`. */
export interface ShownSearch {
  readonly ubi: UbiCall;
  /** `performance.now()` when it came. */
  readonly startedAt: number;
  readonly user: string | null;
  readonly client: string | null;
  readonly session: string | null;
  readonly queryText: string | null;
  /** The client's query, as JSON; null = it had none. */
  readonly query: string | null;
  /** The answer as it was shown. */
  readonly body: Buffer;
  /** How it was ranked: members of `query_attributes`, text. */
  readonly ranking: Readonly<Record<string, string>>;
}

/** Beyond them searches are not taken down, never not answered. */
const WAITING = 1_000;
const WAITING_MB = 16;
/** What the engine takes as one term, in characters. */
const LONGEST_ID = 256;
const LONGEST_QUERY = 10_000;

const answerSchema = z.object({
  ext: z.object({ ubi: z.object({ query_id: z.string() }).optional() }).optional(),
  hits: z.object({ hits: z.array(z.object({ _id: z.unknown(), _source: z.record(z.string(), z.unknown()).optional() })).default([]) }),
});

/**
 * Writes searches to `ubi_queries` as the UBI plugin does, but with the hits in the order that the shopper saw, and with the
 * ranker that made it. After the answer; whatever happens here, no search waits for it or fails by it.
 */
export class SearchRecorder {
  readonly #store: (queries: readonly UbiQuery[]) => Promise<void>;
  readonly #erased: Pick<RecentErasures, 'coverSince'>;
  readonly #onOutcome: (outcome: 'stored' | 'failed', error: unknown) => void;
  #waiting = 0;
  /** Of those that are described, about. */
  #waitingBytes = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: {
    store: (queries: readonly UbiQuery[]) => Promise<void>;
    erased: Pick<RecentErasures, 'coverSince'>;
    onOutcome: (outcome: 'stored' | 'failed', error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#erased = options.erased;
    this.#onOutcome = options.onOutcome;
  }

  /** Takes it down later. Never throws. */
  take(search: ShownSearch): void {
    if (this.#waiting >= WAITING) return this.#onOutcome('failed', new Error(`${WAITING} searches wait to be written already`));
    this.#waiting += 1;
    const work = this.#record(describeLater(search)).finally(() => {
      this.#waiting -= 1;
      this.#underWay.delete(work);
    });
    this.#underWay.add(work);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #record(describing: Promise<DescribedSearch>): Promise<void> {
    let bytes = 0;
    try {
      const { query, names, startedAt } = await describing;
      if (this.#erased.coverSince(names, startedAt)) return;
      if (this.#waitingBytes >= WAITING_MB * 1024 ** 2) throw new Error(`searches of ${WAITING_MB} MB wait to be written already`);
      bytes = JSON.stringify(query).length;
      this.#waitingBytes += bytes;
      await this.#store([query]);
      this.#onOutcome('stored', null);
    } catch (error) {
      this.#onOutcome('failed', error);
    } finally {
      this.#waitingBytes -= bytes;
    }
  }
}

interface DescribedSearch {
  readonly query: UbiQuery;
  readonly names: readonly string[];
  readonly startedAt: number;
}

/** Once the shopper's answer is on its way. A function of its own: when it is over nothing holds that answer, however long the index takes. */
async function describeLater(search: ShownSearch): Promise<DescribedSearch> {
  await new Promise((resolve) => setImmediate(resolve));
  const names = [search.user, search.client, search.session].filter((name) => name !== null);
  return { query: describeSearch(search), names, startedAt: search.startedAt };
}

/** @throws ZodError for an answer without hits, which shows nothing to take down */
export function describeSearch(search: ShownSearch): UbiQuery {
  const { ubi, user, client, session, query } = search;
  const answer = answerSchema.parse(JSON.parse(search.body.toString('utf8')));
  const ids = answer.hits.hits.map((hit) => nameHit(hit, ubi.objectIdField)).filter((id) => id.length <= LONGEST_ID);
  return ubiQuerySchema.parse({
    timestamp: new Date().toISOString(),
    // Where the plugin took it down, too, its id is the one that the shop knows.
    query_id: answer.ext?.ubi?.query_id.slice(0, 100) ?? ubi.queryId,
    query_response_id: randomUUID(),
    user_query: (ubi.userQuery ?? search.queryText ?? '').slice(0, LONGEST_QUERY),
    query_response_hit_ids: ids,
    query_attributes: { ...ubi.attributes, ...search.ranking },
    ...(query === null || query.length > LONGEST_QUERY ? {} : { query }),
    ...(ubi.application === null ? {} : { application: ubi.application }),
    ...(ubi.objectIdField === null ? {} : { object_id_field: ubi.objectIdField }),
    ...(user === null || user.length > 100 ? {} : { user_id: user }),
    ...(client === null || client.length > 100 ? {} : { client_id: client }),
    ...(session === null || session.length > 100 ? {} : { session_id: session }),
  });
}

function nameHit(hit: { _id?: unknown; _source?: Record<string, unknown> | undefined }, field: string | null): string {
  const value = field === null ? undefined : hit._source?.[field];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : String(hit._id);
}
