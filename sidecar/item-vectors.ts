import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { PRODUCT, type ProductFieldRoles } from '../mappings/product-index.js';
import type { EngineClient } from '../opensearch/connection.js';
import type { Item } from './features.js';
import type { Json, JsonObject } from './json/value.js';
import { asList, isJsonObject } from './json/value.js';
import { ReadsUnderWay } from './walk/reads-under-way.js';

/** Which version of which product: a document that was written again has another sequence number. */
export interface ItemVersion {
  readonly index: string;
  readonly id: string;
  /** Null: any version will do (history items). */
  readonly seqNo: number | null;
}

interface Row {
  readonly seqNo: number;
  /** Null: the engine has no such document. */
  readonly item: Item | null;
}

const documentSchema = z.object({
  _index: z.string(),
  _id: z.string(),
  _seq_no: z.number().optional(),
  // Comes from JSON.parse, so it is JSON: to check each number of each vector again would cost thrice the parsing.
  _source: z.record(z.string(), z.custom<Json>()).optional(),
  sort: z.array(z.union([z.string(), z.number()])).optional(),
});
const searchAnswer = z.object({ hits: z.object({ hits: z.array(documentSchema) }) });

/** Documents of one page of the warm-up scan: 64 with vectors are about half a MB of JSON, 10 ms in which no search is scored. */
const SCAN_PAGE = 64;

/**
 * Vectors and field values of products, in the memory of a scorer process. Read with the service's own account, only for
 * ids that a client's own credentials returned (or that its history names, which are weighed and never shown).
 */
export class ItemVectors {
  readonly #client: EngineClient;
  readonly #rows: LRUCache<string, Row>;
  readonly #underWay = new ReadsUnderWay();

  /** @param options.bytes upper bound of what the rows may take */
  constructor(client: EngineClient, options: { bytes: number }) {
    this.#client = client;
    this.#rows = new LRUCache({ maxSize: options.bytes, sizeCalculation: sizeOf });
  }

  /** The item, null where the engine has no such document, undefined where this version is not here (yet). */
  get(version: ItemVersion): Item | null | undefined {
    const row = this.#rows.get(keyOf(version));
    // A leg reports what is refreshed; a document read by id may already be newer, which is no reason to read it again.
    if (!row || (version.seqNo !== null && row.seqNo < version.seqNo)) return undefined;
    return row.item;
  }

  /**
   * Fetches what `get` does not know, grouped by index. Nothing cuts it short: who cannot wait leaves, and the next search finds
   * what came. Rejects with the engine's error.
   */
  async fetch(versions: readonly ItemVersion[], roles: ProductFieldRoles): Promise<void> {
    const byIndex = new Map<string, string[]>();
    for (const { index, id } of versions) byIndex.set(index, [...(byIndex.get(index) ?? []), id]);
    const reads = [...byIndex].map(([index, wanted]) =>
      this.#underWay.join(index, wanted, (ids) => this.#readDocuments(index, ids, roles)),
    );
    await Promise.all(reads);
  }

  async #readDocuments(index: string, ids: readonly string[], roles: ProductFieldRoles): Promise<void> {
    // Not `_mget`: it finds a document that was written with a routing only by that routing, which nobody here knows.
    const query = { ids: { values: [...ids] } };
    const { body } = await this.#client.search({
      index,
      body: { size: ids.length, query, sort: ['_doc'], _source: sourceFields(roles), seq_no_primary_term: true, track_total_hits: false },
    });
    const absent = new Set(ids);
    for (const document of searchAnswer.parse(body).hits.hits) {
      absent.delete(document._id);
      this.#keep(document, roles);
    }
    for (const id of absent) this.#rows.set(keyOf({ index, id }), { seqNo: -1, item: null });
  }

  /** Reads a whole index once, page by page, until it is read or memory is full. Returns how many rows it kept. */
  async warm(index: string, roles: ProductFieldRoles, signal: AbortSignal): Promise<number> {
    let after: string | number | undefined;
    let count = 0;
    while (!signal.aborted && (this.#rows.calculatedSize ?? 0) < 0.95 * this.#rows.maxSize) {
      const answer = await this.#client.search({
        index,
        body: {
          size: SCAN_PAGE,
          query: { exists: { field: PRODUCT.rankKey } },
          sort: [{ [PRODUCT.rankKey]: 'asc' }],
          _source: sourceFields(roles),
          seq_no_primary_term: true,
          track_total_hits: false,
          ...(after === undefined ? {} : { search_after: [after] }),
        },
      });
      const { hits } = searchAnswer.parse(answer.body).hits;
      for (const document of hits) this.#keep(document, roles);
      count += hits.length;
      after = hits.at(-1)?.sort?.[0];
      if (hits.length < SCAN_PAGE || after === undefined) break;
    }
    return count;
  }

  #keep({ _index: index, _id: id, _seq_no: seqNo, _source: source }: z.output<typeof documentSchema>, roles: ProductFieldRoles): void {
    this.#rows.set(keyOf({ index, id }), { seqNo: seqNo ?? -1, item: source ? readItem(id, source, roles) : null });
  }
}

/** A product as ranking sees it, from its `_source`. */
export function readItem(id: string, source: JsonObject, roles: ProductFieldRoles): Item {
  return {
    id,
    text: vectorOf(source[PRODUCT.textVector]),
    image: vectorOf(source[PRODUCT.imageVector]),
    price: numberAt(source, roles.price),
    rating: numberAt(source, roles.rating),
    ratingCount: numberAt(source, roles.ratingCount),
    brand: textsAt(source, roles.brand)[0] ?? null,
    category: textsAt(source, roles.category),
    statistics: null,
  };
}

function sourceFields(roles: ProductFieldRoles): string[] {
  const fields = [PRODUCT.textVector, PRODUCT.imageVector, roles.price, roles.rating, roles.ratingCount, roles.brand, roles.category];
  return fields.filter((field) => field !== null);
}

function vectorOf(value: Json | undefined): Float32Array | null {
  return Array.isArray(value) ? Float32Array.from(value, Number) : null;
}

function numberAt(source: JsonObject, path: string | null): number | null {
  const value = valueAt(source, path);
  const number = typeof value === 'string' ? Number.parseFloat(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

export function textsAt(source: JsonObject, path: string | null): string[] {
  return asList(valueAt(source, path)).flatMap((value) => (typeof value === 'string' || typeof value === 'number' ? [String(value)] : []));
}

/** The value at a dotted path, also where the document spells the dots inside one key. */
function valueAt(source: JsonObject, path: string | null): Json | undefined {
  if (path === null) return undefined;
  if (Object.hasOwn(source, path)) return source[path];
  const dot = path.indexOf('.');
  if (dot < 0) return undefined;
  const child = source[path.slice(0, dot)];
  return isJsonObject(child) ? valueAt(child, path.slice(dot + 1)) : undefined;
}

function keyOf(version: { readonly index: string; readonly id: string }): string {
  return `${version.index}\0${version.id}`;
}

/** Bytes of a row: its floats, and about 400 for strings and the map's own entry. */
function sizeOf(row: Row): number {
  return 400 + 4 * ((row.item?.text?.length ?? 0) + (row.item?.image?.length ?? 0));
}
