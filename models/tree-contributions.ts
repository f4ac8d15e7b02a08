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
 * @param rows [rows·F] row-major
 */
export function contributeColumns(ensemble: TreeEnsemble, rows: Float32Array): ColumnContributions {
  const width = ensemble.columns;
  const count = rows.length / width;
  const values = new Float64Array(rows.length);
  let expected = ensemble.base;
  for (const leaf of ensemble.leaves) {
    expected += leaf.sides.reduce((product, { share }) => product * share, leaf.value);
    if (leaf.sides.length === 0) continue;
    const met = new Map<number, Float64Array>();
    for (let row = 0; row < count; row += 1) {
      const pattern = placeRow(leaf, rows, row * width);
      let parts = met.get(pattern);
      if (!parts) met.set(pattern, (parts = shareLeaf(leaf, pattern)));
      for (let side = 0; side < parts.length; side += 1) {
        const at = row * width + (leaf.sides[side]?.column ?? 0);
        values[at] = (values[at] ?? 0) + (parts[side] ?? 0);
      }
    }
  }
  return { expected, values };
}

/** Which sides of a leaf hold a row, the first in the lowest bit; a number holds 53 of them. */
function placeRow({ sides }: Leaf, rows: Float32Array, start: number): number {
  let [pattern, bit] = [0, 1];
  for (const { column, low, high } of sides) {
    const value = rows[start + column] ?? Number.NaN;
    if (value > low && value <= high) pattern += bit;
    bit *= 2;
  }
  return pattern;
}

/** φ of each of a leaf's sides, for the rows of one pattern. */
function shareLeaf({ value, sides }: Leaf, pattern: number): Float64Array {
  const held = sides.map((_, side) => Math.floor(pattern / 2 ** side) % 2 === 1);
  const known = sides.filter((_, side) => held[side]);
  const away = sides.length - known.length;
  // Of the sides that do not hold the row only the product counts, and (1 − t) to their number.
  const scale = sides.reduce((product, { share }, side) => (held[side] ? product : product * share), value);
  const parts = new Float64Array(sides.length);
  for (const { point, weight } of legendreRule(Math.ceil(sides.length / 2))) {
    const off = 1 - point;
    const whole = known.reduce((product, { share }) => product * (point + off * share), scale * weight * off ** away);
    sides.forEach(({ share }, side) => {
      const part = held[side] ? ((1 - share) * whole) / (point + off * share) : -whole / off;
      parts[side] = (parts[side] ?? 0) + part;
    });
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
