import { GroupExposure, type GroupShares } from '../metrics/catalogue-exposure.js';
import { MeanLegRecall, measureLegRecall, type LegRecall } from '../metrics/leg-recall.js';
import { measureJaccard, measureRankBiasedOverlap } from '../metrics/list-overlap.js';
import { measureLine } from './line-metric.js';
import type { LinePlace, OpenRun } from './open-run.js';
import { pairLines } from './paired-lines.js';

/** What is kept of a query while two runs are compared: numbers, its name, and where its lines lie. */
export interface MeasuredQuery {
  readonly id: string;
  readonly tags: readonly string[];
  /** Events known of its user; null = not known. */
  readonly history: number | null;
  readonly places: { readonly a: LinePlace; readonly b: LinePlace };
  /** By metric, in the order asked for; null where it says nothing of this query in either run. */
  readonly values: readonly ({ readonly a: number; readonly b: number } | null)[];
}

export interface MeasuredPairs {
  readonly metrics: readonly string[];
  /** Queries that both runs answered, by id. */
  readonly queries: readonly MeasuredQuery[];
  readonly failed: { readonly a: number; readonly b: number; readonly either: number; readonly examples: readonly string[] };
  readonly zeroResults: { readonly a: number; readonly b: number };
  /** Of the two lists, over the queries that both answered. */
  readonly overlap: {
    readonly k: number;
    readonly jaccard: readonly number[];
    readonly rbo: readonly number[];
    /** Queries with the same ids in the same order, to the full depth. */
    readonly same: number;
  };
  /** Mean recall of each leg, over the queries of which both runs keep legs; null where none. */
  readonly legs: { readonly a: LegRecall | null; readonly b: LegRecall | null };
  /** Whose hits the reader's attention went to, of the first k. */
  readonly exposure: { readonly a: GroupShares | null; readonly b: GroupShares | null };
}

/** Persistence of rank-biased overlap: a reader who looks at ten hits on average. */
export const RBO_PERSISTENCE = 0.9;
/** Failed queries that a report names. */
const NAMED_FAILURES = 5;

/** Reads two runs once, side by side, and keeps each query's numbers. A query that failed in either leaves them. */
export async function measurePairs(
  a: OpenRun,
  b: OpenRun,
  options: { metrics: readonly string[]; k: number; legs: { k: number | null; rel: number } },
): Promise<MeasuredPairs> {
  const { metrics, k } = options;
  const legs = { a: new MeanLegRecall(options.legs), b: new MeanLegRecall(options.legs) };
  const exposure = { a: new GroupExposure(k), b: new GroupExposure(k) };
  const queries: MeasuredQuery[] = [];
  const failed = { a: 0, b: 0, either: 0, examples: [] as string[] };
  const zeroResults = { a: 0, b: 0 };
  const overlap = { k, jaccard: [] as number[], rbo: [] as number[], same: 0 };
  const tagSets = new Map<string, readonly string[]>();
  for await (const pair of pairLines(a, b)) {
    for (const side of ['a', 'b'] as const) {
      if (pair[side].state === 'failed') failed[side] += 1;
      if (pair[side].state === 'zero-results') zeroResults[side] += 1;
    }
    const broken = [pair.a, pair.b].find(({ state }) => state === 'failed');
    if (broken) {
      failed.either += 1;
      if (failed.examples.length < NAMED_FAILURES) failed.examples.push(`${broken.query_id}: ${broken.reason ?? 'no reason given'}`);
      continue;
    }
    const inBoth = measureLegRecall(pair.a, options.legs) !== null && measureLegRecall(pair.b, options.legs) !== null;
    for (const side of ['a', 'b'] as const) {
      if (inBoth) legs[side].take(pair[side]);
      exposure[side].take(pair[side]);
    }
    const [idsA, idsB] = [pair.a.hits.map(({ id }) => id), pair.b.hits.map(({ id }) => id)];
    overlap.jaccard.push(measureJaccard(idsA, idsB, k));
    overlap.rbo.push(measureRankBiasedOverlap(idsA, idsB, RBO_PERSISTENCE));
    if (idsA.length === idsB.length && idsA.every((id, place) => id === idsB[place])) overlap.same += 1;
    queries.push({
      id: pair.a.query_id,
      tags: sharedTags(tagSets, [...new Set([...pair.a.tags, ...pair.b.tags])]),
      // A run of the engine alone knows nothing of the user; the other may.
      history: pair.b.history_length ?? pair.a.history_length,
      places: pair.places,
      values: metrics.map((metric) => {
        const [valueA, valueB] = [measureLine(pair.a, metric), measureLine(pair.b, metric)];
        return valueA === null || valueB === null ? null : { a: valueA, b: valueB };
      }),
    });
  }
  // By id, so that the draws do not depend on which search of the evaluation ended first.
  queries.sort((one, other) => (one.id < other.id ? -1 : 1));
  return {
    metrics,
    queries,
    failed,
    zeroResults,
    overlap,
    legs: { a: legs.a.means(), b: legs.b.means() },
    exposure: { a: exposure.a.shares(), b: exposure.b.shares() },
  };
}

/** One array for each set of tags, however many queries carry it. */
function sharedTags(known: Map<string, readonly string[]>, tags: readonly string[]): readonly string[] {
  const key = JSON.stringify(tags);
  const found = known.get(key) ?? tags;
  known.set(key, found);
  return found;
}

/** The two values of one metric over the queries that have them, and their differences b − a. */
export function columnOf(
  pairs: { metrics: readonly string[]; queries: readonly MeasuredQuery[] },
  metric: string,
): { a: number[]; b: number[]; differences: number[] } {
  const place = pairs.metrics.indexOf(metric);
  const values = pairs.queries.map((query) => query.values[place] ?? null).filter((value) => value !== null);
  return { a: values.map((value) => value.a), b: values.map((value) => value.b), differences: values.map((value) => value.b - value.a) };
}

/** b − a of one query; null where the metric says nothing of it. */
export function differenceOf(query: MeasuredQuery, metricPlace: number): number | null {
  const value = query.values[metricPlace];
  return value ? value.b - value.a : null;
}
