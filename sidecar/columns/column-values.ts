import type { ListFacts } from './list-facts.js';

/** Values of one column for all candidates, null where not known. */
export type ColumnValues = (number | null)[];

/** How columns are computed, by name. */
export type ColumnsOfList = Readonly<Record<string, (list: ListFacts) => ColumnValues>>;

/** A value that several columns share, computed at the first call. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** ln(1 + value) of a value from 0 up. */
export function logOf(value: number | null | undefined): number | null {
  return value === null || value === undefined || !(value >= 0) ? null : Math.log1p(value);
}

export function scale(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

export function meanOf(values: readonly (number | null)[]): number | null {
  return weightedMean(
    values,
    values.map(() => 1),
  );
}

export function weightedMean(values: readonly (number | null)[], weights: readonly number[]): number | null {
  let sum = 0;
  let total = 0;
  values.forEach((value, place) => {
    if (value === null) return;
    sum += value * (weights[place] ?? 0);
    total += weights[place] ?? 0;
  });
  return total === 0 ? null : sum / total;
}

/** (x − mean) / sd (of the population) over the values that are known; 0 where all are alike. */
export function standardise(values: ColumnValues): ColumnValues {
  const mean = meanOf(values);
  if (mean === null) return values;
  const variance = meanOf(values.map((value) => (value === null ? null : (value - mean) ** 2))) ?? 0;
  // Values that differ by rounding alone are alike.
  const spread = variance > 1e-18 * (1 + mean * mean) ? Math.sqrt(variance) : Infinity;
  return values.map((value) => (value === null ? null : (value - mean) / spread));
}

/** The product of two vectors of one length; of unit vectors, their cosine. Four sums, so that additions need not wait for each other. */
export function dot(left: Float32Array, right: Float32Array): number {
  const even = left.length - (left.length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let place = 0;
  for (; place < even; place += 4) {
    a += (left[place] ?? 0) * (right[place] ?? 0);
    b += (left[place + 1] ?? 0) * (right[place + 1] ?? 0);
    c += (left[place + 2] ?? 0) * (right[place + 2] ?? 0);
    d += (left[place + 3] ?? 0) * (right[place + 3] ?? 0);
  }
  for (; place < left.length; place += 1) a += (left[place] ?? 0) * (right[place] ?? 0);
  return a + b + (c + d);
}
