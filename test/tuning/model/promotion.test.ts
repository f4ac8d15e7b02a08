import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../../config/schema.js';
import { openArtefact } from '../../../models/artefact.js';
import { artefactsFolder, builtinFolder } from '../../../models/named-ranker.js';
import { readCurrent, readHistory } from '../../../models/ranker-versions.js';
import { openLog } from '../../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../../sidecar/index.js';
import { evaluateRun } from '../../../tuning/evaluate/evaluated-run.js';
import { parseMetrics } from '../../../tuning/metrics/metric-name.js';
import { openRun } from '../../../tuning/run/run-file.js';
import { openHouse, type House } from '../../house.js';
import { writeRanker } from '../../models/written-ranker.js';
import { runModel, type Printed } from './model-command.js';

const TOKEN = 'a-token-of-the-operator-0123456789';
const COSINE = join(artefactsFolder, 'cosine-1');
const WISHES = ['lamp', 'mug', 'dress', 'bag', 'rug', 'vase', 'chair', 'jacket', 'sneaker', 'cushion', 'modern', 'vintage', 'blue', 'wool'];

const outcomeSchema = z.object({
  candidate: z.string().nullable(),
  before: z.string(),
  promoted: z.boolean(),
  forced: z.string().nullable(),
  sidecar: z.string().nullable(),
  checks: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })),
  report: z.string(),
});

let house: House;
let folder: string;
let versions: string;
let configFile: string;
let sidecar: Sidecar;
let [base, cosine] = ['', ''];

beforeAll(async () => {
  house = await openHouse({ products: 120 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-promotion-'));
  versions = join(folder, 'models', 'shop');
  await mkdir(versions, { recursive: true });
  base = (await openArtefact(builtinFolder)).id;
  cosine = (await openArtefact(COSINE)).id;
  const config = {
    opensearch: { nodes: [house.node.url] },
    server: { port: 0, adminPort: 0, tokens: [{ name: 'operator', token: TOKEN, scopes: ['admin' as const] }] },
    scorer: { processes: 1 },
    profiles: { shop: { index: house.alias, ranker: versions, budgetMs: 5_000 }, plain: { index: 'nothing' } },
    behaviour: house.config.behaviour,
    index: { alias: house.alias, map: { ...house.config.index.map } },
  };
  sidecar = await startSidecar(configSchema.parse(config), { log: openLog({ level: 'silent', format: 'json' }) });
  configFile = join(folder, 'fuserank.yaml');
  await writeFile(
    configFile,
    JSON.stringify({ ...config, server: { ...config.server, adminPort: Number(new URL(sidecar.adminUrl).port) } }),
  );
  await writeFile(join(folder, 'queries.ndjson'), WISHES.map((query) => `${JSON.stringify({ query_id: query, query })}\n`).join(''));
  await judge('cosine.csv', COSINE);
  await judge('base.csv', 'builtin');
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(versions, { recursive: true, force: true });
  await mkdir(versions);
  if ((await served()) === base) return;
  await fetch(`${sidecar.adminUrl}/admin/models/shop/load`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
});

/** Judgments that find good just what a ranker puts on top. */
async function judge(name: string, ranker: string): Promise<void> {
  const out = join(folder, `${name}.run`);
  const blank = join(folder, 'blank.csv');
  const [{ product } = { product: { id: '' } }] = house.entries;
  await writeFile(blank, `query_id,query,docid,rating\n${WISHES.map((query) => `${query},${query},${product.id},0\n`).join('')}`);
  await evaluateRun({
    config: configSchema.parse({ ...house.config, profiles: {} }),
    alias: house.alias,
    contender: { kind: 'fuserank', url: null, profile: null, ranker, blend: null },
    queries: join(folder, 'queries.ndjson'),
    judgments: blank,
    out,
    template: null,
    metrics: parseMetrics('ndcg@10'),
    depth: 10,
    legs: false,
    groupField: null,
    allowUnknown: false,
    concurrency: 2,
    rps: null,
    stopAfter: 5,
    seed: 1,
  });
  const rows = ['query_id,query,docid,rating'];
  for await (const { query_id, hits } of (await openRun(out)).lines) {
    hits.slice(0, 3).forEach(({ id }, place) => rows.push(`${query_id},${query_id},${id},${3 - place}`));
  }
  await writeFile(join(folder, name), `${rows.join('\n')}\n`);
}

async function promote(
  candidate: string,
  judgments: string,
  ...more: string[]
): Promise<Printed & { outcome: z.output<typeof outcomeSchema> | null }> {
  const words = [
    'promote',
    candidate,
    '--profile',
    'shop',
    '--config',
    configFile,
    '--min-queries',
    '10',
    '--max-harm',
    '1',
    '--max-cost',
    '5',
    '--json',
  ];
  const judged = ['--queries', join(folder, 'queries.ndjson'), '--judgments', join(folder, judgments)];
  const printed = await runModel([...words, ...judged, ...more], { FUSERANK_ADMIN_TOKEN: TOKEN });
  return { ...printed, outcome: printed.stdout === '' ? null : outcomeSchema.parse(JSON.parse(printed.stdout)) };
}

async function served(): Promise<string> {
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: { match: { title: 'lamp' } } }),
  });
  await response.text();
  return /model=([^;]+)/.exec(response.headers.get('x-fuserank') ?? '')?.[1] ?? '';
}

/** The artefact with another parity record, or another manifest. */
async function spoil(file: 'parity.json' | 'manifest.json', change: (value: Record<string, unknown>) => object): Promise<string> {
  const copy = await mkdtemp(join(folder, 'spoilt-'));
  await cp(COSINE, copy, { recursive: true });
  const value = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(join(COSINE, file), 'utf8')));
  await writeFile(join(copy, file), JSON.stringify(change(value)));
  return copy;
}

/** Orders by the first phase, and asks for text vectors of so many dims all the same. */
async function writeBoundRanker(textDims: number): Promise<string> {
  const shape = { lists: 1, candidates: 2, history: 1, textDims, imageDims: 1 };
  const inputs = { columns: [1, -1], item_text: Array.from({ length: 2 * textDims }, () => 0.5) };
  const written = await writeRanker(
    {
      inputs: { columns: ['B', 'N', 1], item_text: ['B', 'N', textDims] },
      outputs: { score: ['B', 'N'] },
      constants: { last: { type: 'int64', dims: [1], values: [-1] }, nothing: { type: 'float', dims: [], values: [0] } },
      nodes: [
        { op: 'ReduceSum', inputs: ['columns', 'last'], outputs: ['first'], attributes: { keepdims: { int: 0 } } },
        { op: 'ReduceSum', inputs: ['item_text', 'last'], outputs: ['text'], attributes: { keepdims: { int: 0 } } },
        { op: 'Mul', inputs: ['text', 'nothing'], outputs: ['silence'] },
        { op: 'Add', inputs: ['first', 'silence'], outputs: ['score'] },
      ],
    },
    { columns: ['first_phase_z'], cases: [{ shape, inputs, outputs: { score: [1, -1] } }] },
  );
  const place = await mkdtemp(join(folder, 'bound-'));
  await cp(written, place, { recursive: true });
  await rm(written, { recursive: true });
  return place;
}

describe('fuserank model promote', () => {
  it('switches the profile and the running sidecar to one that earns it, and rollback takes it back', async () => {
    expect(await served()).toBe(base);
    const { outcome, exitCode, stderr } = await promote(COSINE, 'cosine.csv');
    expect(outcome?.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(exitCode, stderr).toBe(0);
    expect(outcome).toMatchObject({ candidate: cosine, before: 'builtin', promoted: true, forced: null });
    expect(outcome?.sidecar).toContain('ranks by it');
    expect(await readCurrent(versions)).toBe(cosine);
    expect(await served()).toBe(cosine);
    const report = await readFile(join(outcome?.report ?? '', 'promotion.md'), 'utf8');
    expect(report).toContain(`${cosine} ranks for profile shop now; before: builtin`);
    expect(report).toMatch(/passed quality: ndcg@10 \+0\.\d{4} against the current ranker/);

    const back = await runModel(['rollback', '--profile', 'shop', '--config', configFile], { FUSERANK_ADMIN_TOKEN: TOKEN });
    expect(back.exitCode, back.stderr).toBe(0);
    expect(back.stdout).toContain('ranks by builtin again');
    expect(await served()).toBe(base);
    expect((await readHistory(versions)).map(({ action, from, to }) => [action, from, to])).toEqual([
      ['promote', 'builtin', cosine],
      ['rollback', cosine, 'builtin'],
    ]);
  });

  it('keeps out one that is worse, with reasons and exit code 4, unless it is forced with a reason', async () => {
    const { outcome, exitCode } = await promote(COSINE, 'base.csv');
    expect(exitCode).toBe(4);
    expect(outcome).toMatchObject({ promoted: false, before: 'builtin', sidecar: null });
    expect(outcome?.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['quality']);
    expect(await readCurrent(versions)).toBe('builtin');
    expect(await readFile(join(outcome?.report ?? '', 'promotion.md'), 'utf8')).toContain('FAILED quality');

    const forced = await promote(COSINE, 'base.csv', '--force', 'a trial of a day');
    expect(forced.exitCode).toBe(0);
    expect(forced.outcome).toMatchObject({ promoted: true, forced: 'a trial of a day' });
    expect((await readHistory(versions)).at(-1)).toMatchObject({ action: 'promote', forced: 'a trial of a day' });
    expect(await served()).toBe(cosine);
  });

  it.each([
    [
      'of a foreign feature set',
      'manifest.json' as const,
      (value: object) => ({ ...value, featureSet: '0'.repeat(64) }),
      'artefact',
      'other definitions of its columns',
    ],
    ['that is not what it was exported from', 'parity.json' as const, shiftScores, 'parity', 'export it again'],
  ])('keeps out one %s before anything is asked', async (_what, file, change, check, words) => {
    const candidate = await spoil(file, change);
    const { outcome, exitCode } = await promote(candidate, 'cosine.csv');
    expect(exitCode).toBe(4);
    expect(outcome?.checks.find(({ passed }) => !passed)).toMatchObject({ name: check });
    expect(outcome?.checks.find(({ passed }) => !passed)?.detail).toContain(words);
    if (check === 'artefact') {
      expect((await promote(candidate, 'cosine.csv', '--force', 'because')).exitCode, 'no reason makes it run').toBe(4);
    }
    expect(await readCurrent(versions)).toBe('builtin');
  });

  it('keeps out one that is bound to vectors of other dims than the index holds, for whatever reason', async () => {
    const candidate = await writeBoundRanker(48);
    const { outcome, exitCode } = await promote(candidate, 'cosine.csv', '--force', 'because');
    expect(exitCode).toBe(4);
    const failed = outcome?.checks.filter(({ passed }) => !passed);
    expect(failed?.map(({ name }) => name)).toContain('encoders');
    expect(failed?.[0]?.detail).toMatch(/text 48, pictures any; the index holds: text 256, .*train it on this index's vectors/);
    expect(await readCurrent(versions)).toBe('builtin');
  });

  it('keeps out one that costs too much', async () => {
    const { outcome, exitCode } = await promote(COSINE, 'cosine.csv', '--max-cost', '0.01');
    expect(exitCode).toBe(4);
    expect(outcome?.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['cost']);
  });

  it('changes nothing where the sidecar does not take it', async () => {
    const words = ['promote', COSINE, '--profile', 'shop', '--config', configFile, '--force', 'because', '--json'];
    const denied = await runModel(words, { FUSERANK_ADMIN_TOKEN: 'the-token-of-somebody-else' });
    expect(denied.exitCode).toBe(5);
    expect(denied.stderr).toContain('FUSERANK_ADMIN_TOKEN');
    expect(await readCurrent(versions)).toBe('builtin');
    expect((await readHistory(versions)).map(({ action }) => action)).toEqual(['promote', 'restore']);
    expect(await served()).toBe(base);
  });

  it('says so where no sidecar runs, and where none is to be told', async () => {
    const words = ['promote', COSINE, '--profile', 'shop', '--config', configFile, '--force', 'because', '--json', '--admin'];
    const absent = outcomeSchema.parse(JSON.parse((await runModel([...words, 'http://127.0.0.1:59871'])).stdout));
    expect(absent.sidecar).toContain('no sidecar runs at http://127.0.0.1:59871');
    const untold = outcomeSchema.parse(JSON.parse((await runModel([...words, 'none'])).stdout));
    expect(untold.sidecar).toContain('no sidecar was told');
  });

  it('says what to write where the profile has no folder of versions', async () => {
    const { exitCode, stderr } = await runModel(['promote', COSINE, '--profile', 'plain', '--config', configFile]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('profiles: {plain: {ranker: ./models/plain}}');
  });
});

describe('fuserank model list, verify and inspect', () => {
  it('lists what there is and who uses it', async () => {
    const { stdout } = await runModel(['list', '--config', configFile]);
    expect(stdout).toMatch(new RegExp(`${base} .*← shop, plain`));
    expect(stdout).toContain(`profile shop (${house.alias}): ${versions}`);
  });

  it('proves a ranker that comes with the product by its name, and tells of one that is spoilt', async () => {
    expect((await runModel(['verify', basename(builtinFolder)])).exitCode).toBe(0);
    const spoilt = await runModel(['verify', await spoil('parity.json', shiftScores)]);
    expect(spoilt.exitCode).toBe(4);
    expect(spoilt.stdout).toMatch(/passed artefact[^]*FAILED parity/);
    expect((await runModel(['verify', 'no-such-model'])).stderr).toContain('there is no ranker "no-such-model"');
  });

  it('measures rankers as multiples of the one that is named', async () => {
    const { stdout } = await runModel(['bench', 'builtin', '--against', 'cosine-1']);
    const [first, second] = stdout.split('\n');
    expect(first).toContain(`1.00 × cosine-1  ${cosine}`);
    expect(second).toContain(`× cosine-1  ${base}`);
  });

  it('shows a manifest', async () => {
    expect(JSON.parse((await runModel(['inspect', 'cosine-1'])).stdout)).toMatchObject({ id: cosine, kind: 'ranker' });
  });
});

function shiftScores(value: Record<string, unknown>): object {
  const { cases, ...rest } = z
    .looseObject({ cases: z.array(z.looseObject({ outputs: z.record(z.string(), z.array(z.number())) })) })
    .parse(value);
  return {
    ...rest,
    cases: cases.map((each) => ({ ...each, outputs: { ...each.outputs, score: each.outputs['score']?.map((score) => score + 0.01) } })),
  };
}
