import { LRUCache } from 'lru-cache';
import type { IndexStamp } from './walk/index-stamp.js';
import type { QueryVectors, ScorerPool } from './scorer.js';
import type { SearchOptions } from './request/search-options.js';

const NONE: QueryVectors = { text: null, image: null, head: null };

/** Distinct query texts remembered; three vectors of about 400 floats each come to some 5 KB. */
const REMEMBERED = 5_000;

/**
 * Query text and picture → vectors, encoded in a scorer process and remembered here by encoder, head and text.
 * Pictures are not remembered. A query for an index without our vectors has none.
 */
export class QueryEncoding {
  readonly #scorers: ScorerPool;
  readonly #texts = new LRUCache<string, QueryVectors>({ max: REMEMBERED });

  constructor(scorers: ScorerPool) {
    this.#scorers = scorers;
  }

  /** Rejects with a `ScorerFailure`. */
  async encode(
    search: { readonly queryText: string | null; readonly options: Pick<SearchOptions, 'queryImage'> },
    stamp: IndexStamp,
  ): Promise<QueryVectors> {
    const { meta } = stamp;
    const text = meta?.encoders.text ? search.queryText : null;
    const image = meta?.encoders.image ? search.options.queryImage : null;
    if (text === null && image === null) return NONE;
    const index = stamp.concrete[0];
    const head = meta?.head && index !== undefined ? { index, sha256: meta.head.sha256 } : null;
    if (image !== null) return this.#scorers.encode({ head, text, image });
    const key = JSON.stringify([meta?.encoders.text?.id, head, text]);
    const known = this.#texts.get(key);
    if (known) return known;
    const vectors = await this.#scorers.encode({ head, text, image: null });
    this.#texts.set(key, vectors);
    return vectors;
  }
}
