import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { makeShoppers, demoQueries, type Shopper } from '../../demo/shoppers.js';
import { hasTaste } from '../../demo/taste.js';
import { computeStatistics } from '../../indexer/behaviour-statistics/statistics-run.js';
import { textSearchBody } from '../../mappings/query-templates.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type LoggedList, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';
import { bitsOf, columnsOf, exportRows, readRows } from '../tuning/rows/rows-command.js';

/** A shopper's search, as the log, the events and the queries tell it. */
interface Visit {
  readonly shopper: Shopper;
  readonly queryId: string;
  readonly list: LoggedList;
  readonly clicked: string;
}

let house: House;
let folder: string;
let sidecar: Sidecar;
let statisticsUntil: Date;
let firstVisit: string;
const visits: Visit[] = [];
const served: LoggedList[] = [];

/** Events of the demo's shoppers → statistics → searches whose lists are logged → clicks on what is to their taste. */
beforeAll(async () => {
  house = await openHouse({ products: 240 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-demo-rows-'));
  const shoppers = makeShoppers({ entries: house.entries, seed: 3, now: new Date() });
  await post(
    house.sidecar.url,
    'events',
    shoppers.flatMap(({ events }) => events),
  );
  await house.engine.indices.refresh({ index: house.config.behaviour.events });
  statisticsUntil = new Date();
  await computeStatistics({ alias: house.alias, config: house.config, until: statisticsUntil });

  const config = configSchema.parse({ ...house.config, observability: { featureLog: { folder: join(folder, 'log'), sample: 1 } } });
  sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }), onRankedList: (list) => served.push(list) });
  await sidecarKnows(statisticsUntil);
  firstVisit = new Date().toISOString();
  for (const [place, shopper] of shoppers.slice(0, 12).entries()) {
    const visit = await visitShop(shopper, demoQueries[place % demoQueries.length]?.text ?? 'lamp', `visit-${place}`);
    if (visit) visits.push(visit);
  }
  for (const index of [house.config.behaviour.events, house.config.behaviour.queries]) await house.engine.indices.refresh({ index });
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function post(url: string, kind: 'events' | 'queries', records: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/ubi/${kind}`, { method: 'POST', body: JSON.stringify(records) });
  if (!response.ok) throw new Error(await response.text());
}

async function search(text: string, block: object): Promise<LoggedList> {
  const before = served.length;
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...textSearchBody({ text: ['title', 'description'] }, { text }),
      ext: { fuserank: { query_text: text, ...block } },
    }),
  });
  await response.text();
  const list = served[before];
  if (!list) throw new Error(`not ranked: ${response.headers.get('x-fuserank')}`);
  return list;
}

/** Searches until the scorers have read the statistics: they look for a new version beside searches, now and then. */
async function sidecarKnows(until: Date): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    if ((await search('lamp', {})).statistics_until === until.toISOString()) return;
    await sleep(250);
  }
  throw new Error('the sidecar never ranked with the statistics');
}

/** A shopper searches, and looks at the first hit to her taste, with the search's id in what she does. Null where there is none. */
async function visitShop({ user, taste, events }: Shopper, text: string, queryId: string): Promise<Visit | null> {
  const list = await search(text, { user_id: user, query_id: queryId });
  const at = new Date().toISOString();
  await post(sidecar.url, 'queries', [{ query_id: queryId, user_query: text, user_id: user, timestamp: at }]);
  const shown = list.candidates.filter(({ position }) => position !== null).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  const liked = new Set(house.entries.filter(({ latent }) => hasTaste(latent, taste)).map(({ product }) => product.id));
  const hit = shown.find(({ id }) => liked.has(id));
  if (!hit) return null;
  const click = { ...events[0], timestamp: new Date(Date.parse(at) + 1000).toISOString(), action_name: 'click', user_query: text };
  const object = { object_id: hit.id, object_id_field: 'id' };
  await post(sidecar.url, 'events', [
    { ...click, query_id: queryId, event_attributes: { object, position: { ordinal: (hit.position ?? 0) + 1 } } },
  ]);
  return { shopper: { user, taste, events }, queryId, list, clicked: hit.id };
}

describe('what the demo’s shoppers do', () => {
  it('becomes rows with the very columns that were served, labelled by their clicks', async () => {
    expect(visits.length).toBeGreaterThan(6);
    await expect.poll(async () => (await readdir(join(folder, 'log'))).length).toBeGreaterThan(0);
    const out = join(folder, 'log.ndjson.gz');
    const report = await exportRows(house, '--from', 'log', '--log', join(folder, 'log'), '--out', out);
    expect(report).toMatchObject({ lists: visits.length, positives: visits.length });
    const { header, rows } = await readRows(out);
    for (const { queryId, list, clicked } of visits) {
      const own = rows.filter(({ query_id }) => query_id === queryId);
      expect(own.map((row) => [row.item_id, row.position, bitsOf(columnsOf(row, header))])).toEqual(
        list.candidates.map(({ id, position, columns }) => [id, position, bitsOf(columns)]),
      );
      expect(own.filter(({ label }) => label > 0).map(({ item_id, label }) => [item_id, label])).toEqual([[clicked, 1]]);
    }
  });

  it('gives the same columns when the searches are asked again from the UBI log, as of their moment', async () => {
    const out = join(folder, 'ubi.ndjson.gz');
    const report = await exportRows(house, '--from', 'ubi', '--index', house.alias, '--since', firstVisit, '--out', out);
    expect(report).toMatchObject({ lists: visits.length, positives: visits.length });
    const { header, rows } = await readRows(out);
    expect(header.statistics).toEqual({ name: house.config.behaviour.statistics, until: statisticsUntil.toISOString() });
    // How long ago something was is told by two clocks here: the shop's, when it logged the search, and the sidecar's.
    const clock = header.columns.indexOf('seen_recency');
    const still = (columns: readonly number[]): string => bitsOf(columns.filter((_, place) => place !== clock));
    for (const { queryId, list } of visits) {
      const own = rows.filter(({ query_id }) => query_id === queryId);
      expect(own.map((row) => [row.item_id, still(columnsOf(row, header))])).toEqual(
        list.candidates.map(({ id, columns }) => [id, still(columns)]),
      );
      own.forEach((row, place) => expect(row['seen_recency']).toBeCloseTo(list.candidates[place]?.columns[clock] ?? Number.NaN, 3));
    }
    expect(visits.some(({ list }) => list.candidates.some(({ columns }) => (columns[clock] ?? 0) > 0))).toBe(true);
  });
});
