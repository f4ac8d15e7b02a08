import { z } from 'zod';
import {
  itemStatisticsSchema,
  readStatisticsMeta,
  statisticsIndexBody,
  type ItemStatisticsDocument,
  type StatisticsMeta,
} from '../../mappings/statistics-index.js';
import type { Config } from '../../config/schema.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { BulkRefused, BulkWriter, sendBulkTo } from '../bulk-writer.js';
import { AliasConflict, deleteVersion, refreshIndex, swapAlias } from '../index-lifecycle.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';

/** A version behind a statistics alias. */
export interface LiveStatistics {
  name: string;
  meta: StatisticsMeta;
}

const mappingAnswer = z.record(z.string(), z.object({ mappings: z.unknown() }));

/**
 * What stands behind the alias; null where nothing does.
 * @throws AliasConflict when it is an index of its own, several, or one that is not ours
 */
export async function findLiveStatistics(client: EngineClient, alias: string): Promise<LiveStatistics | null> {
  const found = await askEngine(client, { method: 'GET', path: indexPath(alias, '_mapping'), expect: [404] });
  const [entry, ...more] = found.status === 404 ? [] : Object.entries(mappingAnswer.parse(found.body));
  if (entry === undefined) return null;
  const [name, { mappings }] = entry;
  const meta = name === alias || more.length > 0 ? null : readStatisticsMeta(mappings);
  if (meta === null)
    throw new AliasConflict(`"${alias}" is not an alias of one statistics index; choose another name (--into, behaviour.statistics)`);
  return { name, meta };
}

/** Writes a version whole, lets the alias stand for it, and deletes those before the one that it replaces. */
export async function publishStatistics(
  client: EngineClient,
  options: {
    alias: string;
    meta: StatisticsMeta;
    documents: Iterable<ItemStatisticsDocument>;
    bulk: Config['index']['bulk'];
    signal?: AbortSignal | undefined;
  },
): Promise<{ index: string; previous: string | null }> {
  const { alias, meta, documents, bulk, signal } = options;
  const live = await findLiveStatistics(client, alias);
  const index = `${alias}-${stampOf(new Date())}`;
  const { settings, mappings } = statisticsIndexBody(meta);
  const filling = { refresh_interval: '-1', auto_expand_replicas: false, number_of_replicas: 0 };
  await askEngine(client, {
    method: 'PUT',
    path: indexPath(index),
    body: { settings: { index: { ...settings.index, ...filling } }, mappings },
  });
  try {
    const writer = new BulkWriter<null>(sendBulkTo(client, index), bulk);
    for (const document of documents) {
      signal?.throwIfAborted();
      await writer.add({ id: document.item_id, source: JSON.stringify(itemStatisticsSchema.parse(document)), origin: null });
    }
    const [first] = (await writer.finish()).rejected;
    if (first) throw new BulkRefused(`${index} takes no statistics of ${first.id}: ${first.reason}`);
    const { auto_expand_replicas } = settings.index;
    await askEngine(client, {
      method: 'PUT',
      path: indexPath(index, '_settings'),
      body: { index: { auto_expand_replicas, refresh_interval: null } },
    });
    await refreshIndex(client, index);
  } catch (error) {
    await deleteVersion(client, index).catch(() => undefined);
    throw error;
  }
  await swapAlias(client, alias, live?.name ?? null, index);
  await pruneVersions(client, alias, [index, ...(live === null ? [] : [live.name])]);
  return { index, previous: live?.name ?? null };
}

/** All versions but those kept, also what a run that was cut off left; newer ones belong to somebody else. */
async function pruneVersions(client: EngineClient, alias: string, kept: readonly string[]): Promise<void> {
  const found = await askEngine(client, { method: 'GET', path: indexPath(`${alias}-*`, '_mapping'), expect: [404] });
  const [newest = ''] = kept;
  for (const [name, { mappings }] of found.status === 404 ? [] : Object.entries(mappingAnswer.parse(found.body))) {
    const ours = /^\d{17}$/.test(name.slice(alias.length + 1)) && name < newest && !kept.includes(name);
    if (ours && readStatisticsMeta(mappings) !== null) await deleteVersion(client, name);
  }
}

/** `20260131T120000123` without its letter: index names are lower case. */
function stampOf(moment: Date): string {
  return moment.toISOString().replace(/\D/g, '');
}
