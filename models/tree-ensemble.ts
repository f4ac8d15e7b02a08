import { readGraph, type OnnxAttribute, type OnnxNode } from './onnx-graph.js';

/** One leaf of a tree, as the box of the values that lead to it. */
export interface Leaf {
  /** What the leaf adds to the score. */
  readonly value: number;
  /** One for each column that the way to it asks for. */
  readonly sides: readonly LeafSide[];
}

/** A column's part in a leaf: the box holds x where low < x ≤ high. */
export interface LeafSide {
  readonly column: number;
  readonly low: number;
  readonly high: number;
  /** Of the rows of training that came to the splits by this column on the way, the share that went the leaf's way: the product over them. */
  readonly share: number;
}

/** Trees whose leaves' values add up to a score of `columns`. */
export interface TreeEnsemble {
  readonly columns: number;
  readonly leaves: readonly Leaf[];
  /** What is added to every score. */
  readonly base: number;
}

/** Operators that only change the shape of what passes through them. */
const SHAPING: ReadonlySet<string> = new Set(['Reshape', 'Shape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);
const TREES = 'TreeEnsembleRegressor';

/** What a leaf's sides are told apart by is one number (models/tree-contributions.ts). */
const MOST_COLUMNS = 53;

/**
 * The trees of a model whose score is their sum over `columns` and nothing else; null for any other, and for trees that do not say how
 * many rows of training went which way (`nodes_hitrates`, which train_lambdamart.py fills and converters leave at 1).
 * @param columns width of the input
 * @throws GraphUnreadable
 */
export function readTreeEnsemble(model: Uint8Array, columns: number): TreeEnsemble | null {
  if (columns > MOST_COLUMNS) return null;
  const nodes = readGraph(model);
  const trees = nodes.filter(({ operator }) => operator === TREES);
  const [ensemble] = trees;
  if (!ensemble || trees.length > 1 || nodes.some(({ operator }) => operator !== TREES && !SHAPING.has(operator))) return null;
  return readLeaves(ensemble, columns);
}

/** A split, or a leaf where `isLeaf`. */
interface TreeNode {
  readonly isLeaf: boolean;
  readonly column: number;
  readonly threshold: number;
  readonly below: number;
  readonly above: number;
  /** Rows of training that came by. */
  readonly cover: number;
}

function readLeaves({ attributes }: OnnxNode, columns: number): TreeEnsemble | null {
  const { ints, floats, texts, text } = attributeReader(attributes);
  const isSum = ['', 'SUM'].includes(text('aggregate_function')) && ['', 'NONE'].includes(text('post_transform'));
  if (!isSum || ints('target_ids').some((target) => target !== 0)) return null;
  const modes = texts('nodes_modes');
  if (modes.some((mode) => mode !== 'LEAF' && mode !== 'BRANCH_LEQ')) return null;
  const [treeIds, nodeIds, columnIds] = [ints('nodes_treeids'), ints('nodes_nodeids'), ints('nodes_featureids')];
  const [belows, aboves] = [ints('nodes_truenodeids'), ints('nodes_falsenodeids')];
  const [thresholds, covers] = [floats('nodes_values'), floats('nodes_hitrates')];
  const trees = new Map<number, Tree>();
  treeIds.forEach((id, place) => {
    let tree = trees.get(id);
    if (!tree) trees.set(id, (tree = { nodes: new Map(), values: new Map() }));
    tree.nodes.set(nodeIds[place] ?? -1, {
      isLeaf: modes[place] === 'LEAF',
      column: columnIds[place] ?? -1,
      threshold: thresholds[place] ?? Number.NaN,
      below: belows[place] ?? -1,
      above: aboves[place] ?? -1,
      cover: covers[place] ?? Number.NaN,
    });
  });
  const [weights, valueTrees] = [floats('target_weights'), ints('target_treeids')];
  ints('target_nodeids').forEach((node, place) => trees.get(valueTrees[place] ?? -1)?.values.set(node, weights[place] ?? Number.NaN));
  const leaves: Leaf[] = [];
  for (const tree of trees.values()) if (!walkTree(tree, columns, leaves)) return null;
  return { columns, leaves, base: floats('base_values')[0] ?? 0 };
}

/** By the ids of nodes, of which the root has 0. */
interface Tree {
  readonly nodes: Map<number, TreeNode>;
  /** Of the leaves. */
  readonly values: Map<number, number>;
}

/** Puts a tree's leaves to the others; false where its nodes do not say what they met, or are no tree over the columns. */
function walkTree({ nodes, values }: Tree, columns: number, leaves: Leaf[]): boolean {
  const waiting: { id: number; sides: readonly LeafSide[] }[] = [{ id: 0, sides: [] }];
  for (let visited = 0; visited <= nodes.size; visited += 1) {
    const next = waiting.pop();
    if (!next) return true;
    const node = nodes.get(next.id);
    if (!node) return false;
    if (node.isLeaf) {
      leaves.push({ value: values.get(next.id) ?? 0, sides: next.sides });
      continue;
    }
    const { column, threshold } = node;
    const [below, above] = [nodes.get(node.below), nodes.get(node.above)];
    if (!below || !above || column < 0 || column >= columns || below.cover + above.cover !== node.cover) return false;
    const narrow = (low: number, high: number, share: number) => narrowSide(next.sides, { column, low, high, share });
    waiting.push({ id: node.above, sides: narrow(threshold, Infinity, above.cover / node.cover) });
    waiting.push({ id: node.below, sides: narrow(-Infinity, threshold, below.cover / node.cover) });
  }
  return false; // a node with two parents, so no tree
}

/** The box cut by one more split. */
function narrowSide(sides: readonly LeafSide[], cut: LeafSide): LeafSide[] {
  const had = sides.find(({ column }) => column === cut.column);
  if (!had) return [...sides, cut];
  const both = { ...cut, low: Math.max(had.low, cut.low), high: Math.min(had.high, cut.high), share: had.share * cut.share };
  return sides.map((side) => (side === had ? both : side));
}

function attributeReader(attributes: ReadonlyMap<string, OnnxAttribute>): {
  ints: (name: string) => readonly number[];
  floats: (name: string) => Float32Array;
  texts: (name: string) => readonly string[];
  text: (name: string) => string;
} {
  return {
    ints: (name) => attributes.get(name)?.ints ?? [],
    floats: (name) => attributes.get(name)?.floats ?? new Float32Array(),
    texts: (name) => attributes.get(name)?.texts ?? [],
    text: (name) => attributes.get(name)?.text ?? '',
  };
}
