import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeStatistics } from '../../../indexer/behaviour-statistics/statistics-run.js';
import { statisticsIndexBody } from '../../../mappings/statistics-index.js';
import { openHouse, type House } from '../../house.js';
import { exportRows, readRows } from './rows-command.js';

const DAY_MS = 86_400_000;
/** The shoppers' last turns. */
const at = Date.parse('2026-05-01T12:00:00.000Z');
const since = '2026-05-01';

let house: House;
let folder: string;

beforeAll(async () => {
  house = await openHouse({ products: 60 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-guard-'));
  const ids = house.entries.map(({ product }) => product.id);
  const events = Array.from({ length: 8 }, (_, shopper) => [
    event(`u${shopper}`, 'click', ids[shopper % 5] ?? '', at - 3 * DAY_MS + shopper),
    event(`u${shopper}`, 'purchase', ids[(shopper + 1) % 5] ?? '', at - 2 * DAY_MS + shopper),
    event(`u${shopper}`, 'click', ids[10 + shopper] ?? '', at + shopper * 1000),
  ]).flat();
  const response = await fetch(`${house.sidecar.url}/ubi/events`, { method: 'POST', body: JSON.stringify(events) });
  expect(response.status).toBe(200);
  await house.engine.indices.refresh({ index: house.config.behaviour.events });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

function event(user: string, action: string, object: string, time: number): object {
  const timestamp = new Date(time).toISOString();
  return { action_name: action, timestamp, user_id: user, event_attributes: { object: { object_id: object, object_id_field: 'id' } } };
}

async function count(until: number, into: string): Promise<void> {
  await computeStatistics({ alias: house.alias, config: house.config, until: new Date(until), into, full: true });
}

function sequences(name: string, ...more: string[]): Promise<unknown> {
  const words = ['--from', 'sequences', '--index', house.alias, '--since', since, '--keep-unlabelled'];
  return exportRows(house, ...words, '--out', join(folder, name), ...more);
}

async function refusal(exporting: Promise<unknown>): Promise<{ exitCode: unknown; message: string }> {
  try {
    await exporting;
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) return { exitCode: error.exitCode, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('statistics that rows are computed with', () => {
  it('are refused where they count the earliest target or anything later, with the commands that mend it', async () => {
    const name = `${house.alias}-later`;
    await count(at + 1, name);
    const { exitCode, message } = await refusal(sequences('leak.ndjson', '--statistics', name));
    expect(exitCode).toBe(6);
    const earliest = new Date(at).toISOString();
    expect(message).toContain(`[${name}] count events until ${new Date(at + 1).toISOString()}, but the earliest target is of ${earliest}`);
    expect(message).toContain(`fuserank statistics --alias ${house.alias} --until ${earliest} --into ${name}_until_20260501\n`);
    expect(message).toContain(`--statistics ${name}_until_20260501`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('are taken where they end at the earliest target, since that moment itself is not counted, and the header names them', async () => {
    const name = `${house.alias}-right`;
    await count(at, name);
    await sequences('right.ndjson', '--statistics', name);
    expect((await readRows(join(folder, 'right.ndjson'))).header.statistics).toEqual({ name, until: new Date(at).toISOString() });
  });

  it('are the configuration’s own unless others are named, guarded alike; none is none', async () => {
    await sequences('before.ndjson');
    expect((await readRows(join(folder, 'before.ndjson'))).header.statistics).toBeNull();
    await count(Date.now(), house.config.behaviour.statistics);
    expect((await refusal(sequences('own.ndjson'))).exitCode).toBe(6);
    await sequences('none.ndjson', '--statistics', 'none');
    expect((await readRows(join(folder, 'none.ndjson'))).header.statistics).toBeNull();
  });

  it('are guarded against the earliest search of a UBI log', async () => {
    const query = { query_id: 'g1', user_query: 'lamp', user_id: 'u1', timestamp: new Date(at).toISOString() };
    const response = await fetch(`${house.sidecar.url}/ubi/queries`, { method: 'POST', body: JSON.stringify(query) });
    expect(response.status).toBe(200);
    await house.engine.indices.refresh({ index: house.config.behaviour.queries });
    const words = ['--from', 'ubi', '--index', house.alias, '--since', since, '--out', join(folder, 'ubi.ndjson')];
    const { exitCode, message } = await refusal(exportRows(house, ...words, '--statistics', `${house.alias}-later`));
    expect(exitCode).toBe(6);
    expect(message).toContain(`the earliest target is of ${new Date(at).toISOString()}`);
  });

  it('are refused where they are not there, or are something else', async () => {
    const missing = await refusal(sequences('x.ndjson', '--statistics', `${house.alias}-nowhere`));
    expect(missing).toMatchObject({ exitCode: 6, message: expect.stringContaining(`--into ${house.alias}-nowhere`) as unknown });
    const other = await refusal(sequences('x.ndjson', '--statistics', house.alias));
    expect(other).toMatchObject({ exitCode: 6, message: expect.stringContaining('no index of item statistics') as unknown });
    const two = { version: 1, catalogue: house.alias, events: 'e', until: new Date(0).toISOString(), min_users_per_pair: 2 } as const;
    const counted = { events: 0, users: 0, items: 0, pairs: 0 };
    for (const place of ['a', 'b']) {
      const body = { ...statisticsIndexBody({ ...two, counted }), aliases: { [`${house.alias}-pair`]: {} } };
      await house.engine.indices.create({ index: `${house.alias}-pair-${place}`, body });
    }
    const twice = await refusal(sequences('x.ndjson', '--statistics', `${house.alias}-pair`));
    expect(twice).toMatchObject({ exitCode: 6, message: expect.stringContaining('stands for 2 indices') as unknown });
  });
});
