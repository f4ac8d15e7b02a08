import type { RunLine } from '../run/run-line.js';
import type { GradedList } from './discounted-gain.js';
import type { QueryMetric } from './metric.js';

/**
 * Judged@k, 0–1: the share of the first k hits that are there which have a judgment at all. Null for an empty list. Unjudged hits count as
 * irrelevant elsewhere, so a difference between two runs says little where their shares differ ("holes"). `Judged@k` of ir_measures
 * divides by k even where the list is shorter; the two agree on full lists.
 */
export function measureJudgedShare({ hits }: GradedList, k: number): number | null {
  const top = hits.slice(0, k);
  return top.length === 0 ? null : top.filter(({ grade }) => grade !== null).length / top.length;
}

/**
 * A metric of the condensed list: the hits without those that nobody judged, so that a document which happens to be unjudged pulls
 * nothing down (Sakai 2007, "Alternatives to bpref"). Beside the plain value it says how much the holes weigh; where only a few documents
 * of a query are judged at all it says little.
 */
export function condense(metric: QueryMetric): QueryMetric {
  return {
    ...metric,
    name: `${metric.name}, condensed`,
    measure: (line, context) => metric.measure({ ...line, hits: line.hits.filter(({ grade }) => grade !== null) }, context),
  };
}

/** 1 where the answer is empty, else 0; its mean is the zero-result rate. */
export function measureZeroResults({ state }: Pick<RunLine, 'state'>): number {
  return Number(state === 'zero-results');
}
