import type { Config } from '../config/schema.js';
import type { ProductFieldRoles } from '../mappings/product-index.js';
import { serviceHeaders } from '../opensearch/connection.js';
import type { Logger } from './http/log.js';
import type { SearchCall } from './request/search-call.js';
import type { ScorerPool } from './scorer.js';
import type { StatisticsVersion } from './statistics/current-statistics.js';
import type { IndexStamp } from './walk/index-stamp.js';

/** A search of our own that takes longer is given up. */
const WARMING_CALL_MS = 10_000;

/** Reads the item vectors of an index that came into sight, at start or behind a swapped alias, before searches miss them. Never rejects. */
export async function warmIndex(house: {
  index: string;
  stamp: IndexStamp;
  scorers: ScorerPool;
  log: Logger;
  walk: () => Promise<void>;
}): Promise<void> {
  const { index, stamp, scorers, log, walk } = house;
  const started = performance.now();
  try {
    const items = await scorers.warm({ what: 'items', index, roles: stamp.roles });
    log.info({ index, items, ms: Math.round(performance.now() - started) }, 'item vectors are in memory');
  } catch (error) {
    if (!scorers.closed) log.warn({ index, error: String(error) }, 'item vectors are not read yet; searches fetch what they miss');
    return;
  }
  await walk().catch(() => undefined); // then the first shoppers' searches warm it
}

/** Reads a version of the item statistics ahead, where a ranker or the feature log looks at them; searches fetch what it left out. */
export async function warmStatistics(house: {
  version: StatisticsVersion;
  config: Pick<Config, 'observability'>;
  scorers: ScorerPool;
  log: Logger;
}): Promise<void> {
  const { version, config, scorers, log } = house;
  const { index, until } = version;
  const started = performance.now();
  const wanted = scorers.facts?.wantsStatistics === true || config.observability.featureLog.folder !== null;
  try {
    if (!wanted) {
      log.info({ index, until }, 'item statistics are in use by the /v1 routes; no ranker looks at them');
      return;
    }
    const items = await scorers.warm({ what: 'statistics', index });
    log.info({ index, until, items, ms: Math.round(performance.now() - started) }, 'item statistics are in use');
  } catch (error) {
    if (!scorers.closed) log.warn({ index, error: String(error) }, 'item statistics are not read yet; searches fetch what they miss');
  }
}

/** A search of our own, as if it had come in; with time for what runs for the first time. */
export function warmingCall(
  { index, profile, roles }: { index: string; profile: string; roles: ProductFieldRoles },
  config: Pick<Config, 'opensearch'>,
): SearchCall {
  const body = {
    query: { multi_match: { query: 'warm up', fields: roles.text } },
    size: 24,
    ext: { fuserank: { profile, user_id: 'warm-up', budget_ms: 5_000 } },
  };
  return {
    method: 'POST',
    rawUrl: `/${encodeURIComponent(index)}/_search`,
    index,
    query: new URLSearchParams(),
    headers: { ...serviceHeaders(config.opensearch), 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    signal: AbortSignal.timeout(WARMING_CALL_MS),
  };
}
