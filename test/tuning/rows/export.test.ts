import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { configSchema } from '../../../config/schema.js';
import { textSearchBody } from '../../../mappings/query-templates.js';
import { FEATURE_SET, featureSetHash } from '../../../models/feature-set.js';
import { openLog } from '../../../sidecar/http/log.js';
import { startSidecar, writeListLine, type LoggedList, type Sidecar } from '../../../sidecar/index.js';
import { openHouse, type House } from '../../house.js';
import { bitsOf, columnsOf, exportRows, readRows, runRows } from './rows-command.js';

const DAY_MS = 86_400_000;

let house: House;
let folder: string;
let sidecar: Sidecar;
/** Every list that the serving sidecar ranked. */
const served: LoggedList[] = [];

beforeAll(async () => {
  house = await openHouse({ products: 90 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-export-'));
  const config = configSchema.parse({ ...house.config, observability: { featureLog: { folder: join(folder, 'log'), sample: 1 } } });
  sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }), onRankedList: (list) => served.push(list) });
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

/** Asks the serving sidecar as rows are asked for; gives the list as it was ranked. */
async function serve(text: string, block: object): Promise<LoggedList> {
  const body = { ...textSearchBody({ text: ['title', 'description'] }, { text }), ext: { fuserank: { query_text: text, ...block } } };
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.text();
  const list = served.at(-1);
  if (!response.headers.get('x-fuserank')?.startsWith('applied') || !list) throw new Error('not ranked');
  return list;
}

async function send(kind: 'events' | 'queries', records: readonly object[]): Promise<void> {
  const response = await fetch(`${sidecar.url}/ubi/${kind}`, { method: 'POST', body: JSON.stringify(records) });
  expect(response.status, await response.text()).toBe(200);
  await house.engine.indices.refresh({ index: house.config.behaviour[kind] });
}

function event(user: string, action: string, object: string, at: Date | number, more: object = {}): object {
  return {
    action_name: action,
    timestamp: new Date(at).toISOString(),
    user_id: user,
    event_attributes: { object: { object_id: object, object_id_field: 'id' } },
    ...more,
  };
}

/** What must be equal between a served list and rows made of it. */
function valuesOf(list: LoggedList): [id: string, bits: string][] {
  return list.candidates.map(({ id, columns }) => [id, bitsOf(columns)]);
}

async function rowsOf(name: string): Promise<{ rows: Awaited<ReturnType<typeof readRows>>['rows']; values: [string, string][] }> {
  const { header, rows } = await readRows(join(folder, name));
  return { rows, values: rows.map((row) => [row.item_id, bitsOf(columnsOf(row, header))]) };
}

function idsOf(kind: string): string[] {
  return house.entries.filter(({ product }) => product.id.startsWith(kind)).map(({ product }) => product.id);
}

describe('rows of the log', () => {
  it('have the served columns bit for bit, places and variant, with labels from the clicks', async () => {
    const [bought = '', seen = ''] = idsOf('mug');
    const first = await serve('lamp', { user_id: 'log-ada', query_id: 'log-1', history: [{ object_id: bought }] });
    const second = await serve('mug', { user_id: 'log-bob', query_id: 'log-2', blend: 0.5 });
    await serve('rug', { query_id: 'log-3' });
    await serve('vase', {});
    const now = Date.now();
    await send('events', [
      event('log-ada', 'click', first.candidates[2]?.id ?? '', now, { query_id: 'log-1' }),
      event('log-ada', 'add_to_cart', first.candidates[2]?.id ?? '', now + 1, { query_id: 'log-1' }),
      event('log-bob', 'purchase', bought, now, { query_id: 'log-2' }),
      event('log-bob', 'click', seen, now, { query_id: 'log-2' }),
      event('log-bob', 'impression', idsOf('mug')[2] ?? '', now, { query_id: 'log-2' }),
      event('log-bob', 'click', idsOf('mug')[2] ?? '', now), // of no search
    ]);
    await expect.poll(async () => (await readdir(join(folder, 'log'))).length).toBeGreaterThan(0);
    const report = await exportRows(house, '--from', 'log', '--log', join(folder, 'log'), '--out', join(folder, 'log.ndjson.gz'));
    expect(report).toMatchObject({ lists: 2, positives: 3, dropped: { without_query_id: 1, without_events: 1 } });
    const { rows, values } = await rowsOf('log.ndjson.gz');
    expect(values).toEqual([...valuesOf(first), ...valuesOf(second)]);
    expect(rows.map(({ position }) => position)).toEqual([...first.candidates, ...second.candidates].map(({ position }) => position));
    expect(new Set(rows.map(({ list_id, query_id, variant }) => `${list_id} ${query_id} ${variant}`))).toEqual(
      new Set([`${first.list_id} log-1 shop@0.75`, `${second.list_id} log-2 shop@0.5`]),
    );
    const labelled = rows.filter(({ label }) => label > 0).map(({ query_id, item_id, label }) => `${query_id} ${item_id} ${label}`);
    expect(labelled.sort()).toEqual([`log-1 ${first.candidates[2]?.id} 2`, `log-2 ${bought} 3`, `log-2 ${seen} 1`].sort());
  });

  it('take labels from a file of events as well, and every list with --keep-unlabelled', async () => {
    const lists = served.filter(({ query_id }) => query_id !== null);
    const target = lists[0]?.candidates[0]?.id ?? '';
    await writeFile(join(folder, 'events.ndjson'), `${JSON.stringify(event('x', 'click', target, 0, { query_id: lists[0]?.query_id }))}\n`);
    const words = ['--from', 'log', '--log', join(folder, 'log'), '--events', join(folder, 'events.ndjson'), '--keep-unlabelled'];
    const report = await exportRows(house, ...words, '--out', join(folder, 'kept.ndjson'));
    expect(report).toMatchObject({ lists: lists.length, positives: 1 });
    expect((await rowsOf('kept.ndjson')).rows.filter(({ label }) => label === 1).map(({ item_id }) => item_id)).toEqual([target]);
  });

  it('count a list once, though its file is named twice', async () => {
    const words = ['--from', 'log', '--log', join(folder, 'log'), join(folder, 'log'), '--out', join(folder, 'twice.ndjson')];
    const report = await exportRows(house, ...words);
    expect(report.lists).toBe(2);
    expect(report.dropped['repeated']).toBe(served.length);
  });
});

describe('a log that is not as it should be', () => {
  let list: LoggedList;
  beforeAll(async () => {
    list = await serve('lamp', { query_id: 'bad-1' });
    await send('events', [event('u', 'click', list.candidates[0]?.id ?? '', Date.now(), { query_id: 'bad-1' })]);
  });

  async function exportLines(...lines: string[]): Promise<{ report: string; stderr: string }> {
    const bad = join(folder, 'bad');
    await mkdir(bad, { recursive: true });
    await rm(join(folder, 'bad.ndjson'), { force: true });
    await writeFile(join(bad, 'fuserank-log-20260131T12-host-1.ndjson'), lines.join('\n'));
    const out = await runRows(house, 'export', '--from', 'log', '--log', bad, '--out', join(folder, 'bad.ndjson'), '--quiet');
    return { report: out.stdout, stderr: out.stderr };
  }

  it('is read up to a last line that breaks off, and says so', async () => {
    const { report, stderr } = await exportLines(writeListLine(list), writeListLine(list).slice(0, 500));
    expect(report).toContain('1 lists,');
    expect(stderr).toMatch(/fuserank-log-20260131T12-host-1\.ndjson line 2 breaks off, as a crash leaves it; it is left out/);
  });

  it.each([
    ['a broken line before the last', (whole: string) => [whole.slice(0, 500), whole], /line 1: not JSON/],
    [
      'another feature set',
      (whole: string) => [whole, whole.replaceAll(featureSetHash(), 'f'.repeat(64))],
      /line 2: logged with feature set ffffffff .*this version computes/,
    ],
    ['other columns', (whole: string) => [whole.replace(FEATURE_SET.columns[0]?.name ?? '', 'zeroth')], /line 1: logged with feature set/],
    ['NaN', (whole: string) => [whole.replace(/"columns":\[[^,"]+,/, '"columns":[NaN,'), whole], /line 1: not JSON/],
    [
      'null for a number',
      (whole: string) => [whole.replace(/"columns":\[[^,"]+,/, '"columns":[null,'), whole],
      /line 1: no list of a feature log \(candidates\.0\.columns\.0/,
    ],
    ['a value too few', (whole: string) => [whole.replace(/"columns":\[[^,"]+,/, '"columns":[')], /line 1: .* values for .* columns/],
    ['something else', () => ['{"query":"lamp"}', '{"query":"mug"}'], /line 1: no list of a feature log/],
    ['nothing at all', () => [''], /not one list gave rows: there are none; nothing is written/],
    [
      'lists without a query id alone',
      (whole: string) => [whole.replace('"query_id":"bad-1"', '"query_id":null')],
      /not one list gave rows: 1 without query id/,
    ],
    [
      'lists of products that nobody touched',
      (whole: string) => [whole.replace('"query_id":"bad-1"', '"query_id":"nobody"')],
      /not one list gave rows: 1 without events/,
    ],
  ])('is refused with %s: exit 6, the line, and nothing written', async (_, edit, message) => {
    await expect(exportLines(...edit(writeListLine(list)))).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringMatching(message) as unknown,
    });
    await expect(readFile(join(folder, 'bad.ndjson'))).rejects.toThrow('ENOENT');
  });

  it('is refused where there is none, with the remedy', async () => {
    const out = join(folder, 'none.ndjson');
    await expect(exportRows(house, '--from', 'log', '--log', join(folder, 'nowhere'), '--out', out)).rejects.toMatchObject({ exitCode: 6 });
    await mkdir(join(folder, 'empty'));
    await expect(exportRows(house, '--from', 'log', '--log', join(folder, 'empty'), '--out', out)).rejects.toThrow(
      'no fuserank-log-*.ndjson in it',
    );
    await writeFile(join(folder, 'events-bad.ndjson'), '{"query_id":"q"}\n');
    const words = ['--from', 'log', '--log', join(folder, 'log'), '--events', join(folder, 'events-bad.ndjson'), '--out', out];
    await expect(exportRows(house, ...words)).rejects.toThrow('events-bad.ndjson line 1: no UBI event');
  });
});

describe('flags that do not belong together', () => {
  it.each([
    [['--from', 'log'], '--from log needs --log'],
    [['--from', 'ubi'], '--from ubi needs --since'],
    [['--from', 'judgments', '--queries', 'q'], '--from judgments needs --judgments'],
    [['--from', 'log', '--log', 'x', '--statistics', 'none'], '--statistics says nothing to --from log'],
    [['--from', 'ubi', '--since', '2026-01-01', '--limit', '5'], '--limit says nothing to --from ubi'],
    [['--from', 'ubi', '--since', '2026-01-02', '--until', '2026-01-01'], '--until must be later than --since'],
  ])('%s: exit 2', async (words, message) => {
    await expect(exportRows(house, ...words, '--out', join(folder, 'x.ndjson'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message) as unknown,
    });
  });
});

test('a seed that is no whole number is a usage error, and draws nothing', async () => {
  const words = ['--from', 'sequences', '--since', '2026-01-01', '--seed', 'first', '--out', join(folder, 'x.ndjson')];
  await expect(exportRows(house, ...words)).rejects.toThrow('a whole number from 0 on is needed');
});

describe('rows of judgments', () => {
  beforeAll(async () => {
    const queries = [
      { query_id: 'q1', query: 'lamp', history: [{ object_id: idsOf('mug')[0], action_name: 'purchase', age_s: 3600 }] },
      { query_id: 'q2', query: 'mug' },
      { query_id: 'q3', query: 'nothing of that name', tags: ['odd'] },
      { query_id: 'q4', query: 'unjudged' },
    ];
    await writeFile(join(folder, 'queries.ndjson'), queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
    const [lamp = '', other = ''] = idsOf('lamp');
    const judgments = [`q1,${lamp},2`, `q1,${other},0`, `q2,${idsOf('mug')[1]},0.5`, `q2,no-such-product,1`, `q3,no-such-product,1`];
    await writeFile(
      join(folder, 'judgments.csv'),
      `query_id,query,docid,rating\n${judgments.map((row) => row.replace(',', ',,')).join('\n')}\n`,
    );
  });

  const words = (name: string): string[] => [
    ...['--from', 'judgments', '--index', house.alias, '--out', join(folder, name)],
    ...['--queries', join(folder, 'queries.ndjson'), '--judgments', join(folder, 'judgments.csv')],
  ];

  it('have the columns that a search is served with, and the grades', async () => {
    const report = await exportRows(house, ...words('judged.ndjson'));
    expect(report).toMatchObject({ lists: 2, positives: 2 });
    expect(report.dropped).toEqual({ unjudged: 1, nothing_good_retrieved: 1 });
    const one = await serve('lamp', { history: [{ object_id: idsOf('mug')[0], action_name: 'purchase', age_s: 3600 }] });
    const two = await serve('mug', {});
    const { rows, values } = await rowsOf('judged.ndjson');
    expect(values).toEqual([...valuesOf(one), ...valuesOf(two)]);
    expect(rows.filter(({ label }) => label > 0).map(({ query_id, item_id, label }) => [query_id, item_id, label])).toEqual([
      ['q1', idsOf('lamp')[0], 2],
      ['q2', idsOf('mug')[1], 0.5],
    ]);
    expect(new Set(rows.map(({ list_id, position, variant }) => `${list_id} ${position} ${variant}`))).toEqual(
      new Set(['q1 null null', 'q2 null null']),
    );
  });

  it('are the same rows when they are asked for again, and say what made them', async () => {
    await exportRows(house, ...words('again.ndjson'), '--concurrency', '5');
    expect((await rowsOf('again.ndjson')).rows).toEqual((await rowsOf('judged.ndjson')).rows);
    const { header } = await readRows(join(folder, 'again.ndjson'));
    expect(header).toMatchObject({ source: 'judgments', feature_set: featureSetHash(), statistics: null });
    expect(header.columns).toEqual(FEATURE_SET.columns.map(({ name }) => name));
  });

  it('leave out what nobody judged with --unjudged drop', async () => {
    const report = await exportRows(house, ...words('dropped.ndjson'), '--unjudged', 'drop');
    expect(report).toMatchObject({ lists: 2, rows: 3, positives: 2 });
  });

  it('are refused for queries that cannot be used: exit 6, nothing written', async () => {
    await writeFile(join(folder, 'bad-judgments.csv'), 'query_id,query,docid,rating\nq1,,p,NaN\n');
    const bad = words('refused.ndjson').map((word) => (word.endsWith('judgments.csv') ? join(folder, 'bad-judgments.csv') : word));
    await expect(exportRows(house, ...bad)).rejects.toMatchObject({ exitCode: 6, message: expect.stringContaining('line 2') as unknown });
    await expect(readFile(join(folder, 'refused.ndjson'))).rejects.toThrow('ENOENT');
  });
});

describe('rows of a UBI log', () => {
  const at = Date.parse('2026-03-01T12:00:00.000Z');
  const [since, until] = [new Date(at - 60_000).toISOString(), new Date(at + 60_000).toISOString()];

  beforeAll(async () => {
    const [first = '', second = '', third = ''] = idsOf('mug');
    await send('events', [
      event('ubi-ada', 'click', first, at - 2 * DAY_MS),
      event('ubi-ada', 'impression', third, at - 1.5 * DAY_MS),
      event('ubi-ada', 'purchase', second, at - DAY_MS),
      event('ubi-ada', 'click', idsOf('lamp')[0] ?? '', at + 5_000, { query_id: 'ubi-1' }),
      event('ubi-ada', 'purchase', third, at + 9_000), // later than the search: nothing of its rows
      event('ubi-bob', 'click', 'gone', at + 5_000, { query_id: 'ubi-2' }),
    ]);
    await send('queries', [
      { query_id: 'ubi-1', user_query: 'lamp', user_id: 'ubi-ada', timestamp: new Date(at).toISOString() },
      { query_id: 'ubi-2', user_query: 'lamp', user_id: 'ubi-bob', timestamp: new Date(at + 1).toISOString() },
      { query_id: 'ubi-3', user_query: 'lamp', timestamp: new Date(at + 2).toISOString() },
      { query_id: 'ubi-0', user_query: 'lamp', user_id: 'ubi-ada', timestamp: new Date(at - 120_000).toISOString() },
    ]);
  });

  it('are what the search would have been served with: the history of that moment, labels of its events', async () => {
    const out = join(folder, 'ubi.ndjson');
    const report = await exportRows(house, '--from', 'ubi', '--index', house.alias, '--since', since, '--until', until, '--out', out);
    expect(report).toMatchObject({ lists: 1, positives: 1, dropped: { items_not_retrieved: 1, without_events: 1 } });
    const [first = '', second = ''] = idsOf('mug');
    const history = [
      { object_id: first, action_name: 'click', age_s: (2 * DAY_MS) / 1000 },
      { object_id: second, action_name: 'purchase', age_s: DAY_MS / 1000 },
    ];
    const list = await serve('lamp', { history });
    const { rows, values } = await rowsOf('ubi.ndjson');
    expect(values).toEqual(valuesOf(list));
    expect(rows.filter(({ label }) => label > 0).map(({ item_id, label }) => [item_id, label])).toEqual([[idsOf('lamp')[0], 1]]);
  });

  it('are refused where no search was made: exit 6, with the remedy', async () => {
    const out = join(folder, 'none.ndjson');
    const words = ['--from', 'ubi', '--index', house.alias, '--since', '2026-04-01', '--out', out];
    await expect(exportRows(house, ...words)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining('give another --since') as unknown,
    });
  });
});

describe('events that others index', () => {
  const at = Date.parse('2026-06-01T12:00:00.000Z');

  it('give the same rows, though their ids are text with a keyword twin', async () => {
    const [mug = '', lamp = ''] = [idsOf('mug')[0], idsOf('lamp')[0]];
    const history = event('U 1', 'click', mug, at - DAY_MS);
    const click = event('U 1', 'click', lamp, at + 1_000, { query_id: 'Q-1 a' });
    const query = { query_id: 'Q-1 a', user_query: 'lamp', user_id: 'U 1', timestamp: new Date(at).toISOString() };
    const behaviour = { ...house.config.behaviour, events: `${house.alias}-foreign-events`, queries: `${house.alias}-foreign-queries` };
    await house.engine.bulk({
      refresh: true,
      body: [
        ...[history, click].flatMap((source) => [{ index: { _index: behaviour.events } }, source]),
        { index: { _index: behaviour.queries } },
        query,
      ],
    });
    const foreign: House = { ...house, config: { ...house.config, behaviour } };
    const words = ['--index', house.alias, '--since', '2026-06-01', '--out'];
    expect(await exportRows(foreign, '--from', 'ubi', ...words, join(folder, 'foreign.ndjson'))).toMatchObject({ lists: 1, positives: 1 });
    const list = await serve('lamp', { history: [{ object_id: mug, action_name: 'click', age_s: DAY_MS / 1000 }] });
    expect((await rowsOf('foreign.ndjson')).values).toEqual(valuesOf(list));
    expect(await exportRows(foreign, '--from', 'sequences', ...words, join(folder, 'foreign-seq.ndjson'))).toMatchObject({ positives: 1 });
  });

  it('are missed with a word of what to do: exit 6', async () => {
    const nowhere: House = {
      ...house,
      config: { ...house.config, behaviour: { ...house.config.behaviour, events: `${house.alias}-nowhere` } },
    };
    const words = ['--from', 'sequences', '--index', house.alias, '--since', '2026-06-01', '--out', join(folder, 'none.ndjson')];
    await expect(exportRows(nowhere, ...words)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining('behaviour.events') as unknown,
    });
  });
});

describe('rows of sequences', () => {
  const at = Date.parse('2026-05-01T12:00:00.000Z');
  const since = '2026-05-01';

  beforeAll(async () => {
    const [lamp = '', lamp2 = '', lamp3 = ''] = idsOf('lamp');
    const [mug = ''] = idsOf('mug');
    await send('events', [
      event('seq-ada', 'click', mug, at - DAY_MS),
      event('seq-ada', 'purchase', lamp2, at - 3_600_000),
      // One turn to the target: looked at, carted, bought.
      event('seq-ada', 'click', lamp, at),
      event('seq-ada', 'add_to_cart', lamp, at + 1_000),
      event('seq-ada', 'purchase', lamp, at + 2_000),
      event('seq-ada', 'impression', lamp3, at + 3_000),
      // Two devices of one user, mixed in time.
      event('seq-eva', 'click', mug, at - 10_000, { client_id: 'b' }),
      event('seq-eva', 'click', lamp3, at, { client_id: 'a' }),
      event('seq-old', 'click', lamp, at - 30 * DAY_MS),
      event('seq-gone', 'click', 'no-such-product', at),
    ]);
  });

  const range = ['--since', since, '--until', '2026-05-02'];

  it('ask for each shopper’s last product with what was before it', async () => {
    const report = await exportRows(house, '--from', 'sequences', '--index', house.alias, ...range, '--out', join(folder, 'seq.ndjson'));
    expect(report).toMatchObject({ lists: 2, positives: 2, dropped: { target_not_in_catalogue: 1 } });
    const files = [join(folder, 'derived.ndjson'), join(folder, 'derived.csv')] as const;
    const words = ['--index', house.alias, ...range, '--queries', files[0], '--judgments', files[1], '--json'];
    const derived = JSON.parse((await runRows(house, 'derive', ...words)).stdout) as Record<string, unknown>;
    expect(derived).toMatchObject({ queries: 2, dropped: { target_not_in_catalogue: 1 }, earliest_target: new Date(at).toISOString() });
    const questions = (await readFile(files[0], 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [lamp, lamp2, lamp3] = idsOf('lamp');
    const [mug] = idsOf('mug');
    expect(questions.map(({ history }) => history)).toEqual(
      expect.arrayContaining([
        [
          { object_id: mug, action_name: 'click', age_s: DAY_MS / 1000 },
          { object_id: lamp2, action_name: 'purchase', age_s: 3_600 },
        ],
        [{ object_id: mug, action_name: 'click', age_s: 10 }],
      ]),
    );
    expect(questions.map(({ tags }) => tags)).toEqual([expect.arrayContaining(['history:1-4']), expect.arrayContaining(['history:1-4'])]);
    expect(JSON.stringify(questions)).not.toMatch(/seq-/);
    // Both ways are one: export from the derived set gives the same rows.
    const judged = ['--from', 'judgments', '--index', house.alias, '--queries', files[0], '--judgments', files[1]];
    await exportRows(house, ...judged, '--out', join(folder, 'seq-judged.ndjson'));
    const [ours, theirs] = [await rowsOf('seq.ndjson'), await rowsOf('seq-judged.ndjson')];
    expect(theirs.rows).toEqual(ours.rows);
    expect(
      ours.rows
        .filter(({ label }) => label > 0)
        .map(({ item_id }) => item_id)
        .sort(),
    ).toEqual([lamp, lamp3].sort());
  });

  it('draw the same shoppers by the same seed', async () => {
    const draw = async (seed: number): Promise<string[]> => {
      const out = join(folder, `draw-${seed}.ndjson`);
      const report = await exportRows(
        house,
        '--from',
        'sequences',
        '--index',
        house.alias,
        ...range,
        '--limit',
        '1',
        '--seed',
        String(seed),
        '--keep-unlabelled',
        '--out',
        out,
      );
      expect(report.lists).toBe(1);
      return (await rowsOf(`draw-${seed}.ndjson`)).rows.map(({ list_id }) => list_id);
    };
    const [first, again] = [await draw(4), await draw(4)];
    expect(again).toEqual(first);
  });

  it('are refused where nobody turned to anything: exit 6', async () => {
    const words = ['--from', 'sequences', '--index', house.alias, '--since', '2026-08-01', '--until', '2026-08-02'];
    await expect(exportRows(house, ...words, '--out', join(folder, 'none.ndjson'))).rejects.toMatchObject({ exitCode: 6 });
  });
});
