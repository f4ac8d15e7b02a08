import { readStatisticsMeta } from '../../mappings/statistics-index.js';
import type { EngineClient } from '../../opensearch/connection.js';

/** The item statistics that rows may see: one version, whatever the alias does meanwhile. */
export interface PinnedStatistics {
  /** As it was asked for. */
  readonly name: string;
  /** The version behind it. */
  readonly concrete: string;
  /** ISO 8601: no event at or after it is counted. */
  readonly until: string;
}

/** Statistics that rows must not see, or that are not there. */
export class StatisticsRefused extends Error {
  override readonly name = 'StatisticsRefused';
  readonly exitCode = 6;
}

/** `--statistics none`. */
export const NO_STATISTICS = 'none';

/**
 * Pins the statistics that rows are computed with. Null = none.
 * @param options.name as asked for; null = the configuration's own, which need not be there
 * @throws StatisticsRefused where they are named and not there
 */
export async function pinStatistics(
  engine: EngineClient,
  options: { name: string | null; configured: string; alias: string },
): Promise<PinnedStatistics | null> {
  if (options.name === NO_STATISTICS) return null;
  const name = options.name ?? options.configured;
  const exists = await engine.indices.exists({ index: name });
  if (!exists.body) {
    if (options.name === null) return null;
    throw new StatisticsRefused(
      `there are no statistics [${name}]; make them: fuserank statistics --alias ${options.alias} --into ${name}`,
    );
  }
  const [found, ...others] = Object.entries((await engine.indices.getMapping({ index: name })).body);
  if (others.length > 0)
    throw new StatisticsRefused(`[${name}] stands for ${others.length + 1} indices; name one version of the statistics`);
  const meta = found ? readStatisticsMeta(found[1].mappings) : null;
  if (!found || !meta) throw new StatisticsRefused(`[${name}] is no index of item statistics; name one that fuserank statistics made`);
  return { name, concrete: found[0], until: meta.until };
}

/**
 * A row must not know its own target, nor anything after it: statistics that counted either are refused.
 * @param earliestMs time of the earliest target
 * @throws StatisticsRefused with the command that makes the right ones
 */
export function refuseLeak(statistics: PinnedStatistics | null, { earliestMs, alias }: { earliestMs: number; alias: string }): void {
  if (statistics === null || Date.parse(statistics.until) <= earliestMs) return;
  const earliest = new Date(earliestMs).toISOString();
  const into = `${statistics.name}_until_${earliest.slice(0, 10).replaceAll('-', '')}`;
  throw new StatisticsRefused(
    [
      `the statistics [${statistics.name}] count events until ${statistics.until}, but the earliest target is of ${earliest}: its rows would know their own future.`,
      `Make statistics that end before it, and use those (or none: --statistics none):`,
      `  fuserank statistics --alias ${alias} --until ${earliest} --into ${into}`,
      `  fuserank rows export … --statistics ${into}`,
    ].join('\n'),
  );
}
