import { seedStream } from '../../models/random-stream.js';

export type Interval = readonly [low: number, high: number];

export interface BootstrapOptions {
  readonly seed: number;
  readonly draws?: number;
  /** Share of resampled means that the interval holds, 0–1; where it depends on their number, of how many values. */
  readonly level?: number | ((values: number) => number);
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let place = 0; place < values.length; place += 1) sum += values[place] ?? 0;
  return sum / values.length;
}

/**
 * Percentile bootstrap interval of a mean (Efron 1979): the values are the independent units, here one per query or per
 * shopper. Deterministic from the seed. NaN bounds for no values.
 */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions): [low: number, high: number] {
  const [interval] = bootstrapMeans([values], options);
  return interval ?? [Number.NaN, Number.NaN];
}

/**
 * {@link bootstrapMean} of each column, the same to the last bit as one by one. Columns of one length share their
 * resamples, since drawing them is most of the work: four metrics of 10,000 queries cost little more than one.
 */
export function bootstrapMeans(columns: readonly ArrayLike<number>[], options: BootstrapOptions): [low: number, high: number][] {
  const { seed, draws = 10_000, level = 0.95 } = options;
  const levelOf = typeof level === 'number' ? () => level : level;
  const intervals = columns.map((): [number, number] => [Number.NaN, Number.NaN]);
  for (const length of new Set(columns.map((column) => column.length))) {
    if (length === 0) continue;
    const held = levelOf(length);
    const places = [...columns.keys()].filter((place) => columns[place]?.length === length);
    const means = resampledMeans(
      places.map((place) => Float64Array.from(columns[place] ?? [])),
      { length, seed, draws },
    );
    for (const [index, place] of places.entries()) {
      const sorted = (means[index] ?? new Float64Array()).sort();
      intervals[place] = [quantile(sorted, (1 - held) / 2), quantile(sorted, (1 + held) / 2)];
    }
  }
  return intervals;
}

function resampledMeans(columns: readonly Float64Array[], options: { length: number; seed: number; draws: number }): Float64Array[] {
  const { length, seed, draws } = options;
  const next = seedStream(seed);
  const sample = new Int32Array(length);
  const means = columns.map(() => new Float64Array(draws));
  for (let draw = 0; draw < draws; draw += 1) {
    for (let place = 0; place < length; place += 1) sample[place] = next() * length; // stored as a whole number, rounded down
    for (const [index, column] of columns.entries()) {
      const mean = means[index];
      if (mean) mean[draw] = sumAt(column, sample) / length;
    }
  }
  return means;
}

function sumAt(column: Float64Array, sample: Int32Array): number {
  let sum = 0;
  for (let place = 0; place < sample.length; place += 1) sum += column[sample[place] ?? 0] ?? 0;
  return sum;
}

/** Quantile of sorted values, interpolated linearly between order statistics (R type 7). NaN when empty. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}
