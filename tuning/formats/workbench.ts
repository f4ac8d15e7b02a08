import { z } from 'zod';
import { parseNumber, type ImportReport } from './import-report.js';
import { InputInvalid } from './input-lines.js';
import { parseJsonDocument } from './json-document.js';
import { JudgmentCollection, type JudgmentSet } from './judgments/judgments.js';
import { QueryCollection, type EvaluatedQuery } from './queries/queries.js';

/** The shapes that the Search Relevance Workbench takes and gives; answers of its GET routes are wrapped as search hits. */
const judgmentsSchema = z.looseObject({ judgmentRatings: z.array(z.unknown()) });
const earlyJudgmentsSchema = z.looseObject({ judgmentScores: z.array(z.unknown()) });
const querySetSchema = z.looseObject({ querySetQueries: z.array(z.unknown()) });
const wrappedSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _source: z.unknown() })) }) });

const ratedQuerySchema = z.looseObject({ query: z.string(), ratings: z.array(z.unknown()) });
const ratingSchema = z.union([
  z.looseObject({ docId: z.string(), rating: z.union([z.string(), z.number()]) }),
  z
    .looseObject({ doc_id: z.string(), rating: z.union([z.string(), z.number()]) })
    .transform(({ doc_id, rating }) => ({ docId: doc_id, rating })),
]);
const setQuerySchema = z.union([z.string().transform((queryText) => ({ queryText })), z.looseObject({ queryText: z.string() })]);

/** The one document of a GET answer, or the value itself. */
function unwrap(value: unknown, input: string): unknown {
  const wrapped = wrappedSchema.safeParse(value);
  if (!wrapped.success) return value;
  const [first, ...more] = wrapped.data.hits.hits;
  if (!first || more.length > 0) {
    throw new InputInvalid(`${input} holds ${wrapped.data.hits.hits.length} documents of the workbench; ask for one by its id`);
  }
  return first._source;
}

/** `judgmentRatings` or, for a query set, `querySetQueries`; null for another document. */
export function workbenchKind(value: unknown, input: string): 'judgments' | 'queries' | null {
  const document = unwrap(value, input);
  if (querySetSchema.safeParse(document).success) return 'queries';
  return judgmentsSchema.safeParse(document).success || earlyJudgmentsSchema.safeParse(document).success ? 'judgments' : null;
}

/** Reads `PUT _plugins/_search_relevance/judgments` bodies and GET answers; ratings may be text or numbers. */
export function readWorkbenchJudgments(text: string, { input, report }: { input: string; report: ImportReport }): JudgmentSet {
  const document = unwrap(parseJsonDocument(text, input), input);
  const early = earlyJudgmentsSchema.safeParse(document);
  const parsed = judgmentsSchema.safeParse(document);
  const member = parsed.success ? 'judgmentRatings' : 'judgmentScores';
  const rated = parsed.success ? parsed.data.judgmentRatings : early.success ? early.data.judgmentScores : null;
  if (rated === null) throw new InputInvalid(`${input} has no "judgmentRatings"; it must be an object as PUT …/judgments takes it`);
  const judgments = new JudgmentCollection(report);
  for (const [place, entry] of rated.entries()) {
    const at = `${member}[${place}]`;
    const query = ratedQuerySchema.safeParse(entry);
    if (!query.success) {
      report.reject({ line: null, at, raw: JSON.stringify(entry) }, 'must be {"query": "…", "ratings": […]}');
      continue;
    }
    for (const [number, value] of query.data.ratings.entries()) {
      const origin = { line: null, at: `${at}.ratings[${number}]`, raw: JSON.stringify(value) };
      const rating = ratingSchema.safeParse(value);
      const grade = rating.success ? parseNumber(String(rating.data.rating)) : null;
      if (!rating.success) report.reject(origin, 'must be {"docId": "…", "rating": "…"}');
      else if (grade === null) report.reject(origin, `rating "${rating.data.rating}" is not a number`);
      else judgments.add({ queryId: null, query: query.data.query, docId: rating.data.docId, grade }, origin);
    }
  }
  return judgments.finish();
}

/** An IMPORT_JUDGMENT body. A query of which only the id is known is a reject. */
export function* writeWorkbenchJudgments(
  { queries }: JudgmentSet,
  { name, report }: { name: string; report: ImportReport },
): Generator<string> {
  const head = JSON.stringify({ name, description: 'written by fuserank convert', type: 'IMPORT_JUDGMENT' });
  yield `${head.slice(0, -1)},"judgmentRatings":[`;
  let separator = '\n';
  const texts = new Set<string>();
  for (const { queryId, query, grades } of queries) {
    if (query === null) {
      report.reject({ line: null, raw: queryId ?? '' }, 'the text of this query is not known; give the queries with --queries FILE');
    } else if (texts.has(query)) {
      report.reject({ line: null, raw: queryId ?? query }, `query "${query}" is judged under another id too, and this format has no ids`);
    } else {
      texts.add(query);
      const ratings = [...grades].map(([docId, grade]) => ({ docId, rating: String(grade) }));
      yield `${separator}${JSON.stringify({ query, ratings })}`;
      report.countWritten(ratings.length);
      separator = ',\n';
    }
  }
  yield '\n]}\n';
}

/** Reads the queries of a query set. */
export function readWorkbenchQueries(text: string, { input, report }: { input: string; report: ImportReport }): EvaluatedQuery[] {
  const parsed = querySetSchema.safeParse(unwrap(parseJsonDocument(text, input), input));
  if (!parsed.success) throw new InputInvalid(`${input} has no "querySetQueries"; it must be an object as PUT …/query_sets takes it`);
  const queries = new QueryCollection(report);
  for (const [place, value] of parsed.data.querySetQueries.entries()) {
    const origin = { line: null, at: `querySetQueries[${place}]`, raw: JSON.stringify(value) };
    const query = setQuerySchema.safeParse(value);
    if (query.success) queries.add({ query: query.data.queryText }, origin);
    else report.reject(origin, 'must be {"queryText": "…"}');
  }
  return queries.finish();
}

/** A query set as PUT …/query_sets takes it: texts alone. */
export function* writeWorkbenchQueries(
  queries: readonly EvaluatedQuery[],
  { name, report }: { name: string; report: ImportReport },
): Generator<string> {
  const texts = new Set<string>();
  for (const { query, query_id, ...more } of queries) {
    if (query === null)
      report.reject({ line: null, raw: query_id }, 'a query set of the workbench holds texts alone, and this is a picture');
    else if (texts.has(query))
      report.reject({ line: null, raw: query_id }, `"${query}" is there already, and a query set of the workbench holds no users`);
    else {
      texts.add(query);
      report.countWritten();
      if (more.tags.length > 0 || Object.keys(more).length > 1)
        report.note('users, histories, pictures and tags are not written: a query set holds texts alone');
    }
  }
  const body = {
    name,
    description: 'written by fuserank convert',
    sampling: 'manual',
    querySetSize: texts.size,
    querySetQueries: [...texts].map((queryText) => ({ queryText })),
  };
  yield `${JSON.stringify(body, null, 1)}\n`;
}
