import type { LegRecall } from '../metrics/leg-recall.js';
import { relevanceOf } from '../metrics/metric-name.js';
import type { RunHeader } from '../run/run-line.js';
import { meanOf } from '../significance/bootstrap.js';
import type { PairedTest } from '../significance/paired-comparison.js';
import { findChangedQueries, type ChangedQuery } from './changed-query.js';
import { compareMetrics, sliceByHistory, sliceByTag, type ComparedMetric, type Slice } from './compared-metrics.js';
import { judgeRule, metricsOf, NO_FAILED_QUERY, type GateRule, type RuleOutcome } from './gate.js';
import { judgeHoles, shareOfHoles, type Holes } from './holes.js';
import { checkMetric, condensedOf, cutoffOf, readsLegs } from './line-metric.js';
import { compareExposure, type ComparedExposure } from './group-exposure.js';
import { columnOf, measurePairs, type MeasuredPairs } from './measured-pairs.js';
import { openRun, type OpenRun } from './open-run.js';
import { requireDepth, requireSameQuestion } from './same-question.js';
import { warnings, type Warning } from './warnings.js';

export interface CompareOptions {
  readonly a: string;
  readonly b: string;
  /** Names, the first one leads: it orders the queries and counts the losses. */
  readonly metrics: readonly string[];
  readonly test: PairedTest;
  readonly seed: number;
  readonly rules: readonly GateRule[];
  /** Worst and best queries to keep with their lists, at most so many of each. */
  readonly lists: number;
}

export interface ComparedRun extends RunHeader {
  readonly file: string;
}

/** All that is said of two runs; reports only lay it out. NaN where there was nothing to measure. */
export interface RunComparison {
  readonly runs: { readonly a: ComparedRun; readonly b: ComparedRun };
  readonly queries: {
    readonly count: number;
    /** Answered by both. */
    readonly compared: number;
    readonly failed: MeasuredPairs['failed'];
    readonly zeroResults: MeasuredPairs['zeroResults'];
    /** Whose two lists hold the same ids in the same order, to the full depth. */
    readonly sameList: number;
  };
  readonly test: PairedTest;
  readonly seed: number;
  readonly draws: number;
  readonly metrics: readonly ComparedMetric[];
  readonly overlap: { readonly k: number; readonly jaccard: number; readonly rbo: number };
  /** Could ranking have won? What the retrievers found, by leg and of all together; null unless both runs keep legs. */
  readonly legs: { readonly metric: string; readonly a: LegRecall; readonly b: LegRecall } | null;
  /** Attention by group, side by side; null unless both runs keep the same field of their hits. */
  readonly exposure: ComparedExposure | null;
  readonly holes: Holes;
  /** The leading metric over the judged hits alone; null where that says nothing. */
  readonly condensed: { readonly metric: string; readonly a: number; readonly b: number } | null;
  readonly tags: readonly Slice[];
  /** Tags that the table has no room for. */
  readonly tagsLeft: number;
  readonly history: readonly Slice[];
  readonly worst: readonly ChangedQuery[];
  readonly best: readonly ChangedQuery[];
  readonly gate: { readonly passed: boolean; readonly rules: readonly RuleOutcome[] };
  readonly warnings: readonly Warning[];
  /** Each query's values, for plots and for the JSON. */
  readonly pairs: MeasuredPairs;
}

const DRAWS = 10_000;
/** Hits of a list in a report. */
const LISTED_HITS = { least: 10, most: 20 } as const;
/** Where the leading metric has no cut-off. */
const DEFAULT_CUTOFF = 10;

/**
 * Compares run b with run a, query by query. @throws UnusableRun for files that are no runs, are not finished or answered
 * other questions; CompareUsage for metrics that they cannot give and rules on tags that no query carries.
 */
export async function compareRuns(options: CompareOptions): Promise<RunComparison> {
  const a = await openRun(options.a);
  try {
    const b = await openRun(options.b);
    try {
      return await compareOpenRuns(a, b, options);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function compareOpenRuns(a: OpenRun, b: OpenRun, options: CompareOptions): Promise<RunComparison> {
  requireSameQuestion(a, b);
  const rules = options.rules.some(({ kind }) => kind === 'failed') ? options.rules : [NO_FAILED_QUERY, ...options.rules];
  const named = withLegs([...new Set([...options.metrics, ...metricsOf(rules)].map(checkMetric))], a.header, b.header);
  requireDepth([a, b], named);
  const leading = named[0] ?? '';
  const k = Math.min(cutoffOf(leading) ?? DEFAULT_CUTOFF, a.header.depth, b.header.depth);
  const judged = `judged@${k}`;

  const legsBy = named.find(readsLegs) ?? null;
  const condensed = condensedOf(leading);
  const measured = [...new Set([...named, judged, ...(condensed === null ? [] : [condensed])])];
  const pairs = await measurePairs(a, b, {
    metrics: measured,
    k,
    legs: { k: legsBy === null ? null : cutoffOf(legsBy), rel: legsBy === null ? 1 : relevanceOf({ name: legsBy }) },
  });
  const shown = { ...pairs, metrics: named };
  const significance = { seed: options.seed, test: options.test, draws: DRAWS };
  const { a: judgedA, b: judgedB } = columnOf(pairs, judged);
  const holes = judgeHoles({ k, a: judgedA, b: judgedB });
  const metrics = compareMetrics(shown, significance);
  const outcomes = rules.map((rule) =>
    judgeRule(rule, {
      metric: leading,
      queries: pairs.queries.length + pairs.failed.either,
      failed: pairs.failed.either,
      holes: shareOfHoles(holes),
      differences: (metric, tag) => differencesOf(pairs, metric, tag),
    }),
  );
  const { slices, left } = sliceByTag(shown, significance);
  const hits = Math.min(Math.max(cutoffOf(leading) ?? DEFAULT_CUTOFF, LISTED_HITS.least), LISTED_HITS.most);
  const { worst, best } = await findChangedQueries(shown, { runs: { a, b }, count: options.lists, hits });
  return {
    runs: { a: { file: a.file, ...a.header }, b: { file: b.file, ...b.header } },
    queries: {
      count: pairs.queries.length + pairs.failed.either,
      compared: pairs.queries.length,
      failed: pairs.failed,
      zeroResults: pairs.zeroResults,
      sameList: pairs.overlap.same,
    },
    test: options.test,
    seed: options.seed,
    draws: DRAWS,
    metrics,
    overlap: { k, jaccard: meanOf(pairs.overlap.jaccard), rbo: meanOf(pairs.overlap.rbo) },
    legs: legsBy === null || !pairs.legs.a || !pairs.legs.b ? null : { metric: legsBy, a: pairs.legs.a, b: pairs.legs.b },
    exposure: compareExposure({ k, a: a.header, b: b.header, shares: pairs.exposure }),
    holes,
    condensed: condensed === null ? null : meansOf(pairs, condensed),
    tags: slices,
    tagsLeft: left,
    history: sliceByHistory(shown, significance),
    worst,
    best,
    gate: { passed: outcomes.every(({ passed }) => passed), rules: outcomes },
    warnings: warnings({ a: a.header, b: b.header, holes, failed: pairs.failed, metrics }),
    pairs: shown,
  };
}

/** Where both runs keep legs, their recall is measured as deep as both go: a difference may come from retrieval, not from ranking. */
function withLegs(metrics: readonly string[], a: RunHeader, b: RunHeader): readonly string[] {
  if (a.legs === undefined || b.legs === undefined || metrics.some(readsLegs)) return metrics;
  return [...metrics, checkMetric(`leg_recall@${Math.min(a.legs, b.legs)}`)];
}

function meansOf(pairs: MeasuredPairs, metric: string): { metric: string; a: number; b: number } {
  const { a, b } = columnOf(pairs, metric);
  return { metric, a: meanOf(a), b: meanOf(b) };
}

/** Null where no query carries the tag. */
function differencesOf(pairs: MeasuredPairs, metric: string, tag: string | null): number[] | null {
  const queries = tag === null ? pairs.queries : pairs.queries.filter(({ tags }) => tags.includes(tag));
  if (tag !== null && queries.length === 0) return null;
  return columnOf({ metrics: pairs.metrics, queries }, metric).differences;
}
