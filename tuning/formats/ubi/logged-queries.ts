import type { ImportReport } from '../import-report.js';
import { QueryCollection, type EvaluatedQuery } from '../queries/queries.js';
import { readUbiLog } from './ubi-log.js';

/** Bands of how often something was searched for: from so many on, as a tag names them. */
const BANDS = [
  [100, '100+'],
  [10, '10-99'],
  [2, '2-9'],
  [1, '1'],
] as const;

/**
 * The query set of a UBI log: each text that was typed, once, those of most searches first. A query set has no weights; how often a query
 * was made is its tag `searches:1`, `searches:2-9`, `searches:10-99` or `searches:100+`, so that head and tail can be told apart.
 */
export function readLoggedQueries(text: string, { report }: { report: ImportReport }): EvaluatedQuery[] {
  const counts = new Map<string, { count: number; origin: { line: number | null; raw: string } }>();
  for (const { words, origin } of readUbiLog(text, report)) {
    if (words === null) continue;
    const before = counts.get(words);
    counts.set(words, { count: (before?.count ?? 0) + 1, origin: before?.origin ?? origin });
  }
  const queries = new QueryCollection(report);
  for (const [query, { count, origin }] of [...counts].sort(([, a], [, b]) => b.count - a.count)) {
    queries.add({ query, tags: [`searches:${nameSearches(count)}`] }, origin);
  }
  return queries.finish();
}

/** The band of a number of searches, from 1. */
export function nameSearches(count: number): string {
  return BANDS.find(([least]) => count >= least)?.[1] ?? '0';
}
