import type { GradedList } from './discounted-gain.js';
import { MetricError } from './metric.js';

/**
 * Expected reciprocal rank@k: Σ 1/i · Rᵢ · Π_{j<i} (1 − Rⱼ) with Rᵢ = (2^gᵢ − 1) / 2^max, the chance that a reader who walks down the list
 * is content at rank i (Chapelle et al. 2009, "Expected reciprocal rank for graded relevance", eq. 4 and 5; gdeval's max is 4). From 0 to
 * below 1: even a list of the highest grades leaves a doubt. Not judged: 0. Null where no judged document has a grade above 0.
 * @throws MetricError for a grade above `max`
 */
export function measureExpectedReciprocalRank({ hits, judged }: GradedList, { k, max }: { k: number; max: number }): number | null {
  const highest = judged.reduce((high, grade) => Math.max(high, grade), 0);
  if (highest > max)
    throw new MetricError(`a judgment has grade ${highest}, above err's highest grade ${max}; ask for err(max=${highest})@${k}`);
  if (highest <= 0) return null;
  let [sum, stillReading] = [0, 1];
  for (const [place, { grade }] of hits.slice(0, k).entries()) {
    const content = (2 ** Math.max(0, grade ?? 0) - 1) / 2 ** max;
    sum += (stillReading * content) / (place + 1);
    stillReading *= 1 - content;
  }
  return sum;
}
