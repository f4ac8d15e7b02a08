import { meanOf } from './bootstrap.js';

/** Sample standard deviation, over n − 1. NaN for fewer than two values. */
export function deviationOf(values: ArrayLike<number>): number {
  if (values.length < 2) return Number.NaN;
  const mean = meanOf(values);
  let squares = 0;
  for (let place = 0; place < values.length; place += 1) squares += ((values[place] ?? 0) - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** Standard error of a mean. */
export function standardError(values: ArrayLike<number>): number {
  return deviationOf(values) / Math.sqrt(values.length);
}

/**
 * Two-sided p of the paired t-test (Student 1908) on differences. 1 where nothing can be said: fewer than two
 * differences, or all of them zero. 0 where all are the same and not zero.
 */
export function pairedTTest(differences: ArrayLike<number>): number {
  if (differences.length < 2) return 1;
  const mean = meanOf(differences);
  const error = standardError(differences);
  if (error === 0) return mean === 0 ? 1 : 0;
  return tailsBeyond(mean / error, differences.length - 1);
}

/** Probability that Student's t is farther from zero than this, on either side. */
function tailsBeyond(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** The t, above 0, that Student's distribution stays within with probability `level`; by halving, to 1e-9 of itself. */
export function centralT(level: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (tailsBeyond(high, freedom) > 1 - level) [low, high] = [high, 2 * high];
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (tailsBeyond(middle, freedom) > 1 - level) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Regularised incomplete beta function I_x(a, b) by its continued fraction (Abramowitz, Stegun 26.5.8; modified Lentz):
 * the two tails of Student's t beyond ±t with n degrees of freedom are I_x(n/2, 1/2) at x = n / (n + t²).
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast only below the mean; beyond it, take the other tail.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  for (let step = 1; step <= 500; step += 1) {
    const even = (step * (b - step) * x) / ((a + 2 * step - 1) * (a + 2 * step));
    d = 1 / awayFromZero(1 + even * d, tiny);
    c = awayFromZero(1 + even / c, tiny);
    fraction *= d * c;
    const odd = (-(a + step) * (a + b + step) * x) / ((a + 2 * step) * (a + 2 * step + 1));
    d = 1 / awayFromZero(1 + odd * d, tiny);
    c = awayFromZero(1 + odd / c, tiny);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

function awayFromZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** ln Γ(z), z > 0, by Stirling's series after shifting z above 10; good to 1e-13. */
function logGamma(z: number): number {
  let shift = 0;
  let large = z;
  while (large < 10) {
    shift -= Math.log(large);
    large += 1;
  }
  const inverse = 1 / (large * large);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / large;
  return shift + (large - 0.5) * Math.log(large) - large + 0.5 * Math.log(2 * Math.PI) + series;
}
