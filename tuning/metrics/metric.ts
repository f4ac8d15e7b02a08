import type { RunLine } from '../run/run-line.js';
import type { Popularity } from './list-variety.js';

/** A metric cannot be computed as asked; the message names the remedy. */
export class MetricError extends Error {
  override readonly name = 'MetricError';
  readonly exitCode = 2;
}

/** What some metrics need beyond the run. */
export interface MetricContext {
  /** Documents in the index. */
  readonly catalogueSize?: number | undefined;
  /** Vector by document id. */
  readonly vectors?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  readonly popularity?: Popularity | undefined;
}

interface Named {
  /** Canonical: `ndcg@10`, `p(rel=2)@10`; it parses to the same metric. */
  readonly name: string;
  readonly better: 'higher' | 'lower';
  /** What of a line it looks at: grades in the order of the hits, the hits whatever their grades, or what the retrievers found. */
  readonly reads: 'grades' | 'hits' | 'legs';
  /** To be given; else measuring throws. */
  readonly needs: readonly (keyof MetricContext)[];
  /** Where the spelling that was used means something else elsewhere: a line for the reader, else null. */
  readonly note: string | null;
}

/** A value for each query, its mean for a run. */
export interface QueryMetric extends Named {
  readonly scope: 'query';
  /** Null = not defined for this query (it failed, or nothing judged is relevant): it leaves the mean. @throws MetricError */
  measure(line: RunLine, context?: MetricContext): number | null;
}

/** One value for a run. */
export interface RunMetric extends Named {
  readonly scope: 'run';
  /** @throws MetricError */
  begin(context?: MetricContext): { take(line: RunLine): void; value(): number | null };
}

export type Metric = QueryMetric | RunMetric;

/** What is given, or an error that says what is missing. */
export function demand<Need extends keyof MetricContext>(
  context: MetricContext,
  need: Need,
  metric: string,
): NonNullable<MetricContext[Need]> {
  const given = context[need];
  if (given === undefined) throw new MetricError(`${metric} needs ${NEEDS[need]}`);
  return given;
}

const NEEDS: Record<keyof MetricContext, string> = {
  catalogueSize: 'the number of documents in the index',
  vectors: 'the vectors of the hits',
  popularity: 'how often each document was chosen in the past',
};
