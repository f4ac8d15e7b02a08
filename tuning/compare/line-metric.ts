import type { RunHit, RunLine } from '../run/run-line.js';
import { CompareUsage } from './unusable-run.js';

const METRIC = /^(ndcg|ndcg_lin|p|judged)@([1-9]\d*)$|^mrr(?:@([1-9]\d*))?$/;
/** From this grade on a hit counts as relevant. */
const RELEVANT = 1;

/** The cut-off in a metric's name; null where it has none. */
export function cutoffOf(metric: string): number | null {
  const match = /@(\d+)/.exec(metric);
  return match ? Number(match[1]) : null;
}

/** Whether more of it is better; `judged@k` says only how far the judgments reach. */
export function isQuality(metric: string): boolean {
  return !metric.startsWith('judged@');
}

/** @throws CompareUsage for a name that no metric has. */
export function checkMetric(metric: string): void {
  if (!METRIC.test(metric)) {
    throw new CompareUsage(
      `there is no metric ${JSON.stringify(metric)}; known: ndcg@k, ndcg_lin@k, mrr, mrr@k, p@k, judged@k, with k from 1`,
    );
  }
}

/**
 * One query's value of a metric, 0–1; null where the metric says nothing of it (no relevant judgment, or for `judged@k` no
 * hit). ndcg@k: gains 2^grade − 1, ndcg_lin@k: the grade itself, both over log2(rank + 1), divided by the best order of all
 * judged grades cut at k (Järvelin, Kekäläinen 2002; Burges et al. 2005). Unjudged counts 0.
 */
export function measureLine(line: RunLine, metric: string): number | null {
  const match = METRIC.exec(metric);
  if (!match) throw new CompareUsage(`there is no metric ${JSON.stringify(metric)}`);
  const k = Number(match[2] ?? match[3] ?? line.hits.length);
  const top = line.hits.slice(0, k);
  switch (match[1]) {
    case 'ndcg':
      return normalisedGain(line, top, { k, gainOf: (grade) => 2 ** grade - 1 });
    case 'ndcg_lin':
      return normalisedGain(line, top, { k, gainOf: (grade) => grade });
    case 'p':
      return hasRelevant(line) ? top.filter(isRelevant).length / k : null;
    case 'judged':
      return top.length === 0 ? null : top.filter(({ grade }) => grade !== null).length / top.length;
    case undefined: // mrr, the second alternative
    default: {
      const place = top.findIndex(isRelevant);
      return hasRelevant(line) ? (place < 0 ? 0 : 1 / (place + 1)) : null;
    }
  }
}

function normalisedGain(line: RunLine, top: readonly RunHit[], options: { k: number; gainOf: (grade: number) => number }): number | null {
  const { k, gainOf } = options;
  const discounted = (grades: readonly number[]): number =>
    grades.reduce((sum, grade, place) => sum + gainOf(grade) / Math.log2(place + 2), 0);
  const ideal = discounted(line.judged.slice(0, k));
  return ideal > 0 ? discounted(top.map(({ grade }) => grade ?? 0)) / ideal : null;
}

function isRelevant({ grade }: RunHit): boolean {
  return grade !== null && grade >= RELEVANT;
}

function hasRelevant({ judged }: RunLine): boolean {
  return (judged[0] ?? 0) >= RELEVANT;
}
