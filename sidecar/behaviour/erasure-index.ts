import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ERASURE, erasureIndexBody, EXPIRY_ID, expirySchema, KEY_ID, keySchema, tombstoneSchema } from '../../mappings/erasure-index.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { StoredIndex } from './stored-index.js';

/** Somebody was erased. */
export interface Tombstone {
  readonly id: string;
  /** Hash of the user's id, of this index's key. */
  readonly user: string;
  /** Milliseconds since 1970, by the clock of the instance that erased. */
  readonly at: number;
}

/** An instance that was away for longer has nothing in memory by then, and no file it has not been through. */
export const TOMBSTONE_DAYS = 7;
const DAY_MS = 86_400_000;
const PAGE = 10_000;

const searchAnswer = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: tombstoneSchema, sort: z.array(z.number()) })) }),
});
const keyAnswer = z.object({ _source: keySchema });
const expiryAnswer = z.object({ _source: expirySchema, _seq_no: z.int(), _primary_term: z.int() });

/**
 * The index by which the instances of the sidecar tell each other what was erased, and take turns in deleting what expired.
 * A tombstone holds a keyed hash (HMAC-SHA256) of the id: who does not know the id does not learn it.
 */
export class ErasureIndex {
  readonly #index: StoredIndex;
  #key: string | null;
  #reading: Promise<string> | null = null;

  /** @param options.key of the hashes, the same for all instances; null: one made at random, kept in the index */
  constructor(options: { name: string; upstream: Upstream; key: string | null }) {
    this.#index = new StoredIndex(options.name, options.upstream, erasureIndexBody);
    this.#key = options.key;
  }

  /** Makes the index and the key where they are missing. */
  async prepare(): Promise<void> {
    await this.#index.ensure();
    await this.#readKey();
  }

  /** The hash by which tombstones, and lines that tell of an erasure, name a user. */
  async hash(id: string): Promise<string> {
    const key = await this.#readKey();
    return hashOf(key, id);
  }

  /** Tells whether a name is of one of these. */
  async matcher(tombstones: readonly Pick<Tombstone, 'user'>[]): Promise<(name: string) => boolean> {
    const key = await this.#readKey();
    const users = new Set(tombstones.map(({ user }) => user));
    return (name) => users.has(hashOf(key, name));
  }

  /** Seen by the others' next look. @param id of the tombstone, so that its writer knows it again */
  async announce({ id, user, at }: Tombstone): Promise<void> {
    await this.#index.ensure();
    const body = { [ERASURE.kind]: 'erasure', [ERASURE.user]: user, [ERASURE.at]: new Date(at).toISOString() };
    const answer = await this.#index.send('PUT', `/_create/${id}?refresh=true`, { body });
    if (answer.status >= 300) throw this.#index.error('tell the other sidecars of an erasure', answer);
  }

  /** Tombstones that are not older, oldest first; none where nothing was ever erased. @param since milliseconds since 1970 */
  async readSince(since: number, signal?: AbortSignal): Promise<Tombstone[]> {
    const tombstones: Tombstone[] = [];
    let after: readonly number[] | null = null;
    do {
      const hits = await this.#readPage({ since, after, signal });
      tombstones.push(...hits.map(({ _id, _source }) => ({ id: _id, user: _source.user, at: Date.parse(_source.at) })));
      after = hits.length < PAGE ? null : (hits.at(-1)?.sort ?? null);
    } while (after !== null);
    return tombstones;
  }

  async #readPage(page: { since: number; after: readonly number[] | null; signal: AbortSignal | undefined }) {
    const { since, after, signal } = page;
    const body = {
      size: PAGE,
      track_total_hits: false,
      // Many may be of one millisecond, as when a shop erases a list of users.
      sort: [{ [ERASURE.at]: { order: 'asc', unmapped_type: 'date' } }, { _seq_no: 'asc' }],
      ...(after === null ? {} : { search_after: after }),
      query: {
        bool: { filter: [{ term: { [ERASURE.kind]: 'erasure' } }, { range: { [ERASURE.at]: { gte: new Date(since).toISOString() } } }] },
      },
    };
    const answer = await this.#index.send('POST', '/_search?ignore_unavailable=true&allow_partial_search_results=false', { body, signal });
    if (answer.status >= 300) throw this.#index.error('read what was erased', answer);
    return searchAnswer.parse(JSON.parse(answer.text)).hits.hits;
  }

  /**
   * Whether this instance is the one to delete what has expired: true for one of all instances, once in the time given.
   * @param apartMs milliseconds between two turns
   */
  async takeTurn(apartMs: number): Promise<boolean> {
    await this.#index.ensure();
    const body = { [ERASURE.kind]: 'expiry', [ERASURE.at]: new Date().toISOString() };
    const found = await this.#index.send('GET', `/_doc/${EXPIRY_ID}`);
    if (found.status === 404) return (await this.#index.send('PUT', `/_create/${EXPIRY_ID}`, { body })).status < 300;
    if (found.status === 503) return false; // just being made: there is nothing to delete yet, and another hour comes
    if (found.status >= 300) throw this.#index.error('see whose turn it is', found);
    const { _source, _seq_no, _primary_term } = expiryAnswer.parse(JSON.parse(found.text));
    if (Date.now() - Date.parse(_source.at) < apartMs) return false;
    // Of several that come at once the engine lets one through.
    const condition = `if_seq_no=${_seq_no}&if_primary_term=${_primary_term}`;
    return (await this.#index.send('PUT', `/_doc/${EXPIRY_ID}?${condition}`, { body })).status < 300;
  }

  /** Deletes tombstones that have done their work. */
  async expire(): Promise<void> {
    const lt = new Date(Date.now() - TOMBSTONE_DAYS * DAY_MS).toISOString();
    const query = { bool: { filter: [{ term: { [ERASURE.kind]: 'erasure' } }, { range: { [ERASURE.at]: { lt } } }] } };
    const answer = await this.#index.send('POST', '/_delete_by_query?conflicts=proceed', { body: { query } });
    if (answer.status >= 300 && answer.status !== 404) throw this.#index.error('delete old tombstones', answer);
  }

  #readKey(): Promise<string> {
    if (this.#key !== null) return Promise.resolve(this.#key);
    this.#reading ??= this.#agreeOnKey().then(
      (key) => (this.#key = key),
      (error: unknown) => {
        this.#reading = null;
        throw error;
      },
    );
    return this.#reading;
  }

  /** The first instance makes it, the others take it over. */
  async #agreeOnKey(): Promise<string> {
    await this.#index.ensure();
    const key = randomBytes(32).toString('base64url');
    const body = { [ERASURE.kind]: 'key', [ERASURE.key]: key };
    const made = await this.#index.send('PUT', `/_create/${KEY_ID}`, { body });
    if (made.status < 300) return key;
    const found = await this.#index.send('GET', `/_doc/${KEY_ID}`);
    if (found.status >= 300) throw this.#index.error('agree on the key of erasures', made.status === 409 ? found : made);
    return keyAnswer.parse(JSON.parse(found.text))._source.key;
  }
}

export function newTombstone(user: string): Tombstone {
  return { id: randomUUID(), user, at: Date.now() };
}

function hashOf(key: string, id: string): string {
  return createHmac('sha256', key).update(id).digest('base64url');
}
