import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { seedStream } from '../../models/random-stream.js';
import type { PairGraph } from './pair-graph.js';

/** ln of the negative samples that the shift stands for; 1 sample, no shift: histories of a shop are sparse. */
const SHIFT = Math.log(1);
/** Frequent products count less as context than they are (Levy, Goldberg & Dagan 2015, §3.2): PMI alone favours the rarest pairs. */
const CONTEXT_POWER = 0.75;
const OVERSAMPLING = 16;
const ITERATIONS = 4;
const SEED = 20140501;
/** Directions below this share of the strongest are noise. */
const SMALLEST_SHARE = 1e-9;

/** Rows of products that have neighbours, one after the other. */
export interface BehaviourFactors {
  dims: number;
  /** Unit vectors; a product without one has null. */
  of(item: number): Float64Array | null;
  /** Products that have one. */
  count: number;
}

/**
 * Item factors: a truncated singular value decomposition of the positive pointwise mutual information of the pair weights
 * (Levy & Goldberg 2014, "Neural word embedding as implicit matrix factorization"), U √Σ, each row scaled to length 1.
 * The decomposition is by random subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4), from a fixed seed.
 */
export function factorise(graph: PairGraph, dims: number): BehaviourFactors {
  const rows = Array.from({ length: graph.offsets.length - 1 }, (_, item) => item).filter((item) => rowLength(graph, item) > 0);
  if (rows.length === 0) return { dims, count: 0, of: () => null };
  const placeOf = new Int32Array(graph.offsets.length - 1).fill(-1);
  rows.forEach((item, place) => (placeOf[item] = place));
  const matrix = positiveInformation(graph, rows, placeOf);
  const width = Math.min(dims + OVERSAMPLING, rows.length);
  const random = seedStream(SEED);
  let basis: Float64Array = Float64Array.from({ length: rows.length * width }, () => gaussian(random));
  basis = orthonormalise(multiply(matrix, basis, width), width);
  for (let round = 0; round < ITERATIONS; round += 1) {
    // The matrix is not symmetric (contexts are smoothed): each round goes through its transpose and back.
    basis = orthonormalise(multiplyTransposed(matrix, basis, width), width);
    basis = orthonormalise(multiply(matrix, basis, width), width);
  }
  const projected = multiplyTransposed(matrix, basis, width); // (Qᵀ M)ᵀ, rows × width
  const { values, vectors } = eigen(gram(projected, width)); // of (QᵀM)(QᵀM)ᵀ: squares of the singular values
  const found = new Float64Array(rows.length * dims);
  for (let row = 0; row < rows.length; row += 1) {
    for (let dim = 0; dim < Math.min(dims, width); dim += 1) {
      let sum = 0;
      for (let at = 0; at < width; at += 1) sum += (basis[row * width + at] ?? 0) * vectors.get(at, dim);
      found[row * dims + dim] = sum * Math.max(0, values[dim] ?? 0) ** 0.25;
    }
  }
  const units = rows.map((_, row) => unitOf(found.subarray(row * dims, (row + 1) * dims)));
  return {
    dims,
    count: units.filter((unit) => unit !== null).length,
    of: (item) => units[placeOf[item] ?? -1] ?? null,
  };
}

interface SparseRows {
  offsets: Uint32Array;
  columns: Uint32Array;
  values: Float64Array;
}

function rowLength(graph: PairGraph, item: number): number {
  return (graph.offsets[item + 1] ?? 0) - (graph.offsets[item] ?? 0);
}

/** max(0, ln(w_ab / (r_a p_b)) − shift), r_a the row's sum, p_b ∝ r_b^.75. */
function positiveInformation(graph: PairGraph, rows: readonly number[], placeOf: Int32Array): SparseRows {
  const sums = rows.map((item) => sumOf(graph.weights, graph.offsets[item] ?? 0, graph.offsets[item + 1] ?? 0));
  const contexts = sums.map((sum) => sum ** CONTEXT_POWER);
  const whole = contexts.reduce((total, context) => total + context, 0);
  const offsets = new Uint32Array(rows.length + 1);
  const columns = new Uint32Array(graph.neighbours.length);
  const values = new Float64Array(graph.neighbours.length);
  let end = 0;
  rows.forEach((item, row) => {
    for (let at = graph.offsets[item] ?? 0; at < (graph.offsets[item + 1] ?? 0); at += 1) {
      const column = placeOf[graph.neighbours[at] ?? 0] ?? 0;
      const information = Math.log((graph.weights[at] ?? 0) / ((sums[row] ?? 0) * ((contexts[column] ?? 0) / whole))) - SHIFT;
      if (information <= 0) continue;
      columns[end] = column;
      values[end] = information;
      end += 1;
    }
    offsets[row + 1] = end;
  });
  return { offsets, columns: columns.subarray(0, end), values: values.subarray(0, end) };
}

function sumOf(values: Float64Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 1) sum += values[at] ?? 0;
  return sum;
}

/** M · dense (rows × width). */
function multiply({ offsets, columns, values }: SparseRows, dense: Float64Array, width: number): Float64Array {
  const product = new Float64Array(dense.length);
  for (let row = 0; row < offsets.length - 1; row += 1) {
    for (let at = offsets[row] ?? 0; at < (offsets[row + 1] ?? 0); at += 1) {
      addScaled(product, row * width, dense, (columns[at] ?? 0) * width, values[at] ?? 0, width);
    }
  }
  return product;
}

/** Mᵀ · dense. */
function multiplyTransposed({ offsets, columns, values }: SparseRows, dense: Float64Array, width: number): Float64Array {
  const product = new Float64Array(dense.length);
  for (let row = 0; row < offsets.length - 1; row += 1) {
    for (let at = offsets[row] ?? 0; at < (offsets[row + 1] ?? 0); at += 1) {
      addScaled(product, (columns[at] ?? 0) * width, dense, row * width, values[at] ?? 0, width);
    }
  }
  return product;
}

function addScaled(to: Float64Array, toStart: number, from: Float64Array, fromStart: number, scale: number, width: number): void {
  for (let at = 0; at < width; at += 1) to[toStart + at] = (to[toStart + at] ?? 0) + scale * (from[fromStart + at] ?? 0);
}

/** Yᵀ Y. */
function gram(tall: Float64Array, width: number): Matrix {
  const product = new Float64Array(width * width);
  for (let start = 0; start < tall.length; start += width) {
    for (let i = 0; i < width; i += 1) addScaled(product, i * width, tall, start, tall[start + i] ?? 0, width);
  }
  return Matrix.from1DArray(width, width, product);
}

/** Eigenvalues of a symmetric matrix, the greatest first, with their vectors as columns. */
function eigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, at) => at).sort((a, b) => (realEigenvalues[b] ?? 0) - (realEigenvalues[a] ?? 0));
  return { values: order.map((at) => realEigenvalues[at] ?? 0), vectors: eigenvectorMatrix.subMatrixColumn(order) };
}

/** A basis of the same space whose columns are orthonormal: Y V Λ^(−1/2), twice, since once loses half the digits. Null directions become 0. */
function orthonormalise(tall: Float64Array, width: number): Float64Array {
  return whiten(whiten(tall, width), width);
}

function whiten(tall: Float64Array, width: number): Float64Array {
  const { values, vectors } = eigen(gram(tall, width));
  const floor = (values[0] ?? 0) * SMALLEST_SHARE;
  const scaled = Matrix.zeros(width, width);
  for (let column = 0; column < width; column += 1) {
    const value = values[column] ?? 0;
    if (value <= floor) continue;
    for (let row = 0; row < width; row += 1) scaled.set(row, column, vectors.get(row, column) / Math.sqrt(value));
  }
  const steps = Float64Array.from(scaled.to1DArray());
  const product = new Float64Array(tall.length);
  for (let start = 0; start < tall.length; start += width) {
    for (let at = 0; at < width; at += 1) addScaled(product, start, steps, at * width, tall[start + at] ?? 0, width);
  }
  return product;
}

function unitOf(vector: Float64Array): Float64Array | null {
  const length = Math.hypot(...vector);
  return length > 1e-9 ? vector.map((value) => value / length) : null;
}

/** Box–Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
