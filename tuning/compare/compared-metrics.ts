import { measureHarmRate } from '../metrics/harm-rate.js';
import { meanOf } from '../significance/bootstrap.js';
import { comparePairedColumns, type PairedComparison, type SignificanceOptions } from '../significance/paired-comparison.js';
import { isQuality } from './line-metric.js';
import { columnOf, type MeasuredPairs, type MeasuredQuery } from './measured-pairs.js';

/** One metric of both runs. */
export interface ComparedMetric extends PairedComparison {
  readonly metric: string;
  /** Whether more of it is better; `judged@k` is none, and no verdict is given on it. */
  readonly quality: boolean;
  readonly meanA: number;
  readonly meanB: number;
  /** Share of the queries on which b is more than .05 below a, 0–1. */
  readonly harm: number;
}

/** The same metrics over a part of the queries. */
export interface Slice {
  readonly name: string;
  readonly queries: number;
  readonly metrics: readonly ComparedMetric[];
}

/** Slices are many looks at few queries: fewer draws do, and none of their figures is corrected for their number. */
const SLICE_DRAWS = 2_000;
/** Tags that tables hold, the most frequent first. */
export const TAG_LIMIT = 40;
const UNTAGGED = '(no tag)';

const HISTORY_SLICES: readonly { name: string; holds: (history: number | null) => boolean }[] = [
  { name: '0', holds: (history) => history === 0 },
  { name: '1–4', holds: (history) => history !== null && history >= 1 && history <= 4 },
  { name: '5–19', holds: (history) => history !== null && history >= 5 && history <= 19 },
  { name: '20+', holds: (history) => history !== null && history >= 20 },
  { name: 'not known', holds: (history) => history === null },
];

export function compareMetrics(
  pairs: { metrics: readonly string[]; queries: readonly MeasuredQuery[] },
  options: SignificanceOptions,
): ComparedMetric[] {
  const columns = pairs.metrics.map((metric) => columnOf(pairs, metric));
  const compared = comparePairedColumns(
    columns.map(({ differences }) => differences),
    options,
  );
  return compared.map((paired, place) => {
    const metric = pairs.metrics[place] ?? '';
    return {
      metric,
      quality: isQuality(metric),
      meanA: meanOf(columns[place]?.a ?? []),
      meanB: meanOf(columns[place]?.b ?? []),
      harm: measureHarmRate(columns[place]?.differences ?? []) ?? Number.NaN,
      ...paired,
    };
  });
}

/** By tag; a query counts under each of its tags. Empty where no query carries one. */
export function sliceByTag(pairs: MeasuredPairs, options: SignificanceOptions): { slices: Slice[]; left: number } {
  const byTag = new Map<string, MeasuredQuery[]>();
  for (const query of pairs.queries) {
    for (const tag of query.tags.length === 0 ? [UNTAGGED] : query.tags) {
      const queries = byTag.get(tag);
      if (queries) queries.push(query);
      else byTag.set(tag, [query]);
    }
  }
  if (byTag.size === 0 || (byTag.size === 1 && byTag.has(UNTAGGED))) return { slices: [], left: 0 };
  const ordered = [...byTag].sort(([nameA, a], [nameB, b]) => b.length - a.length || (nameA < nameB ? -1 : 1));
  const slices = ordered.slice(0, TAG_LIMIT).map(([name, queries]) => sliceOf(name, { pairs, queries, options }));
  return { slices, left: Math.max(0, ordered.length - TAG_LIMIT) };
}

/** By how many events were known of the user: 0, 1–4, 5–19, 20 and more. Empty where all queries are of one kind. */
export function sliceByHistory(pairs: MeasuredPairs, options: SignificanceOptions): Slice[] {
  const slices = HISTORY_SLICES.map(({ name, holds }) => ({ name, queries: pairs.queries.filter(({ history }) => holds(history)) }));
  const filled = slices.filter(({ queries }) => queries.length > 0);
  return filled.length < 2 ? [] : filled.map(({ name, queries }) => sliceOf(name, { pairs, queries, options }));
}

function sliceOf(name: string, given: { pairs: MeasuredPairs; queries: readonly MeasuredQuery[]; options: SignificanceOptions }): Slice {
  const { pairs, queries, options } = given;
  const metrics = compareMetrics(
    { metrics: pairs.metrics, queries },
    { ...options, draws: Math.min(options.draws ?? SLICE_DRAWS, SLICE_DRAWS) },
  );
  return { name, queries: queries.length, metrics };
}
