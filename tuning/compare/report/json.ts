import type { LegRecall } from '../../metrics/leg-recall.js';
import type { ComparedMetric, Slice } from '../compared-metrics.js';
import type { ChangedQuery } from '../changed-query.js';
import type { RunComparison } from '../run-comparison.js';

/**
 * A comparison as one object, described in docs/reference/compare.md. Figures that could not be measured are null.
 * With `perQuery` it also holds both values of every query that both runs answered.
 */
export function describeAsJson(comparison: RunComparison, options: { perQuery: boolean }): object {
  const { runs, queries, overlap, legs, exposure, holes, condensed, gate } = comparison;
  return {
    fuserank_comparison: 1,
    runs,
    queries: {
      count: queries.count,
      compared: queries.compared,
      failed: { a: queries.failed.a, b: queries.failed.b, either: queries.failed.either },
      zero_results: queries.zeroResults,
      same_list: queries.sameList,
    },
    test: comparison.test,
    seed: comparison.seed,
    draws: comparison.draws,
    metrics: describeMetrics(comparison.metrics),
    overlap: { k: overlap.k, jaccard: overlap.jaccard, rbo: overlap.rbo },
    ...(legs === null ? {} : { legs: { metric: legs.metric, a: describeLegs(legs.a), b: describeLegs(legs.b) } }),
    ...(exposure === null ? {} : { exposure }),
    holes: { k: holes.k, judged_a: holes.judgedA, judged_b: holes.judgedB, level: holes.level, biased: holes.biased },
    condensed,
    tags: comparison.tags.map(describeSlice),
    history: comparison.history.map(describeSlice),
    worst: comparison.worst.map(describeChange),
    best: comparison.best.map(describeChange),
    gate,
    warnings: comparison.warnings,
    ...(options.perQuery ? { per_query: describePairs(comparison) } : {}),
  };
}

function describeLegs({ legs, fused }: LegRecall): Record<string, number> {
  return { ...legs, fused };
}

function describeMetrics(metrics: readonly ComparedMetric[]): Record<string, object> {
  return Object.fromEntries(
    metrics.map((metric) => [
      metric.metric,
      {
        a: metric.meanA,
        b: metric.meanB,
        difference: metric.difference,
        interval: metric.interval,
        p: metric.p,
        wins: metric.wins,
        ties: metric.ties,
        losses: metric.losses,
        harm: metric.harm,
        queries: metric.pairs,
        smallest_detectable: metric.smallestDetectable,
        verdict: metric.quality ? metric.verdict : null,
      },
    ]),
  );
}

function describeSlice({ name, queries, metrics }: Slice): object {
  return { name, queries, metrics: describeMetrics(metrics) };
}

/** Lists by id alone: pictures and titles are in the runs. */
function describeChange({ a, b, query_id, query, tags, history_length, values, difference }: ChangedQuery): object {
  const ids = (hits: ChangedQuery['a']): string[] => hits.map(({ id }) => id);
  return { query_id, query, tags, history_length, difference, values, a: ids(a), b: ids(b) };
}

function describePairs({ pairs }: RunComparison): object[] {
  return pairs.queries.map(({ id, values }) => ({
    query_id: id,
    values: Object.fromEntries(pairs.metrics.map((metric, place) => [metric, values[place] ?? null])),
  }));
}
