import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { profileSchema } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';
import { treeModel, type DrawnTree } from '../models/drawn-trees.js';
import { writeRanker } from '../models/written-ranker.js';

const COLUMNS = ['first_phase_z', 'text_cosine', 'seen'];
const leaf = (value: number, cover: number): DrawnTree => ({ kind: 'leaf', value, cover });
const split = (column: number, threshold: number, below: DrawnTree, above: DrawnTree): DrawnTree => ({
  kind: 'split',
  column,
  threshold,
  cover: below.cover + above.cover,
  below,
  above,
});
const TREES = [
  split(1, 0.3, split(0, 0, leaf(-1, 30), leaf(0, 20)), split(0, 0.5, leaf(0.5, 25), leaf(2, 25))),
  split(2, 0.5, leaf(0, 95), leaf(0.75, 5)),
];

const part = z.object({ name: z.string(), contribution: z.number(), share: z.number() });
const place = z.object({ final: z.number(), rank: z.int() });
const explanationSchema = z.object({
  final: z.number(),
  shares: z.record(z.string(), z.number()),
  model: z.object({ score: z.number(), expected: z.number().optional(), mean: z.number(), spread: z.number() }),
  columns: z.array(part.extend({ value: z.number() })).optional(),
  modalities: z.array(part).optional(),
  without: z.record(z.string(), place),
});
const answerSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), fields: z.object({ _fuserank: z.tuple([explanationSchema]) }) })).min(5) }),
});

let house: House;
let sidecar: Sidecar;
const folders: string[] = [];

beforeAll(async () => {
  house = await openHouse({ products: 60 });
  const trees = await writeRanker(treeModel(TREES, COLUMNS.length), { columns: COLUMNS });
  const sum = await writeRanker(
    {
      inputs: { columns: ['B', 'N', 3] },
      outputs: { score: ['B', 'N'], modality_contributions: ['B', 'N', 3] },
      constants: { weights: { type: 'float', dims: [3], values: [1, 4, 2] }, last: { type: 'int64', dims: [1], values: [-1] } },
      nodes: [
        { op: 'Mul', inputs: ['columns', 'weights'], outputs: ['modality_contributions'] },
        { op: 'ReduceSum', inputs: ['modality_contributions', 'last'], outputs: ['score'], attributes: { keepdims: { int: 0 } } },
      ],
    },
    { columns: COLUMNS, modalities: ['search', 'words', 'memory'] },
  );
  folders.push(trees, sum);
  const serving = { index: house.alias, window: 60, budgetMs: 5_000 };
  const profiles = { trees: profileSchema.parse({ ...serving, ranker: trees }), sum: profileSchema.parse({ ...serving, ranker: sum }) };
  sidecar = await startSidecar({ ...house.config, profiles }, { log: openLog({ level: 'silent', format: 'json' }) });
});
afterAll(async () => {
  await sidecar.close();
  await house.close();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

async function explain(profile: string): Promise<z.output<typeof explanationSchema>[]> {
  const history = [{ object_id: house.entries[3]?.product.id ?? '', action_name: 'click', age_s: 60 }];
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: { match: { title: 'lamp' } }, size: 30, ext: { fuserank: { profile, history, explain: true } } }),
  });
  expect(response.headers.get('x-fuserank')).toMatch(/^applied/);
  return answerSchema.parse(await response.json()).hits.hits.map((hit) => hit.fields._fuserank[0]);
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe('a hit is explained', () => {
  it('by the columns of its trees', async () => {
    const explanations = await explain('trees');
    expect(new Set(explanations.map(({ model }) => model.score)).size).toBeGreaterThan(1);
    for (const { final, shares, model, columns = [], modalities } of explanations) {
      expect(columns.length).toBeGreaterThan(0);
      expect((model.expected ?? Number.NaN) + total(columns.map(({ contribution }) => contribution))).toBeCloseTo(model.score, 5);
      const listed = total(columns.map(({ share }) => share));
      expect((shares.first_phase ?? 0) + listed + (shares.baseline ?? 0)).toBeCloseTo(final, 6);
      expect(shares.query_text).toBeCloseTo(columns.find(({ name }) => name === 'text_cosine')?.share ?? 0, 9);
      expect(modalities).toBeUndefined();
    }
  });

  it('by the summands of its score', async () => {
    for (const { model, modalities = [], columns } of await explain('sum')) {
      expect(modalities.map(({ name }) => name)).toEqual(['search', 'words', 'memory']);
      expect(total(modalities.map(({ contribution }) => contribution))).toBeCloseTo(model.score, 5);
      expect(columns).toBeUndefined();
    }
  });

  it('by what it would be without the history, where the ranker looks at it', async () => {
    for (const { without } of await explain('trees')) expect(Object.keys(without)).toEqual(['history']);
  });
});
