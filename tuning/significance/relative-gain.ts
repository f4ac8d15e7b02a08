import { seedStream } from '../../models/random-stream.js';
import { quantile, type Interval } from './bootstrap.js';
import { expandedLevel } from './expanded-level.js';

/** How far the mean of b is above that of a, as a share of a's: .3 = 30 % more. */
export interface RelativeGain {
  /** Σ b / Σ a − 1; NaN without pairs, or where a is 0 throughout. */
  readonly gain: number;
  /** Seeded bootstrap over the pairs, 95 %: expanded percentiles ({@link expandedLevel}). */
  readonly interval: Interval;
}

const LEVEL = 0.95;

/**
 * The relative gain of paired values, one pair a query. A resample draws pairs, so that its two means are of the same queries: the ratio's
 * interval takes in that a hard query is hard for both (Efron, Tibshirani 1993, "An introduction to the bootstrap", 10.5: ratios of means).
 * Deterministic from the seed.
 */
export function measureRelativeGain(
  pairs: readonly { readonly a: number; readonly b: number }[],
  { seed, draws = 10_000 }: { seed: number; draws?: number },
): RelativeGain {
  const a = Float64Array.from(pairs, (pair) => pair.a);
  const b = Float64Array.from(pairs, (pair) => pair.b);
  const gains = new Float64Array(draws);
  const next = seedStream(seed);
  for (let draw = 0; draw < draws; draw += 1) {
    let [sumA, sumB] = [0, 0];
    for (let count = 0; count < a.length; count += 1) {
      const place = Math.floor(next() * a.length);
      sumA += a[place] ?? 0;
      sumB += b[place] ?? 0;
    }
    gains[draw] = gainOf(sumA, sumB);
  }
  const gain = gainOf(sumOf(a), sumOf(b));
  if (Number.isNaN(gain)) return { gain, interval: [Number.NaN, Number.NaN] };
  const held = expandedLevel(a.length, LEVEL);
  // A resample of queries on which a is 0 throughout has no bound, so an interval that ends among such has none: NaN.
  const sorted = gains.map((drawn) => (Number.isNaN(drawn) ? Number.POSITIVE_INFINITY : drawn)).sort();
  return { gain, interval: [quantile(sorted, (1 - held) / 2), quantile(sorted, (1 + held) / 2)] };
}

function gainOf(a: number, b: number): number {
  return a === 0 ? Number.NaN : b / a - 1;
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
