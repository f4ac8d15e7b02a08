import type { RunHeader } from '../run/run-line.js';
import type { ComparedMetric } from './compared-metrics.js';
import { shareOfHoles, type Holes } from './holes.js';
import { cutoffOf } from './line-metric.js';
import type { MeasuredPairs } from './measured-pairs.js';

/** What a reader must know before believing a figure. Red: the figures may be wrong, not only rough. */
export interface Warning {
  readonly level: 'warning' | 'red';
  readonly text: string;
}

/** Pairs below which a bootstrap interval cannot be trusted: so few show little of the tails, and skew shows. */
const FEW_PAIRS = 25;

export function warnings(given: {
  a: RunHeader;
  b: RunHeader;
  holes: Holes;
  failed: MeasuredPairs['failed'];
  metrics: readonly ComparedMetric[];
}): Warning[] {
  const { a, b, holes, failed, metrics } = given;
  const found: Warning[] = [];
  if (failed.either > 0) {
    found.push({
      level: 'red',
      text: `${failed.either} queries failed (A ${failed.a}, B ${failed.b}) and are in no figure; the first: ${failed.examples.join('; ')}`,
    });
  }
  if (holes.level !== 'fine') {
    const share = (100 * shareOfHoles(holes)).toFixed(1);
    found.push({
      level: holes.level,
      text: `holes: ${share} % of the first ${holes.k} hits are not judged and count as 0; judge them before trusting small differences`,
    });
  }
  if (holes.biased) {
    const [judgedA, judgedB] = [holes.judgedA, holes.judgedB].map((share) => (100 * share).toFixed(1));
    found.push({
      level: 'red',
      text: `biased by holes: judged@${holes.k} is ${judgedA} % in A and ${judgedB} % in B, so unjudged hits pull one run down more than the other`,
    });
  }
  const few = metrics.find(({ pairs }) => pairs < FEW_PAIRS);
  if (few)
    found.push({ level: 'warning', text: `only ${few.pairs} queries have a value of ${few.metric}: its interval may be too narrow` });
  const whole = metrics.find(({ metric }) => cutoffOf(metric) === null);
  if (whole && a.depth !== b.depth) {
    found.push({ level: 'warning', text: `${whole.metric} looks at the whole list, and the runs are ${a.depth} and ${b.depth} hits deep` });
  }
  return found;
}
