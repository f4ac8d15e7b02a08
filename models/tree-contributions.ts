import { setImmediate } from 'node:timers/promises';
import type { Leaf, TreeEnsemble } from './tree-ensemble.js';

/** What columns gave to scores, exactly: `expected` and a row's values add up to its score. */
export interface ColumnContributions {
  /** The score where nothing is known of any column: the mean over the rows of training, as the trees met them. */
  readonly expected: number;
  /** [rows·F] row-major, in the order of the columns, in units of the score. */
  readonly values: Float64Array;
}

/**
 * Shapley values of the columns under path-dependent expectations: what is not known at a split goes both ways, by the shares of the rows
 * of training (Lundberg, Erion and Lee, "Consistent individualized feature attribution for tree ensembles", 2018; the `pred_contrib` of
 * LightGBM). Their algorithm walks each tree with a growing path. Here each leaf is a box, whose worth v(S) to a set S of known columns is
 * value · Π_{i ∈ S} [x_i in the box] · Π_{i ∉ S} share_i: a product, so that a Shapley value is an integral over the probability t of being
 * known (Owen, "Multilinear extensions of games", 1972)
 *
 *   φ_i = value · ([x_i in the box] − share_i) · ∫₀¹ Π_{j ≠ i} (t · [x_j in the box] + (1 − t) · share_j) dt,
 *
 * of a polynomial of degree (columns of the leaf − 1), which Gauss and Legendre's rule takes exactly with half as many points. All summands
 * have one sign, so nothing cancels. What depends on a row is only which sides hold it: rows that agree there share the work.
 *
 * A row costs a millisecond or two under 300 trees: between parts of the work whatever else this process has to do gets its turn.
 *
 * @param rows [rows·F] row-major
 * @param until epoch milliseconds after which nobody waits for it: then it is given up, and null
 */
export async function contributeColumns(ensemble: TreeEnsemble, rows: Float32Array, until = Infinity): Promise<ColumnContributions | null> {
  const width = ensemble.columns;
  const values = new Float64Array(rows.length);
  const patterns = new Float64Array(rows.length / width);
  let expected = ensemble.base;
  let turn = performance.now();
  for (const leaf of ensemble.leaves) {
    expected += leaf.sides.reduce((product, { share }) => product * share, leaf.value);
    if (leaf.sides.length > 0) shareLeaf(leaf, { rows, width, values, patterns });
    if (performance.now() - turn < TURN_MS) continue;
    await setImmediate();
    if (Date.now() > until) return null;
    turn = performance.now();
  }
  return { expected, values };
}

const TURN_MS = 4;

interface SharedRows {
  readonly rows: Float32Array;
  readonly width: number;
  readonly values: Float64Array;
  /** Room for one number a row. */
  readonly patterns: Float64Array;
}

/** Adds a leaf's φ to those of every row. */
function shareLeaf({ value, sides }: Leaf, { rows, width, values, patterns }: SharedRows): void {
  placeRows(sides, { rows, width, patterns });
  const shares = Float64Array.from(sides, ({ share }) => share);
  const columns = Int32Array.from(sides, ({ column }) => column);
  const met = new Map<number, Float64Array>();
  let [last, parts]: [number, Float64Array | undefined] = [Number.NaN, undefined];
  for (let row = 0, start = 0; row < patterns.length; row += 1, start += width) {
    const pattern = patterns[row] ?? 0;
    if (pattern !== last) {
      parts = met.get(pattern);
      if (!parts) met.set(pattern, (parts = shareValue(value, shares, pattern)));
      last = pattern;
    }
    if (!parts) continue;
    for (let side = 0; side < parts.length; side += 1) {
      const at = start + (columns[side] ?? 0);
      values[at] = (values[at] ?? 0) + (parts[side] ?? 0);
    }
  }
}

/** Which sides of a leaf hold each row, the first in the lowest bit; a number holds 53 of them. */
function placeRows(sides: Leaf['sides'], { rows, width, patterns }: Omit<SharedRows, 'values'>): void {
  patterns.fill(0);
  let bit = 1;
  for (const { column, low, high } of sides) {
    for (let row = 0, at = column; row < patterns.length; row += 1, at += width) {
      const value = rows[at] ?? Number.NaN;
      if (value > low && value <= high) patterns[row] = (patterns[row] ?? 0) + bit;
    }
    bit *= 2;
  }
}

/** φ of each side of a leaf, for the rows of one pattern. */
function shareValue(value: number, shares: Float64Array, pattern: number): Float64Array {
  const parts = new Float64Array(shares.length);
  const held = new Uint8Array(shares.length);
  // Of the sides that do not hold the row only the product counts, and (1 − t) to their number.
  let scale = value;
  let away = 0;
  for (let side = 0, rest = pattern; side < shares.length; side += 1, rest = Math.floor(rest / 2)) {
    held[side] = rest % 2;
    if (held[side] === 1) continue;
    scale *= shares[side] ?? 0;
    away += 1;
  }
  for (const { point, weight } of legendreRule(Math.ceil(shares.length / 2))) {
    const off = 1 - point;
    let whole = scale * weight * off ** away;
    for (let side = 0; side < shares.length; side += 1) if (held[side] === 1) whole *= point + off * (shares[side] ?? 0);
    for (let side = 0; side < shares.length; side += 1) {
      const share = shares[side] ?? 0;
      const part = held[side] === 1 ? ((1 - share) * whole) / (point + off * share) : -whole / off;
      parts[side] = (parts[side] ?? 0) + part;
    }
  }
  return parts;
}

interface QuadraturePoint {
  readonly point: number;
  readonly weight: number;
}

/** From this start each step doubles the digits; five are enough. */
const NEWTON_STEPS = 8;

const rules = new Map<number, readonly QuadraturePoint[]>();

/** Gauss and Legendre's points on [0, 1]: exact for polynomials of degree 2 · points − 1. Roots by Newton's method (Abramowitz and Stegun 25.4.29). */
function legendreRule(points: number): readonly QuadraturePoint[] {
  let rule = rules.get(points);
  if (!rule) rules.set(points, (rule = Array.from({ length: points }, (_, place) => findPoint(points, place))));
  return rule;
}

function findPoint(points: number, place: number): QuadraturePoint {
  let root = Math.cos((Math.PI * (place + 0.75)) / (points + 0.5));
  for (let step = 0; step < NEWTON_STEPS; step += 1) {
    const { value, slope } = legendre(points, root);
    root -= value / slope;
  }
  const { slope } = legendre(points, root);
  // The rule's home is [−1, 1]: half its length, half its weights.
  return { point: (1 + root) / 2, weight: 1 / ((1 - root * root) * slope * slope) };
}

/** The Legendre polynomial of a degree, and its derivative, by the three-term recurrence. */
function legendre(degree: number, at: number): { value: number; slope: number } {
  let [before, value] = [1, at];
  for (let each = 2; each <= degree; each += 1) [before, value] = [value, ((2 * each - 1) * at * value - (each - 1) * before) / each];
  return { value, slope: (degree * (at * value - before)) / (at * at - 1) };
}
