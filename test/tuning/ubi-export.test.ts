import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportEvents } from '../../indexer/events/event-export.js';
import { importEvents } from '../../indexer/events/event-import.js';
import { readJudgments, readQuerySet, type ReadingRequest } from '../../tuning/convert/conversion.js';
import { readText } from '../../tuning/formats/input-lines.js';
import { ESCI_GAINS } from '../../tuning/formats/judgments/judgment-table.js';
import { openStatisticsShop, type StatisticsShop } from '../indexer/statistics-shop.js';

const folder = mkdtempSync(join(tmpdir(), 'fuserank-ubi-'));
let shop: StatisticsShop;
beforeAll(async () => {
  shop = await openStatisticsShop('ubi-export-test');
});
afterAll(async () => {
  await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

it('what fuserank events export writes becomes queries and judgments', async () => {
  const event = (second: number, action: string, search: number, item: string, ordinal: number) =>
    JSON.stringify({
      action_name: action,
      timestamp: new Date(Date.UTC(2026, 0, 31) + second * 1000).toISOString(),
      query_id: `s${search}`,
      user_query: search < 2 ? 'lamp' : 'mug',
      client_id: `c${search}`,
      event_attributes: { object: { object_id: item }, position: { ordinal } },
    });
  // Two products a search, at 1 and 2; the first is clicked in two of three.
  const lines = [0, 1, 2].flatMap((search) => [
    event(10 * search, 'impression', search, 'p1', 1),
    event(10 * search, 'impression', search, 'p2', 2),
    ...(search === 1 ? [event(15, 'click', 1, 'p2', 2)] : [event(10 * search + 5, 'click', search, 'p1', 1)]),
  ]);
  const [written, exported] = [join(folder, 'in.ndjson'), join(folder, 'out.ndjson.gz')];
  writeFileSync(written, `${lines.join('\n')}\n`);
  const config = shop.config({ events: `${shop.prefix}-log` });
  await importEvents({ inputs: [written], config });
  expect(await exportEvents({ config, out: exported })).toBe(lines.length);

  const request: ReadingRequest = {
    ...{ text: await readText(exported), input: exported, from: 'auto', gains: ESCI_GAINS, minImpressions: 2 },
    ...{ version: '0.1.0', now: new Date('2026-02-01') },
  };
  const { queries } = await readQuerySet(request);
  expect(queries.map(({ query, tags }) => [query, ...tags])).toEqual([
    ['lamp', 'searches:2-9'],
    ['mug', 'searches:1'],
  ]);
  const { judgments } = await readJudgments(request);
  // p1: 1 of 2 where 2/3 are clicked; p2: 1 of 2 where 1/3 are.
  expect(judgments.queries.map(({ query, grades }) => [query, ...grades])).toEqual([['lamp', ['p1', 0.75], ['p2', 1.5]]]);
});
