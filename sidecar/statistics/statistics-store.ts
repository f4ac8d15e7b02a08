import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ITEM_STATISTICS, type ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { ReadsUnderWay } from '../walk/reads-under-way.js';
import { readItemStatistics, type ItemStatistics } from './item-statistics.js';

/** Null: the version holds nothing of this product. */
interface Row {
  readonly statistics: ItemStatistics | null;
}

// Written through mappings' own schema: to check each of the hundred numbers of each product again would cost more than to parse them.
const documentSchema = z.object({
  _id: z.string(),
  _source: z
    .custom<ItemStatisticsDocument>((source) => z.looseObject({ neighbour_ids: z.array(z.unknown()) }).safeParse(source).success)
    .optional(),
  sort: z.array(z.string()).optional(),
});
const mgetAnswer = z.object({ docs: z.array(documentSchema) });
const scanAnswer = z.object({ hits: z.object({ hits: z.array(documentSchema) }) });

/** Documents of one page of the warm-up scan: with a hundred neighbours each some 400 KB of JSON. */
const SCAN_PAGE = 128;

/** Item statistics in the memory of a scorer process, by the concrete index of their version. Read with the service's own account. */
export class StatisticsStore {
  readonly #client: EngineClient;
  readonly #rows: LRUCache<string, Row>;
  readonly #underWay = new ReadsUnderWay();
  /** Versions read whole: what is not here does not exist, unless it was dropped for want of memory. */
  readonly #whole = new Set<string>();
  readonly #dropped = new Set<string>();

  /** @param options.bytes upper bound of what the rows may take */
  constructor(client: EngineClient, options: { bytes: number }) {
    this.#client = client;
    this.#rows = new LRUCache({
      maxSize: options.bytes,
      sizeCalculation: sizeOf,
      dispose: (_row, key, reason) => {
        if (reason === 'evict') this.#dropped.add(key.slice(0, key.indexOf('\0')));
      },
    });
  }

  /** A product's statistics in one version, null where it holds none, undefined where they are not here (yet). */
  get(index: string, id: string): ItemStatistics | null | undefined {
    const row = this.#rows.get(keyOf(index, id));
    if (row) return row.statistics;
    return this.#whole.has(index) && !this.#dropped.has(index) ? null : undefined;
  }

  /** Fetches what `get` does not know. Rejects with the engine's error. */
  fetch(index: string, ids: readonly string[]): Promise<void> {
    return this.#underWay.join(index, ids, async (absent) => {
      const { body } = await this.#client.mget({ index, body: { ids: [...absent] } });
      for (const { _id, _source } of mgetAnswer.parse(body).docs) this.#keep(index, _id, _source);
    });
  }

  /** Reads a version page by page, until it is read or memory is full. Returns how many rows it kept. */
  async warm(index: string): Promise<number> {
    let after: string | undefined;
    let [count, bytes] = [0, 0];
    while (bytes < 0.95 * this.#rows.maxSize) {
      const answer = await this.#client.search({
        index,
        body: {
          size: SCAN_PAGE,
          sort: [{ [ITEM_STATISTICS.itemId]: 'asc' }],
          track_total_hits: false,
          ...(after === undefined ? {} : { search_after: [after] }),
        },
      });
      const { hits } = scanAnswer.parse(answer.body).hits;
      for (const { _id, _source } of hits) bytes += this.#keep(index, _id, _source);
      count += hits.length;
      after = hits.at(-1)?.sort?.[0];
      if (hits.length === SCAN_PAGE && after !== undefined) continue;
      this.#whole.add(index);
      break;
    }
    return count;
  }

  /** @returns the row's bytes */
  #keep(index: string, id: string, source: ItemStatisticsDocument | undefined): number {
    const row = { statistics: source ? readItemStatistics(source) : null };
    this.#rows.set(keyOf(index, id), row);
    return sizeOf(row);
  }
}

function keyOf(index: string, id: string): string {
  return `${index}\0${id}`;
}

/** Bytes of a row: its numbers, and about 400 for strings, objects and the map's own entry. */
function sizeOf({ statistics }: Row): number {
  return 400 + (statistics?.neighbours?.bytes ?? 0) + 4 * (statistics?.factor?.length ?? 0);
}
