import { z } from 'zod';
import { readStatisticsMeta, type StatisticsMeta } from '../../mappings/statistics-index.js';
import type { EngineClient } from '../../opensearch/connection.js';

/** The version of the item statistics that searches are ranked with. */
export interface StatisticsVersion {
  /** Concrete index: a later version has another. */
  readonly index: string;
  /** No event at or after this moment is counted (ISO 8601). */
  readonly until: string;
  /** Alias of the catalogue whose products are counted, and the concrete indices behind it. */
  readonly catalogue: string;
  readonly products: readonly string[];
}

const mappingAnswer = z.record(z.string(), z.object({ mappings: z.unknown() }));
const aliasAnswer = z.record(z.string(), z.unknown());

/** How long a version is trusted before it is asked for again, beside the search that wanted it. */
const FRESH_MS = 10_000;

/** Knows which version of the item statistics stands behind the alias. An alias that does not exist is no statistics, and no fault. */
export class CurrentStatistics {
  readonly #client: EngineClient;
  readonly #alias: string;
  readonly #prepare: (version: StatisticsVersion) => Promise<void>;
  readonly #onTrouble: (error: unknown) => void;
  #known: StatisticsVersion | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  /**
   * @param options.prepare lets the scorers read a version, never rejects; a version that follows another is used when that is done
   * @param options.onTrouble told why a version can't be read; the one before is kept
   */
  constructor(
    client: EngineClient,
    options: { alias: string; prepare: (version: StatisticsVersion) => Promise<void>; onTrouble: (error: unknown) => void },
  ) {
    this.#client = client;
    this.#alias = options.alias;
    this.#prepare = options.prepare;
    this.#onTrouble = options.onTrouble;
  }

  /** What is used now; null = nothing. */
  get known(): StatisticsVersion | null {
    return this.#known;
  }

  /** The version for a search of these concrete indices; waits for the engine the first time only. Never rejects. */
  async describe(concrete: readonly string[]): Promise<StatisticsVersion | null> {
    if (this.#readAt === Number.NEGATIVE_INFINITY) await this.#read();
    else if (Date.now() - this.#readAt > FRESH_MS) void this.#read();
    const known = this.#known;
    return known !== null && concrete.every((index) => countsProductsOf(known, index)) ? known : null;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#fetch()
      .catch(this.#onTrouble)
      .finally(() => {
        this.#readAt = Date.now();
        this.#reading = null;
      });
    return this.#reading;
  }

  async #fetch(): Promise<void> {
    const answer = await this.#client.indices.getMapping({ index: this.#alias }, { ignore: [404] });
    const found = answer.statusCode === 404 ? undefined : newestOf(mappingAnswer.parse(answer.body));
    if (!found) {
      this.#known = null;
      return;
    }
    const { until, catalogue } = found.meta;
    const version = { index: found.index, until, catalogue, products: await this.#productsOf(catalogue) };
    const follows = this.#known !== null && this.#known.index !== version.index;
    const preparing = this.#known?.index === version.index ? null : this.#prepare(version);
    if (follows) await preparing;
    this.#known = version;
  }

  async #productsOf(catalogue: string): Promise<string[]> {
    const answer = await this.#client.indices.getAlias({ name: catalogue }, { ignore: [404] });
    return answer.statusCode === 404 ? [] : Object.keys(aliasAnswer.parse(answer.body));
  }
}

/** Of several indices behind one alias, as while it is swapped by hand, the last by name. */
function newestOf(mappings: z.output<typeof mappingAnswer>): { index: string; meta: StatisticsMeta } | undefined {
  return Object.entries(mappings)
    .flatMap(([index, { mappings: mapping }]) => {
      const meta = readStatisticsMeta(mapping);
      return meta ? [{ index, meta }] : [];
    })
    .sort((a, b) => (a.index < b.index ? 1 : -1))[0];
}

/**
 * Ids of another catalogue mean other products. A version of the catalogue that the alias has just been swapped to is known by its name:
 * the alias and a number.
 */
function countsProductsOf({ catalogue, products }: StatisticsVersion, index: string): boolean {
  return index === catalogue || products.includes(index) || (index.startsWith(catalogue) && /^-v\d+$/.test(index.slice(catalogue.length)));
}
