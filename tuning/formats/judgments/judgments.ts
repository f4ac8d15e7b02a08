import { createHash } from 'node:crypto';
import type { ImportReport, Origin } from '../import-report.js';
import { deriveQueryId, type EvaluatedQuery } from '../queries/queries.js';

/** The grades of one query. It has an id, a text, or both. */
export interface JudgedQuery {
  readonly queryId: string | null;
  readonly query: string | null;
  /** Grade by document id, in the order of the input. Fractions are used as they are; below 0 counts as 0 gain. */
  readonly grades: ReadonlyMap<string, number>;
}

/** Judgments of a query set, in the order in which the queries came. */
export interface JudgmentSet {
  readonly queries: readonly JudgedQuery[];
}

/** The given id, else the one that its text gives. */
export function idOfJudged({ queryId, query }: JudgedQuery): string {
  return queryId ?? deriveQueryId({ query });
}

/** How many judgments there are. */
export function countJudgments({ queries }: JudgmentSet): number {
  return queries.reduce((sum, { grades }) => sum + grades.size, 0);
}

/** What a run's header says of its judgments: the SHA-256 of what they say, in their order, and their number. The format does not matter. */
export function stampJudgments(judgments: JudgmentSet | null): { sha256: string; count: number } {
  const content = (judgments?.queries ?? []).map(({ queryId, query, grades }) => [queryId, query, ...grades]);
  const sha256 = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { sha256, count: judgments === null ? 0 : countJudgments(judgments) };
}

/** Finds a query's grades: by id where the judgments have ids, else by the query's text exactly. */
export class JudgmentLookup {
  readonly #byId: ReadonlyMap<string, JudgedQuery>;
  readonly #byText = new Map<string, JudgedQuery>();

  constructor({ queries }: JudgmentSet) {
    this.#byId = new Map(queries.map((judged) => [idOfJudged(judged), judged]));
    for (const judged of queries) if (judged.query !== null && !this.#byText.has(judged.query)) this.#byText.set(judged.query, judged);
  }

  /** Null where nothing is judged for it. */
  find(query: { readonly query_id: string; readonly query: string | null }): ReadonlyMap<string, number> | null {
    const found = this.#byId.get(query.query_id) ?? (query.query === null ? undefined : this.#byText.get(query.query));
    return found?.grades ?? null;
  }
}

/** One judgment as it is read. */
export interface ReadJudgment {
  readonly queryId: string | null;
  readonly query: string | null;
  readonly docId: string;
  readonly grade: number;
}

interface Entry {
  readonly grade: number;
  readonly origin: Origin;
  /** Lines that give another grade. */
  readonly others: { readonly grade: number; readonly origin: Origin }[];
}

/**
 * Gathers judgments. One that comes again with the same grade counts once, with a note; one that comes with different grades is not taken
 * at all, and every line of it is a reject that names the others.
 */
export class JudgmentCollection {
  readonly #queries = new Map<string, { queryId: string | null; query: string | null; entries: Map<string, Entry> }>();
  readonly #report: ImportReport;

  constructor(report: ImportReport) {
    this.#report = report;
  }

  add({ queryId, query, docId, grade }: ReadJudgment, origin: Origin): void {
    if ((queryId ?? query ?? '').trim() === '') return this.#report.reject(origin, 'no query');
    if (docId.trim() === '') return this.#report.reject(origin, 'no document id');
    const key = queryId === null ? `text ${query}` : `id ${queryId}`;
    const judged = this.#queries.get(key) ?? { queryId, query, entries: new Map<string, Entry>() };
    this.#queries.set(key, judged);
    if (query !== null && judged.query !== null && query !== judged.query) {
      this.#report.note(`query "${queryId}" has two texts; the first, "${judged.query}", is kept`, origin.line);
    }
    judged.query ??= query;
    const before = judged.entries.get(docId);
    if (!before) judged.entries.set(docId, { grade, origin, others: [] });
    else if (before.grade === grade) this.#report.note('a judgment came again with the same grade and counts once', origin.line);
    else before.others.push({ grade, origin });
  }

  /** All that was taken; tells the report of contradictions. */
  finish(): JudgmentSet {
    const queries = [...this.#queries.values()].map(({ queryId, query, entries }) => {
      const grades = new Map<string, number>();
      for (const [docId, entry] of entries) {
        if (entry.others.length === 0) grades.set(docId, entry.grade);
        else this.#rejectAll(docId, [entry, ...entry.others]);
      }
      return { queryId, query, grades };
    });
    return { queries: queries.filter(({ grades }) => grades.size > 0) };
  }

  #rejectAll(docId: string, entries: readonly { readonly grade: number; readonly origin: Origin }[]): void {
    for (const entry of entries) {
      const others = entries.filter((other) => other !== entry).map(({ grade, origin }) => `${grade} ${placeOf(origin)}`);
      this.#report.reject(entry.origin, `document "${docId}" has another grade for this query: ${others.join(', ')}; keep one`);
    }
  }
}

function placeOf({ line, at }: Origin): string {
  return line === null ? `at ${at ?? 'another place'}` : `on line ${line}`;
}

/** Gives ids the texts, and texts the ids, that a query set knows. */
export function joinQueries({ queries }: JudgmentSet, known: readonly EvaluatedQuery[]): JudgmentSet {
  const texts = new Map(known.map(({ query_id, query }) => [query_id, query]));
  const ids = new Map(known.flatMap(({ query_id, query }): [string, string][] => (query === null ? [] : [[query, query_id]])));
  return {
    queries: queries.map(({ queryId, query, grades }) => ({
      queryId: queryId ?? ids.get(query ?? '') ?? null,
      query: query ?? texts.get(queryId ?? '') ?? null,
      grades,
    })),
  };
}

/** The query set of judgments. A query of which only the id is known is a reject. */
export function queriesOfJudgments({ queries }: JudgmentSet, report: ImportReport): EvaluatedQuery[] {
  return queries.flatMap((judged) => {
    if (judged.query !== null) return [{ query_id: idOfJudged(judged), query: judged.query, tags: [] }];
    report.reject({ line: null, raw: judged.queryId ?? '' }, 'the text of this query is not known; give the queries with --queries FILE');
    return [];
  });
}
