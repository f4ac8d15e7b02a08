import { bootstrapMeans, meanOf, type Interval } from './bootstrap.js';
import { expandedLevel } from './expanded-level.js';
import { randomisationTest } from './randomisation.js';
import { deviationOf, pairedTTest } from './student-t.js';

export type PairedTest = 'randomization' | 't';
export type Verdict = 'better' | 'worse' | 'not resolved';

export interface SignificanceOptions {
  readonly seed: number;
  readonly draws?: number;
  readonly test?: PairedTest;
}

/** How b does beside a on the same queries. Every figure is NaN, and p 1, where there is no query. */
export interface PairedComparison {
  readonly pairs: number;
  /** Mean of b − a. */
  readonly difference: number;
  /** Seeded bootstrap over queries, 95 %: expanded percentiles ({@link expandedLevel}). */
  readonly interval: Interval;
  /** Two-sided, of the test asked for. */
  readonly p: number;
  /** Queries on which b is above a, equal to it, below it. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  /**
   * The smallest true mean difference that this many queries show with probability .8 in a two-sided test at .05:
   * (z.975 + z.8) · SD / √n with the SD of the differences seen. NaN for fewer than two queries.
   */
  readonly smallestDetectable: number;
  readonly verdict: Verdict;
}

/** Two values this close are the same figure, computed in another order. */
export const SAME = 1e-9;
/** With fewer pairs no sign test can fall under .05 (2 · 2⁻⁵ = .0625), and resamples of so few say nothing of their spread. */
const FEWEST_PAIRS = 6;
/** Of the interval. */
const LEVEL = 0.95;
/** z of .975 and of .8. */
const DETECTABLE_Z = 1.959963984540054 + 0.8416212335729143;

/** Compares by the differences b − a, one a query. */
export function comparePaired(differences: ArrayLike<number>, options: SignificanceOptions): PairedComparison {
  const [comparison] = comparePairedColumns([differences], options);
  if (!comparison) throw new RangeError('one column gives one comparison');
  return comparison;
}

/** {@link comparePaired} of each column (say, a metric each), with shared resamples. */
export function comparePairedColumns(columns: readonly ArrayLike<number>[], options: SignificanceOptions): PairedComparison[] {
  const settled = columns.map((column) => Float64Array.from(column, (difference) => (Math.abs(difference) <= SAME ? 0 : difference)));
  const intervals = bootstrapMeans(settled, { ...options, level: (values) => expandedLevel(values, LEVEL) });
  return settled.map((differences, place) => {
    const interval = intervals[place] ?? [Number.NaN, Number.NaN];
    const wins = differences.filter((difference) => difference > 0).length;
    const losses = differences.filter((difference) => difference < 0).length;
    const p = options.test === 't' ? pairedTTest(differences) : randomisationTest(differences, options);
    return {
      pairs: differences.length,
      difference: meanOf(differences),
      interval,
      p,
      wins,
      ties: differences.length - wins - losses,
      losses,
      smallestDetectable: (DETECTABLE_Z * deviationOf(differences)) / Math.sqrt(differences.length),
      verdict: verdictOf({ interval, p, pairs: differences.length }),
    };
  });
}

/**
 * What may be said of a comparison: "better" and "worse" only where the interval is clear of zero, the test agrees (p < .05), and there
 * are six pairs or more.
 */
export function verdictOf({ interval: [low, high], p, pairs }: Pick<PairedComparison, 'interval' | 'p' | 'pairs'>): Verdict {
  if (pairs < FEWEST_PAIRS || p >= 1 - LEVEL) return 'not resolved';
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'not resolved';
}
