import type { RunHit, RunLine } from '../run/run-line.js';
import { differenceOf, type MeasuredPairs, type MeasuredQuery } from './measured-pairs.js';
import type { OpenRun } from './open-run.js';

export interface ListedHit extends RunHit {
  /** From 1. */
  readonly rank: number;
  /** Its rank in the other run's whole list; null = not in it. */
  readonly otherRank: number | null;
}

/** A query whose value changed most, with the two lists that made it so. */
export interface ChangedQuery {
  readonly query_id: string;
  readonly query: string | null;
  readonly image: string | null;
  readonly user_id: string | null;
  readonly tags: readonly string[];
  readonly history_length: number | null;
  /** By metric; null where it says nothing of the query. */
  readonly values: Readonly<Record<string, { readonly a: number; readonly b: number } | null>>;
  /** b − a of the first metric. */
  readonly difference: number;
  readonly a: readonly ListedHit[];
  readonly b: readonly ListedHit[];
}

/** The queries that lose and gain most on the first metric, at most `count` of each, the largest first. */
export async function findChangedQueries(
  pairs: MeasuredPairs,
  options: { runs: { a: OpenRun; b: OpenRun }; count: number; hits: number },
): Promise<{ worst: ChangedQuery[]; best: ChangedQuery[] }> {
  const { runs, count, hits } = options;
  const moved = pairs.queries
    .flatMap((query) => {
      const difference = differenceOf(query, 0);
      return difference === null ? [] : [{ query, difference }];
    })
    .sort((one, other) => one.difference - other.difference || (one.query.id < other.query.id ? -1 : 1));
  const read = async ({ query, difference }: { query: MeasuredQuery; difference: number }): Promise<ChangedQuery> => {
    const lines = { a: await runs.a.lineAt(query.places.a), b: await runs.b.lineAt(query.places.b) };
    return describeChange({ query, difference, lines, metrics: pairs.metrics, hits });
  };
  const worst: ChangedQuery[] = [];
  for (const change of moved.slice(0, count)) if (change.difference < 0) worst.push(await read(change));
  const best: ChangedQuery[] = [];
  for (const change of moved.slice(-count).reverse()) if (change.difference > 0) best.push(await read(change));
  return { worst, best };
}

function describeChange(given: {
  query: MeasuredQuery;
  difference: number;
  lines: { a: RunLine; b: RunLine };
  metrics: readonly string[];
  hits: number;
}): ChangedQuery {
  const { query, difference, lines, metrics, hits } = given;
  return {
    query_id: query.id,
    query: lines.a.query,
    image: lines.a.image ?? null,
    user_id: lines.b.user_id ?? lines.a.user_id ?? null,
    tags: query.tags,
    history_length: query.history,
    values: Object.fromEntries(metrics.map((metric, place) => [metric, query.values[place] ?? null])),
    difference,
    a: listHits(lines.a, lines.b, hits),
    b: listHits(lines.b, lines.a, hits),
  };
}

function listHits(line: RunLine, other: RunLine, count: number): ListedHit[] {
  const ranks = new Map(other.hits.map(({ id }, place) => [id, place + 1]));
  return line.hits.slice(0, count).map((hit, place) => ({ ...hit, rank: place + 1, otherRank: ranks.get(hit.id) ?? null }));
}
