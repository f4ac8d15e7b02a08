import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { ProductFieldRoles, ProductIndexMeta } from '../../mappings/product-index.js';
import { PRODUCT, readProductIndexMeta } from '../../mappings/product-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { INDEX_EXPRESSION } from '../request/index-expression.js';

/** What the sidecar knows of the indices behind a name that searches use. */
export interface IndexStamp {
  /** Concrete names behind the expression. */
  readonly concrete: readonly string[];
  /** Null: an index without our vectors; it is ranked on columns. */
  readonly meta: ProductIndexMeta | null;
  /** The fields that play a part, from the stamp or else from `index.map` of the configuration. */
  readonly roles: ProductFieldRoles;
  /** True where every concrete index has our keyword copy of the id, so that lean legs read no stored fields. */
  readonly hasRankKey: boolean;
}

/** The indices behind one name were made with different encoders or roles: their vectors can't be ranked together. */
class MixedIndices extends Error {
  constructor(index: string) {
    super(`the indices behind [${index}] carry different stamps; point the profile at one of them or index them alike`);
    this.name = 'MixedIndices';
  }
}

/** Nothing stands behind a name. */
class NoIndex extends Error {
  constructor(index: string) {
    super(`no index is behind [${index}]`);
    this.name = 'NoIndex';
  }
}

const mappingAnswer = z.record(
  z.string(),
  z.object({ mappings: z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) }) }),
);

/** How long a stamp is trusted before it is read again, beside the search that wanted it. */
const FRESH_MS = 10_000;

/** Reads and remembers stamps; a stale one is served while it is read again. Uses the service's own account. */
export class IndexStamps {
  readonly #client: EngineClient;
  readonly #fallback: ProductFieldRoles;
  readonly #onIndex: (index: string, stamp: IndexStamp) => void;
  readonly #seen = new Set<string>();
  readonly #known = new LRUCache<string, { stamp: IndexStamp; readAt: number }>({ max: 200 });
  readonly #reading = new Map<string, Promise<IndexStamp>>();

  /** @param options.onIndex told once of every concrete index that a stamp names */
  constructor(client: EngineClient, options: { fallback: ProductFieldRoles; onIndex: (index: string, stamp: IndexStamp) => void }) {
    this.#client = client;
    this.#fallback = options.fallback;
    this.#onIndex = options.onIndex;
  }

  /** Rejects with the engine's error where the index does not exist or may not be read, with `MixedIndices` where stamps differ. */
  async describe(index: string): Promise<IndexStamp> {
    if (index !== '' && !INDEX_EXPRESSION.test(index)) throw new NoIndex(index);
    const known = this.#known.get(index);
    if (!known) return this.#read(index);
    if (Date.now() - known.readAt > FRESH_MS) this.#read(index).catch(() => this.#known.delete(index));
    return known.stamp;
  }

  /** To be called when an answer names an index that the stamp does not: the alias was swapped. */
  forget(index: string): void {
    this.#known.delete(index);
  }

  #read(index: string): Promise<IndexStamp> {
    let reading = this.#reading.get(index);
    if (!reading) {
      reading = this.#fetch(index).finally(() => this.#reading.delete(index));
      this.#reading.set(index, reading);
    }
    return reading;
  }

  async #fetch(index: string): Promise<IndexStamp> {
    // An expression may name what is not there (`ignore_unavailable`); where that is a fault the client's own search says so.
    const answer = await this.#client.indices.getMapping({ index, ignore_unavailable: true });
    const mappings = Object.entries(mappingAnswer.parse(answer.body));
    if (mappings.length === 0) throw new NoIndex(index);
    const metas = mappings.map(([, { mappings: mapping }]) => readProductIndexMeta(mapping));
    const meta = metas[0] ?? null;
    if (metas.some((other) => comparable(other) !== comparable(meta))) throw new MixedIndices(index);
    const stamp: IndexStamp = {
      concrete: mappings.map(([name]) => name),
      meta,
      roles: meta?.roles ?? this.#fallback,
      hasRankKey: meta !== null && mappings.every(([, { mappings: mapping }]) => PRODUCT.rankKey in mapping.properties),
    };
    this.#known.set(index, { stamp, readAt: Date.now() });
    for (const name of stamp.concrete.filter((each) => !this.#seen.has(each))) {
      this.#seen.add(name);
      this.#onIndex(name, stamp);
    }
    return stamp;
  }
}

/** What must be equal for items of two indices to stand in one list; statistics and heads may differ. */
function comparable(meta: ProductIndexMeta | null): string {
  return JSON.stringify(meta && [meta.roles, meta.encoders]);
}
