import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importEvents } from '../../../indexer/events/event-import.js';
import { computeStatistics } from '../../../indexer/behaviour-statistics/statistics-run.js';
import type { Config } from '../../../config/schema.js';
import { FEATURE_SET } from '../../../models/feature-set.js';
import { openHouse, type House } from '../../house.js';
import { exportRows, readRows, type ReadRow } from './rows-command.js';

const DAY_MS = 86_400_000;
/** The moment of the earliest target. */
const at = Date.parse('2026-05-01T12:00:00.000Z');
const since = '2026-05-01';
/** Columns that statistics feed. */
const COUNTED = FEATURE_SET.columns.filter(({ signal }) => signal === 'behaviour').map(({ name }) => name);

let house: House;
let folder: string;
let [anchor, target, second]: string[] = [];

/** Many shoppers look at a pair of products at a time: enough of them for every counter. */
function crowd(name: string, pair: readonly (string | undefined)[], time: number): object[] {
  return Array.from({ length: 8 }, (_, shopper) => [
    event(`${name}-${shopper}`, 'click', pair[0], time + shopper * 10),
    event(`${name}-${shopper}`, 'purchase', pair[1], time + shopper * 10 + 1),
  ]).flat();
}

function event(user: string, action: string, object: string | undefined, time: number): object {
  const timestamp = new Date(time).toISOString();
  return { action_name: action, timestamp, user_id: user, event_attributes: { object: { object_id: object, object_id_field: 'id' } } };
}

/** What happened before the target: the anchor with a second product, and a little of everything. */
function past(): object[] {
  return crowd('past', [anchor, second], at - 20 * DAY_MS);
}
/** The rows' own targets: eight shoppers who had met the anchor turn to the target at that moment, and no sooner. */
function targets(): object[] {
  return Array.from({ length: 8 }, (_, shopper) => [
    event(`row-${shopper}`, 'click', anchor, at - DAY_MS),
    event(`row-${shopper}`, 'purchase', target, at + shopper),
  ]).flat();
}
/** And what came after: the pair met again and again. */
function later(): object[] {
  return crowd('later', [anchor, target], at + 3_600_000);
}

beforeAll(async () => {
  house = await openHouse({ products: 80 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-leak-'));
  [anchor, target, second] = house.entries.filter(({ product }) => product.id.startsWith('lamp')).map(({ product }) => product.id);
  if (second === undefined) throw new Error('the shop needs three lamps');
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

/** Events in an index of their own, as `fuserank events import` stores them. */
async function importInto(index: string, events: readonly object[]): Promise<Config> {
  const file = join(folder, `${index}.ndjson`);
  await writeFile(file, events.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const config = { ...house.config, behaviour: { ...house.config.behaviour, events: index } };
  await importEvents({ inputs: [file], config });
  await house.engine.indices.refresh({ index });
  return config;
}

async function exportSequences(name: string, events: string, statistics: string): Promise<ReadRow[]> {
  const asked: House = { ...house, config: { ...house.config, behaviour: { ...house.config.behaviour, events } } };
  const words = ['--from', 'sequences', '--index', house.alias, '--since', since, '--until', '2026-05-01T13:00:00Z'];
  const out = join(folder, `${name}.ndjson`);
  const report = await exportRows(asked, ...words, '--statistics', statistics, '--out', out);
  expect(report).toMatchObject({ lists: 8, positives: 8 });
  return (await readRows(out)).rows;
}

function valuesOf(rows: readonly ReadRow[], item: string | undefined, column: string): number[] {
  return rows.filter(({ item_id }) => item_id === item).map((row) => row[column] ?? Number.NaN);
}

describe('co-visitation and popularity of a row', () => {
  let whole: ReadRow[];
  let without: ReadRow[];
  let leaking: ReadRow[];

  beforeAll(async () => {
    const names = ['all', 'past'].map((name) => `${house.alias}-${name}`);
    const [all = '', before = ''] = names;
    const everything = await importInto(all, [...past(), ...targets(), ...later()]);
    // The same shop in which the targets and what came after never happened; the shoppers' own histories are there.
    const nothingLater = await importInto(before, [...past(), ...targets().filter((_, place) => place % 2 === 0)]);
    const count = (config: Config, until: number, into: string) =>
      computeStatistics({ alias: house.alias, config, until: new Date(until), into, full: true });
    await count(everything, at, `${all}-until`);
    await count(nothingLater, at, `${before}-until`);
    await count(everything, at + 12 * 3_600_000, `${all}-leak`);
    whole = await exportSequences('whole', all, `${all}-until`);
    without = await exportSequences('without', all, `${before}-until`);
    // What the guard forbids, past the guard: the leaking version under the stamp of an early one.
    await copyUnderStamp(`${all}-leak`, `${all}-forged`, at);
    leaking = await exportSequences('leaking', all, `${all}-forged`);
  });

  /** The documents of one version under a stamp that claims an earlier moment. */
  async function copyUnderStamp(from: string, to: string, until: number): Promise<void> {
    const [mapping] = Object.values((await house.engine.indices.getMapping({ index: from })).body);
    const text = JSON.stringify(mapping).replace(/"until":"[^"]+"/, `"until":"${new Date(until).toISOString()}"`);
    const { mappings } = JSON.parse(text) as { mappings: object };
    await house.engine.indices.create({ index: to, body: { mappings } });
    await house.engine.reindex({ refresh: true, body: { source: { index: from }, dest: { index: to } } });
  }

  it('are those of a shop in which the targets and all that came after never happened', () => {
    expect(COUNTED.length).toBeGreaterThan(8);
    expect(whole).toEqual(without);
  });

  it('know what was before: the pair that was met', () => {
    expect(Math.min(...valuesOf(whole, second, 'covisit_max'))).toBeGreaterThan(0);
    expect(Math.min(...valuesOf(whole, second, 'popularity'))).toBeGreaterThan(0);
  });

  it('know nothing of the target, which nobody had touched', () => {
    expect(valuesOf(whole, target, 'history_length').length).toBe(8);
    for (const column of COUNTED) expect([column, ...new Set(valuesOf(whole, target, column))]).toEqual([column, 0]);
  });

  it('would show it, had the statistics counted it: the guard keeps out something real', () => {
    for (const column of ['covisit_max', 'covisit_sum', 'covisit_cosine_sum', 'popularity', 'log_purchases_7d']) {
      expect([column, Math.min(...valuesOf(leaking, target, column)) > 0]).toEqual([column, true]);
    }
  });
});
