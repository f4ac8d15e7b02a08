import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { EVENT } from '../../mappings/behaviour-index.js';
import { partsIndexName } from '../../mappings/statistics-parts-index.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { findEventFields, SHOPPER_FIELDS, type EventFields } from '../events/event-fields.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';
import { readCountedCatalogue } from './counted-catalogue.js';
import { mergeWhenComplete } from './merge-run.js';
import { preparePartsIndex, type PartsPlace } from './part-rows.js';
import { countSlice, nameSlice, type CountingSource } from './slice-run.js';
import type { Slice } from './shopper-stream.js';
import type { StatisticsProgress, StatisticsReport } from './statistics-report.js';
import { findLiveStatistics } from './statistics-version.js';

export interface StatisticsOptions {
  config: Config;
  /** Catalogue whose products are counted. */
  alias: string;
  /** Alias of the statistics; default `behaviour.statistics`. */
  into?: string | undefined;
  /** Events before are left out. */
  since?: Date | undefined;
  /** Events at or after are left out; default now. */
  until?: Date | undefined;
  slice?: Slice | undefined;
  /** Count anew what is counted already. */
  full?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: StatisticsProgress) => void) | undefined;
}

/**
 * Counts a slice of the shoppers and, when it is the last one that was missing, merges all slices into a new version behind the alias.
 * @throws CatalogueMissing, EventsUnreadable, CountedAlready, RunUnderWay, NothingCounted, AliasConflict
 */
export async function computeStatistics(options: StatisticsOptions): Promise<StatisticsReport> {
  const { config, signal } = options;
  const started = performance.now();
  const alias = options.into ?? config.behaviour.statistics;
  const slice = options.slice ?? { index: 0, of: 1 };
  const until = options.until ?? new Date();
  const source: CountingSource = {
    catalogue: options.alias,
    events: config.behaviour.events,
    since: options.since?.toISOString() ?? null,
  };
  const client = connectEngine(config.opensearch);
  try {
    const catalogue = await readCountedCatalogue(client, options.alias, signal);
    const fields = await findEventFields(client, source.events);
    await findLiveStatistics(client, alias);
    const place: PartsPlace = { client, index: partsIndexName(alias), bulk: config.index.bulk };
    await preparePartsIndex(place);
    const run = await countSlice(place, {
      source,
      slice,
      until,
      full: options.full ?? false,
      catalogue,
      fields,
      signal,
      onShopper: (tally) => options.onProgress?.({ ...tally.read, pairs: tally.pairs.size, seconds: (performance.now() - started) / 1000 }),
    });
    const merging = performance.now();
    const merged = await mergeWhenComplete(place, {
      ...{ alias, source, until, catalogue, fields, run, signal },
      slices: slice.of,
      minUsersPerPair: config.behaviour.minUsersPerPair,
    });
    const ended = performance.now();
    return {
      alias,
      ...merged,
      catalogue: { alias: options.alias, products: catalogue.ids.length },
      events_index: source.events,
      since: source.since,
      until: until.toISOString(),
      slice: nameSlice(slice),
      mode: run.from === null ? 'full' : 'incremental',
      counted_from: run.from,
      why_full: run.reason,
      read: run.tally.read,
      added: { events: run.tally.counted.events, shoppers: run.tally.counted.users },
      not_counted: {
        unknown_products: run.tally.unknownProducts,
        unknown_actions: run.tally.unknownActions,
        ...(await countUnread(client, source, { from: run.from, until, fields })),
      },
      min_users_per_pair: config.behaviour.minUsersPerPair,
      seconds: { counting: run.seconds, merging: (ended - merging) / 1000, total: (ended - started) / 1000 },
    };
  } finally {
    await client.close();
  }
}

/** Events of the run's stretch that no shopper or product can be read from, and events of no time at all. */
async function countUnread(
  client: EngineClient,
  source: CountingSource,
  { from, until, fields }: { from: string | null; until: Date; fields: EventFields },
): Promise<{ without_product: number; without_shopper: number; without_time: number }> {
  const gte = from ?? source.since;
  const stretch = { range: { [EVENT.timestamp]: { ...(gte === null ? {} : { gte }), lt: until.toISOString() } } };
  const named = SHOPPER_FIELDS.map((field) => ({ exists: { field } }));
  const count = async (query: object): Promise<number> => {
    const answer = await askEngine(client, { method: 'POST', path: indexPath(source.events, '_count'), body: { query } });
    return z.object({ count: z.int() }).parse(answer.body).count;
  };
  const [without_product, without_shopper, without_time] = await Promise.all([
    count({ bool: { filter: [stretch], should: named, minimum_should_match: 1, must_not: [{ exists: { field: fields.object } }] } }),
    count({ bool: { filter: [stretch], must_not: named } }),
    count({ bool: { must_not: [{ exists: { field: EVENT.timestamp } }] } }),
  ]);
  return { without_product, without_shopper, without_time };
}
