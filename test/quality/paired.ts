import { bootstrapMean, meanOf } from '../../demo/figures/bootstrap.js';

/** How one system does beside another on the same queries. */
export interface PairedComparison {
  /** Mean of b − a. */
  difference: number;
  /** Seeded percentile bootstrap over queries, 95 %. */
  interval: [low: number, high: number];
  /** Queries on which b is above a, equal to it, below it. */
  wins: number;
  ties: number;
  losses: number;
}

/** Two values this close are the same figure, computed in another order. */
const SAME = 1e-9;

/**
 * Compares b with a, query by query. @throws RangeError when the two do not hold the same queries, which would compare
 * other things than the systems.
 */
export function comparePaired(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  options: { seed: number; draws?: number },
): PairedComparison {
  if (a.size !== b.size || [...a.keys()].some((query) => !b.has(query))) {
    throw new RangeError(`a pair needs the same queries on both sides; these have ${a.size} and ${b.size}`);
  }
  const differences = [...a].map(([query, value]) => (b.get(query) ?? Number.NaN) - value);
  return {
    difference: meanOf(differences),
    interval: bootstrapMean(differences, options),
    wins: differences.filter((difference) => difference > SAME).length,
    ties: differences.filter((difference) => Math.abs(difference) <= SAME).length,
    losses: differences.filter((difference) => difference < -SAME).length,
  };
}

/** What may be said of a comparison: "better" and "worse" only where the interval is clear of zero. */
export function verdictOf({ interval: [low, high] }: Pick<PairedComparison, 'interval'>): 'better' | 'worse' | 'not resolved' {
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'not resolved';
}

/** Standard error of a mean. */
export function standardError(values: readonly number[]): number {
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return Math.sqrt(variance / values.length);
}
