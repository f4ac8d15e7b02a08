import { createHash } from 'node:crypto';
import type { RunHeader, RunHit, RunLine } from '../../run/run-line.js';
import type { ImportReport, Origin } from '../import-report.js';
import { JudgmentLookup, stampJudgments, type JudgmentSet } from '../judgments/judgments.js';
import type { EvaluatedQuery } from '../queries/queries.js';

/** A whole run in memory. */
export interface Run {
  readonly header: RunHeader;
  readonly lines: readonly RunLine[];
}

/** What a run of another tool lacks. */
export interface RunImport {
  /** The input's text, for its hash. */
  readonly text: string;
  readonly report: ImportReport;
  /** Give texts to ids; a query without an answer becomes one without hits. */
  readonly queries: readonly EvaluatedQuery[] | null;
  /** Give grades to hits. */
  readonly judgments: JudgmentSet | null;
  readonly version: string;
  readonly now: Date;
}

interface ScoredHit {
  readonly id: string;
  readonly score: number;
}

/** Gathers the scored documents of a run that came line by line, in any order. */
export class ScoredLists {
  readonly #lists = new Map<string, Map<string, number>>();
  readonly #report: ImportReport;

  constructor(report: ImportReport) {
    this.#report = report;
  }

  add(queryId: string, docId: string, score: number, origin: Origin): void {
    const list = this.#lists.get(queryId) ?? new Map<string, number>();
    this.#lists.set(queryId, list);
    if (list.has(docId))
      this.#report.reject(origin, `document "${docId}" is in the list of query "${queryId}" already; a list names it once`);
    else list.set(docId, score);
  }

  /** By falling score, ties by falling document id, as trec_eval orders them: the rank that stands in a file is not looked at there either. */
  finish(): Map<string, ScoredHit[]> {
    return new Map(
      [...this.#lists].map(([queryId, list]) => [
        queryId,
        [...list].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1)),
      ]),
    );
  }
}

/** Makes a run of lists. Its header says `imported` and carries the hash of the input. */
export function importRun(name: string, lists: ReadonlyMap<string, readonly ScoredHit[]>, source: RunImport): Run {
  const { queries, judgments, report } = source;
  const byId = new Map((queries ?? []).map((query) => [query.query_id, query]));
  const lookup = judgments === null ? null : new JudgmentLookup(judgments);
  const ids = queries === null ? [...lists.keys()] : [...byId.keys()];
  for (const id of lists.keys()) {
    if (queries !== null && !byId.has(id)) report.reject({ line: null, raw: id }, 'this query is not in the query set of --queries');
  }
  const lines = ids.map((query_id): RunLine => {
    const query = byId.get(query_id);
    const grades = lookup?.find({ query_id, query: query?.query ?? null }) ?? null;
    const hits = (lists.get(query_id) ?? []).map(({ id, score }): RunHit => ({ id, score, grade: grades?.get(id) ?? null }));
    return {
      query_id,
      query: query?.query ?? null,
      ...(query?.image === undefined ? {} : { image: query.image }),
      ...(query?.user_id === undefined ? {} : { user_id: query.user_id }),
      tags: [...(query?.tags ?? [])],
      history_length: query?.history?.length ?? null,
      state: hits.length === 0 ? 'zero-results' : 'ok',
      hits,
      judged: [...(grades?.values() ?? [])].sort((a, b) => b - a),
      latency_ms: null,
    };
  });
  if (judgments === null) report.note('hits have no grades; give the judgments with --judgments FILE');
  return { header: importedHeader(name, lines, source), lines };
}

function importedHeader(name: string, lines: readonly RunLine[], { text, queries, judgments, version, now }: RunImport): RunHeader {
  return {
    fuserank_run: 1,
    name,
    created: now.toISOString(),
    depth: lines.reduce((depth, { hits }) => Math.max(depth, hits.length), 1),
    configuration: { kind: 'imported', name, sha256: hashText(text) },
    index: { alias: '', concrete: [] },
    model: null,
    queries: { sha256: hashText(JSON.stringify(queries ?? lines.map(({ query_id }) => query_id))), count: lines.length },
    judgments: stampJudgments(judgments),
    versions: { fuserank: version, opensearch: 'unknown' },
    seed: 0,
  };
}

function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * The scores of a list for tools that sort by score: the list's own where they fall strictly, else its ranks from below, so that the order
 * stays. The second member says which.
 */
export function strictScores(hits: readonly RunHit[]): { scores: number[]; own: boolean } {
  const own = hits.every(({ score }, place) => {
    const above = hits[place - 1]?.score ?? Infinity;
    return score !== null && score < above;
  });
  return { scores: hits.map(({ score }, place) => (own ? (score ?? 0) : hits.length - place)), own };
}
