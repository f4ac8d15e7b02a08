import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ITEM_STATISTICS } from '../../mappings/statistics-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { StatisticsVersion } from '../statistics/current-statistics.js';

/** A product met in the same histories as another; the cosine of item-kNN, 0–1. */
export interface Neighbour {
  readonly id: string;
  readonly cosine: number;
}

const neighbourRow = z.object({
  [ITEM_STATISTICS.neighbourIds]: z.array(z.string()),
  [ITEM_STATISTICS.neighbourCosines]: z.array(z.number()),
});
const mgetAnswer = z.object({ docs: z.array(z.object({ _id: z.string(), _source: neighbourRow.optional() })) });
const popularAnswer = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

/** So many of the most popular are candidates. */
const POPULAR = 500;

/** What all shoppers did, as far as it names candidates. Read with the service's own account; shown is only what the client finds by it. */
export class ShopStatistics {
  readonly #client: EngineClient;
  readonly #popular = new LRUCache<string, Promise<string[]>>({ max: 20, ttl: 60_000 });

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /**
   * Ids of the products most popular in the last seven days, then of all time; none where the version was written before products
   * could be asked for in this order. Rejects with the engine's error.
   */
  popular({ index }: StatisticsVersion): Promise<string[]> {
    const known = this.#popular.get(index);
    if (known) return known;
    const reading = this.#readPopular(index);
    reading.catch(() => this.#popular.delete(index));
    this.#popular.set(index, reading);
    return reading;
  }

  /** Neighbours of each product, most alike first, by its id. Rejects with the engine's error. */
  async neighbours({ index }: StatisticsVersion, ids: readonly string[]): Promise<Map<string, Neighbour[]>> {
    if (ids.length === 0) return new Map();
    const _source = [ITEM_STATISTICS.neighbourIds, ITEM_STATISTICS.neighbourCosines];
    const { body } = await this.#client.mget({ index, _source_includes: _source, body: { ids: [...ids] } });
    return new Map(mgetAnswer.parse(body).docs.map(({ _id, _source: row }) => [_id, row ? readNeighbours(row) : []]));
  }

  async #readPopular(index: string): Promise<string[]> {
    const byCount = { order: 'desc', missing: '_last', unmapped_type: 'float' } as const;
    const answer = await this.#client.search({
      index,
      body: {
        size: POPULAR,
        query: { exists: { field: ITEM_STATISTICS.popularity } },
        sort: [{ [ITEM_STATISTICS.popularity7d]: byCount }, { [ITEM_STATISTICS.popularity]: byCount }, { [ITEM_STATISTICS.itemId]: 'asc' }],
        _source: false,
        track_total_hits: false,
      },
    });
    return popularAnswer.parse(answer.body).hits.hits.map(({ _id }) => _id);
  }
}

function readNeighbours(row: z.output<typeof neighbourRow>): Neighbour[] {
  const cosines = row[ITEM_STATISTICS.neighbourCosines];
  return row[ITEM_STATISTICS.neighbourIds]
    .map((id, place) => ({ id, cosine: cosines[place] ?? 0 }))
    .sort((a, b) => b.cosine - a.cosine || (a.id < b.id ? -1 : 1));
}
