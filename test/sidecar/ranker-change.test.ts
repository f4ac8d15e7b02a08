import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { openArtefact } from '../../models/artefact.js';
import { artefactsFolder, builtinFolder } from '../../models/named-ranker.js';
import { listVersions, placeVersion, readCurrent, readHistory, switchVersion } from '../../models/ranker-versions.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';

const COSINE = join(artefactsFolder, 'cosine-1');

const answerSchema = z.object({ profile: z.string(), model: z.string(), before: z.string() });
const infoSchema = z.looseObject({ rankers: z.record(z.string(), z.string()) });

let house: House;
let folder: string;
let versions: string;
let sidecar: Sidecar;
/** Ids of the artefacts that are switched between. */
let [base, cosine] = ['', ''];

const page = { query: { match: { title: 'lamp' } }, size: 12, ext: { fuserank: { profile: 'shop', user_id: 'ada' } } };

beforeAll(async () => {
  house = await openHouse({ products: 90 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-versions-'));
  versions = join(folder, 'shop');
  base = (await openArtefact(builtinFolder)).id;
  cosine = (await openArtefact(COSINE)).id;
  await mkdir(versions);
  const config = configSchema.parse({
    ...house.config,
    profiles: { shop: { index: house.alias, ranker: versions, budgetMs: 5_000 }, plain: { index: 'nothing', ranker: 'first-phase' } },
    scorer: { processes: 2 },
  });
  sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }) });
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(versions, { recursive: true, force: true });
  await mkdir(versions);
  await change('load', 'shop'); // also where the same ranker serves, but from the folder that was just removed
});

async function search(): Promise<{ status: number; label: string; model: string | null }> {
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(page),
  });
  await response.text();
  const label = response.headers.get('x-fuserank') ?? '';
  return { status: response.status, label, model: /model=([^;]+)/.exec(label)?.[1] ?? null };
}

function change(action: 'load' | 'rollback', profile: string): Promise<Response> {
  return fetch(`${sidecar.adminUrl}/admin/models/${profile}/${action}`, { method: 'POST' });
}

async function promote(artefact: string): Promise<void> {
  const to = await placeVersion(versions, await openArtefact(artefact));
  await switchVersion(versions, { action: 'promote', to, forced: null, report: null });
}

describe('a folder of versions', () => {
  it('ranks by the built-in ranker while it is empty, then by what is promoted, when it is loaded', async () => {
    expect((await search()).model).toBe(base);
    await promote(COSINE);
    expect(await listVersions(versions)).toEqual([cosine]);
    expect((await search()).model, 'nothing changes unseen').toBe(base);
    const response = await change('load', 'shop');
    expect(answerSchema.parse(await response.json())).toEqual({ profile: 'shop', model: cosine, before: base });
    expect((await search()).model).toBe(cosine);
    const info = infoSchema.parse(await (await fetch(`${sidecar.adminUrl}/info`)).json());
    expect(info.rankers).toEqual({ [versions]: cosine });
    expect(await (await fetch(`${sidecar.adminUrl}/metrics`)).text()).toMatch(/fuserank_model_info\{name="cosine-1",sha256="\w{8}"\} 1/);
  });

  it('goes back by one command, version by version, and not beyond the first', async () => {
    await promote(COSINE);
    await promote(builtinFolder);
    await change('load', 'shop');
    expect((await search()).model).toBe(base);
    expect(answerSchema.parse(await (await change('rollback', 'shop')).json())).toMatchObject({ model: cosine, before: base });
    expect((await search()).model).toBe(cosine);
    expect((await change('rollback', 'shop')).status).toBe(200);
    expect(await readCurrent(versions)).toBe('builtin');
    const beyond = await change('rollback', 'shop');
    expect(beyond.status).toBe(409);
    expect(await beyond.text()).toContain('has no version before builtin');
    expect((await readHistory(versions)).map(({ action, to }) => `${action} ${to}`)).toEqual([
      `promote ${cosine}`,
      `promote ${base}`,
      `rollback ${cosine}`,
      'rollback builtin',
    ]);
  });

  it('loses no search and skips none while rankers change under load', async () => {
    const models = new Set<string | null>();
    let [asked, changing] = [0, true];
    const shoppers = Array.from({ length: 6 }, async () => {
      while (changing) {
        const answer = await search();
        asked += 1;
        expect(answer.status).toBe(200);
        expect(answer.label).toMatch(/^applied/);
        models.add(answer.model);
      }
    });
    try {
      for (const name of [COSINE, builtinFolder, COSINE]) {
        await promote(name);
        expect((await change('load', 'shop')).status).toBe(200);
      }
    } finally {
      changing = false;
      await Promise.all(shoppers);
    }
    expect(asked).toBeGreaterThan(20);
    expect(models).toEqual(new Set([base, cosine]));
    expect((await search()).model).toBe(cosine);
    expect(sidecar.scorerIds()).toHaveLength(2);
  });

  it.each([
    ['a model of other bytes', (place: string) => writeFile(join(place, 'model.onnx'), 'not a model'), 'restore the folder'],
    ['columns that mean something else', (place: string) => redefine(place), 'was trained with other definitions of its columns'],
    ['a folder that is not there', (place: string) => rm(place, { recursive: true }), 'manifest.json is missing'],
  ])('refuses %s; the ranker before goes on', async (_what, spoil, words) => {
    const pids = sidecar.scorerIds();
    await promote(COSINE);
    await spoil(join(versions, cosine));
    const refused = await change('load', 'shop');
    expect(refused.status).toBe(409);
    const text = await refused.text();
    expect(text).toContain(words);
    expect(text).toContain('the ranker that was loaded goes on');
    expect((await search()).model).toBe(base);
    expect(sidecar.scorerIds(), 'nobody was replaced').toEqual(pids);
  });

  it('keeps the version where the one to go back to is spoilt', async () => {
    await promote(COSINE);
    await promote(builtinFolder);
    await change('load', 'shop');
    await writeFile(join(versions, cosine, 'model.onnx'), 'not a model');
    expect((await change('rollback', 'shop')).status).toBe(409);
    expect(await readCurrent(versions)).toBe(base);
    expect((await search()).model).toBe(base);
  });

  it('opens again what serves, not what lies in the folder, when a process dies', async () => {
    await promote(COSINE);
    for (const pid of sidecar.scorerIds()) process.kill(pid, 'SIGKILL');
    await expect.poll(async () => (await search()).model, { timeout: 45_000 }).toBe(base);
  });

  it('takes the rankers of all profiles at once, as SIGHUP does', async () => {
    await promote(COSINE);
    expect(await sidecar.loadRankers()).toEqual([{ profile: 'shop', ranker: versions, model: cosine, before: base }]);
  });

  it.each([
    ['an unknown profile', 'other', 404, 'there is no profile other'],
    ['a profile without a model', 'plain', 409, 'ranks by first-phase, which is no model'],
    ['a name of an object’s own', '__proto__', 404, 'there is no profile __proto__'],
  ])('tells of %s', async (_what, profile, status, words) => {
    const response = await change('load', profile);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(words);
  });
});

/** Changes the hash of what the columns meant. */
async function redefine(place: string): Promise<void> {
  const file = join(place, 'manifest.json');
  const manifest = z.looseObject({}).parse(JSON.parse(await readFile(file, 'utf8')));
  await writeFile(file, JSON.stringify({ ...manifest, featureSet: '0'.repeat(64) }));
}
