import { seedChance } from '../random.js';

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Percentile bootstrap interval of a mean (Efron 1979): the values are the independent units, here one per shopper.
 * Deterministic from the seed. NaN bounds for no values.
 */
export function bootstrapMean(
  values: readonly number[],
  options: { seed: number; draws?: number; level?: number },
): [low: number, high: number] {
  const { seed, draws = 10_000, level = 0.95 } = options;
  if (values.length === 0) return [Number.NaN, Number.NaN];
  const chance = seedChance(seed);
  const means = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (let index = 0; index < values.length; index += 1) sum += values[chance.whole(0, values.length - 1)] ?? 0;
    return sum / values.length;
  }).sort();
  return [quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)];
}

/** Quantile of sorted values, interpolated linearly between order statistics (R type 7). NaN when empty. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}
