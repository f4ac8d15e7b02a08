import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { FEATURE_SET, featureSetHash } from '../../models/feature-set.js';
import { openLog } from '../../sidecar/http/log.js';
import { loggedListSchema, startSidecar, type LoggedList, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';

const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };

let house: House;
let folder: string;
let sidecar: Sidecar;
const told: LoggedList[] = [];

beforeAll(async () => {
  house = await openHouse({ products: 90 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-logged-'));
  const config = configSchema.parse({
    ...house.config,
    profiles: { ...house.config.profiles, shuffled: { index: house.alias, ranker: 'shuffle', budgetMs: 5_000 } },
    observability: { featureLog: { folder, sample: 1 } },
  });
  sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }), onRankedList: (list) => told.push(list) });
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function search(body: object): Promise<{ ids: string[]; label: string }> {
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { hits: { hits: { _id: string }[] } };
  return { ids: answer.hits.hits.map((hit) => hit._id), label: response.headers.get('x-fuserank') ?? '' };
}

describe('a search through a sidecar that keeps lists', () => {
  it('is told with its whole ranked list, in the order that was answered', async () => {
    const bought = house.entries[3]?.product.id ?? '';
    const block = { user_id: 'ada', query_id: 'q-1', history: [{ object_id: bought, action_name: 'purchase', age_s: 60 }] };
    const { ids, label } = await search({ query, size: 300, ext: { fuserank: block } });
    expect(label).toMatch(/^applied/);
    const list = told.at(-1);
    if (!list) throw new Error('nothing was told');
    const shown = list.candidates.filter(({ position }) => position !== null).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    expect(shown.map(({ id }) => id)).toEqual(ids);
    expect(list).toMatchObject({ query_id: 'q-1', index: house.alias, profile: 'shop', history_length: 1, feature_set: featureSetHash() });
    expect(list.variant).toBe('shop@0.75');
    expect(list.user).toMatch(/^[0-9a-f]{12}$/);
    const engine = (await house.direct({ query, size: 300 })).ids;
    const firstPhase = list.candidates.filter((candidate) => candidate.first_phase_rank !== null);
    expect(firstPhase.map(({ id }) => id)).toEqual(engine.slice(0, firstPhase.length));
    const column = (name: string): number => FEATURE_SET.columns.findIndex((each) => each.name === name);
    for (const { id, columns } of list.candidates) expect(columns[column('bought')]).toBe(id === bought ? 1 : 0);
  });

  it('leaves out what was not ranked by columns, not shown, or told before', async () => {
    const before = told.length;
    await search({ query, ext: { fuserank: { budget_ms: 0 } } });
    await search({ query, ext: { fuserank: { dry_run: true } } });
    await search({ query, ext: { fuserank: { profile: 'shuffled' } } });
    expect(told).toHaveLength(before);
    await search({ query, size: 5 });
    await search({ query, size: 5, from: 5 }); // takes the order that the first page stored
    expect(told).toHaveLength(before + 1);
    expect(told.at(-1)).toMatchObject({ user: null, query_id: null, history_length: 0 });
  });

  it('has in its files the very bits that it was told', async () => {
    await search({ query, ext: { fuserank: { query_id: 'q-last' } } });
    await expect.poll(async () => (await linesOf(folder)).length).toBe(told.length);
    const written = (await linesOf(folder)).map((line) => loggedListSchema.parse(JSON.parse(line)));
    written.forEach((list, place) => {
      expect(list).toEqual(told[place]);
      list.candidates.forEach(({ columns }, row) => {
        const served = Float32Array.from(told[place]?.candidates[row]?.columns ?? []);
        expect(Buffer.from(Float32Array.from(columns).buffer).equals(Buffer.from(served.buffer))).toBe(true);
      });
    });
    const metrics = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    expect(metrics).toContain(`fuserank_feature_log_lists_total{outcome="kept"} ${told.length}`);
  });
});

async function linesOf(path: string): Promise<string[]> {
  const texts = await Promise.all((await readdir(path)).map((name) => readFile(join(path, name), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
}
