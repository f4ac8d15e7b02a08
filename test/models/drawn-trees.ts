import fc from 'fast-check';
import type { WrittenModel } from './written-model.js';

/** A tree over columns, as training left it: `cover` rows came to a node. */
export type DrawnTree =
  | { readonly kind: 'leaf'; readonly value: number; readonly cover: number }
  | {
      readonly kind: 'split';
      readonly column: number;
      readonly threshold: number;
      readonly cover: number;
      readonly below: DrawnTree;
      readonly above: DrawnTree;
    };

/** Quarters, so that rows fall onto thresholds, too. */
const quarter = fc.integer({ min: -8, max: 8 }).map((value) => value / 4);
const value = fc.integer({ min: -64, max: 64 }).map((each) => each / 16);

/** Ensembles in which columns come again on the way to a leaf. */
export function drawnTrees(size: { columns: number; trees: number; depth: number }): fc.Arbitrary<DrawnTree[]> {
  const leaf = fc.record({ kind: fc.constant('leaf' as const), value, cover: fc.integer({ min: 1, max: 50 }) });
  const { tree } = fc.letrec<{ tree: DrawnTree }>((tie) => ({
    tree: fc.oneof({ maxDepth: size.depth, depthSize: 'max' }, leaf, {
      weight: 2,
      arbitrary: fc
        .record({ column: fc.integer({ min: 0, max: size.columns - 1 }), threshold: quarter, below: tie('tree'), above: tie('tree') })
        .map((split): DrawnTree => ({ kind: 'split', ...split, cover: split.below.cover + split.above.cover })),
    }),
  }));
  return fc.array(tree, { minLength: 1, maxLength: size.trees });
}

export function rowsFor(columns: number, count: number): fc.Arbitrary<number[][]> {
  const row = fc.array(quarter, { minLength: columns, maxLength: columns });
  return fc.array(row, { minLength: count, maxLength: count });
}

/** The ensemble as train_lambdamart.py lays it out: columns [B, N, F] → score [B, N]. */
export function treeModel(trees: readonly DrawnTree[], columns: number): WrittenModel {
  const rows = trees.flatMap((tree, number) => flatten(tree).map((node) => ({ ...node, tree: number })));
  const leaves = rows.filter(({ mode }) => mode === 'LEAF');
  return {
    inputs: { columns: ['B', 'N', columns] },
    outputs: { score: ['B', 'N'] },
    constants: { row_shape: { type: 'int64', dims: [2], values: [-1, columns] } },
    nodes: [
      { op: 'Reshape', inputs: ['columns', 'row_shape'], outputs: ['rows'] },
      {
        op: 'TreeEnsembleRegressor',
        domain: 'ai.onnx.ml',
        inputs: ['rows'],
        outputs: ['variable'],
        attributes: {
          n_targets: { int: 1 },
          post_transform: { string: 'NONE' },
          nodes_treeids: { ints: rows.map(({ tree }) => tree) },
          nodes_nodeids: { ints: rows.map(({ id }) => id) },
          nodes_modes: { strings: rows.map(({ mode }) => mode) },
          nodes_featureids: { ints: rows.map(({ column }) => column) },
          nodes_values: { floats: rows.map(({ threshold }) => threshold) },
          nodes_truenodeids: { ints: rows.map(({ below }) => below) },
          nodes_falsenodeids: { ints: rows.map(({ above }) => above) },
          nodes_hitrates: { floats: rows.map(({ cover }) => cover) },
          target_treeids: { ints: leaves.map(({ tree }) => tree) },
          target_nodeids: { ints: leaves.map(({ id }) => id) },
          target_ids: { ints: leaves.map(() => 0) },
          target_weights: { floats: leaves.map((leaf) => leaf.value) },
        },
      },
      { op: 'Shape', inputs: ['columns'], outputs: ['list_shape'], attributes: { start: { int: 0 }, end: { int: 2 } } },
      { op: 'Reshape', inputs: ['variable', 'list_shape'], outputs: ['score'] },
    ],
  };
}

interface FlatNode {
  readonly id: number;
  readonly mode: string;
  readonly column: number;
  readonly threshold: number;
  readonly below: number;
  readonly above: number;
  readonly cover: number;
  readonly value: number;
}

/** The nodes of a tree, the root first. */
function flatten(root: DrawnTree): FlatNode[] {
  const nodes: FlatNode[] = [];
  let next = 0;
  const visit = (tree: DrawnTree): number => {
    const id = next++;
    if (tree.kind === 'leaf')
      nodes.push({ id, mode: 'LEAF', column: 0, threshold: 0, below: 0, above: 0, cover: tree.cover, value: tree.value });
    else {
      const { column, threshold, cover } = tree;
      nodes.push({ id, mode: 'BRANCH_LEQ', column, threshold, below: visit(tree.below), above: visit(tree.above), cover, value: 0 });
    }
    return id;
  };
  visit(root);
  return nodes.sort((a, b) => a.id - b.id);
}
