import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { openRanker } from '../../models/ranker.js';
import { contributeColumns, type ColumnContributions } from '../../models/tree-contributions.js';
import { readTreeEnsemble, type TreeEnsemble } from '../../models/tree-ensemble.js';
import { rankingInput } from './ranker-artefacts.js';
import { drawnTrees, rowsFor, treeModel, type DrawnTree } from './drawn-trees.js';
import { writeModel } from './written-model.js';
import { writeRanker } from './written-ranker.js';

/** What a tree expects of a row of which only some columns are known: a split by another goes both ways, by its rows of training. */
function expectKnowing(tree: DrawnTree, row: readonly number[], known: ReadonlySet<number>): number {
  if (tree.kind === 'leaf') return tree.value;
  const [below, above] = [tree.below, tree.above].map((side) => expectKnowing(side, row, known));
  if (known.has(tree.column)) return ((row[tree.column] ?? NaN) <= tree.threshold ? below : above) ?? NaN;
  return (tree.below.cover * (below ?? NaN) + tree.above.cover * (above ?? NaN)) / tree.cover;
}

/** Shapley's value by its definition: over every order of arrival, what a column changes when it comes. */
function shapleyByOrders(trees: readonly DrawnTree[], row: readonly number[]): number[] {
  const orders = permutations(row.map((_, column) => column));
  const values = row.map(() => 0);
  const worth = (known: ReadonlySet<number>): number => trees.reduce((sum, tree) => sum + expectKnowing(tree, row, known), 0);
  for (const order of orders) {
    const known = new Set<number>();
    let before = worth(known);
    for (const column of order) {
      const now = worth(known.add(column));
      values[column] = (values[column] ?? 0) + (now - before) / orders.length;
      before = now;
    }
  }
  return values;
}

function permutations(of: readonly number[]): number[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first) => permutations(of.filter((each) => each !== first)).map((rest) => [first, ...rest]));
}

function readWritten(trees: readonly DrawnTree[], columns: number) {
  const ensemble = readTreeEnsemble(writeModel(treeModel(trees, columns)), columns);
  if (!ensemble) throw new Error('the written trees were not read');
  return ensemble;
}

async function explainRows(ensemble: TreeEnsemble, rows: readonly (readonly number[])[]): Promise<ColumnContributions> {
  const found = await contributeColumns(ensemble, Float32Array.from(rows.flat()));
  if (!found) throw new Error('given up, though there was time');
  return found;
}

describe('contributions of columns', () => {
  test('are the Shapley values, by the definition', async () => {
    await fc.assert(
      fc.asyncProperty(drawnTrees({ columns: 4, trees: 3, depth: 5 }), rowsFor(4, 3), async (trees, rows) => {
        const { values } = await explainRows(readWritten(trees, 4), rows);
        rows.forEach((row, place) =>
          shapleyByOrders(trees, row).forEach((value, column) => expect(values[4 * place + column]).toBeCloseTo(value, 5)),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('and the expected score add up to what the runtime scores', async () => {
    await fc.assert(
      fc.asyncProperty(drawnTrees({ columns: 9, trees: 8, depth: 9 }), rowsFor(9, 6), async (trees, rows) => {
        const folder = await writeRanker(treeModel(trees, 9), { columns: COLUMN_NAMES.slice(0, 9) });
        const ranker = await openRanker(folder);
        try {
          const shape = { lists: 2, candidates: 3, history: 1, textDims: 1, imageDims: 1, columns: 9 };
          const input = rankingInput(shape, { columns: rows.flat() });
          const { scores } = await ranker.score(input);
          const found = await ranker.contributeColumns(input);
          scores.forEach((score, row) => {
            const sum = found?.values.slice(9 * row, 9 * row + 9).reduce((total, value) => total + value, found.expected);
            expect(sum).toBeCloseTo(score, 4);
          });
        } finally {
          await ranker.close();
          await rm(folder, { recursive: true });
        }
      }),
      { numRuns: 25 },
    );
  });

  test('are 0 for a column that no tree asks for', async () => {
    await fc.assert(
      fc.asyncProperty(drawnTrees({ columns: 3, trees: 4, depth: 5 }), rowsFor(5, 4), async (trees, rows) => {
        const { values } = await explainRows(readWritten(trees, 5), rows);
        rows.forEach((_, row) => expect([...values.slice(5 * row + 3, 5 * row + 5)]).toEqual([0, 0]));
      }),
    );
  });
});

const fixtureSchema = z.object({
  columns: z.array(z.string()),
  model: z.base64(),
  rows: z.array(z.array(z.number())),
  contributions: z.array(z.array(z.number())),
  expected: z.number(),
});

test('contributions are those of LightGBM within 1e-6', async () => {
  const written: unknown = JSON.parse(readFileSync(join(packageRoot, 'test', 'models', 'trees.fixture.json'), 'utf8'));
  const { columns, model, rows, contributions, expected } = fixtureSchema.parse(written);
  const ensemble = readTreeEnsemble(Buffer.from(model, 'base64'), columns.length);
  if (!ensemble) throw new Error('the trees were not read');
  const found = await explainRows(ensemble, rows);
  expect(Math.abs(found.expected - expected)).toBeLessThan(1e-6);
  contributions.flat().forEach((value, at) => expect(Math.abs((found.values[at] ?? NaN) - value)).toBeLessThan(1e-6));
});

test('contributions that nobody waits for are given up', async () => {
  const leaf = { value: 1, sides: [{ column: 0, low: 0, high: 1, share: 0.5 }] };
  const ensemble = { columns: 1, leaves: Array.from({ length: 20_000 }, () => leaf), base: 0 };
  expect(await contributeColumns(ensemble, new Float32Array(500), Date.now() - 1)).toBeNull();
});

describe('a model is not explained by its trees', () => {
  const stump: DrawnTree = {
    kind: 'split',
    column: 0,
    threshold: 0,
    cover: 10,
    below: { kind: 'leaf', value: 1, cover: 4 },
    above: { kind: 'leaf', value: 2, cover: 6 },
  };
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  test('where they do not say what they met in training', () => {
    const silent: DrawnTree = { ...stump, cover: 1, below: { ...stump.below, cover: 1 }, above: { ...stump.above, cover: 1 } };
    expect(readTreeEnsemble(writeModel(treeModel([stump], 2)), 2)).not.toBeNull();
    expect(readTreeEnsemble(writeModel(treeModel([silent], 2)), 2)).toBeNull();
  });

  test('where more than trees makes the score', () => {
    const model = treeModel([stump], 2);
    const nodes = model.nodes.map((node) => (node.outputs[0] === 'score' ? { ...node, outputs: ['sum'] } : node));
    const louder = { ...model, nodes: [...nodes, { op: 'Mul', inputs: ['sum', 'sum'], outputs: ['score'] }] };
    expect(readTreeEnsemble(writeModel(louder), 2)).toBeNull();
  });

  test('where it is no ONNX file', () => {
    expect(() => readTreeEnsemble(Buffer.from('not a model'), 2)).toThrow(/export it again/);
  });

  test('where it has no trees', async () => {
    const ranker = await openRanker(join(packageRoot, 'models', 'artefacts', 'cosine-1'));
    const shape = { lists: 1, candidates: 1, history: 1, textDims: 4, imageDims: 4, columns: ranker.columns.length };
    expect(await ranker.contributeColumns(rankingInput(shape, {}))).toBeNull();
    await ranker.close();
  });
});
