import { z } from 'zod';
import { parseNumber, type ImportReport } from '../import-report.js';
import { InputInvalid } from '../input-lines.js';
import { parseJsonDocument } from '../json-document.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments.js';

const bodySchema = z.looseObject({ requests: z.array(z.unknown()) });
const requestSchema = z.looseObject({
  id: z.union([z.string(), z.number()]).transform(String),
  params: z.record(z.string(), z.unknown()).optional(),
  ratings: z.array(z.unknown()),
});
const ratingSchema = z.looseObject({ _index: z.string().optional(), _id: z.string(), rating: z.union([z.string(), z.number()]) });

/** Names under which templates are used to take what was typed. */
const TEXT_PARAMS = ['query', 'query_string', 'query_text', 'queryText', 'q', 'text', 'keywords'];

/** Reads the ratings of `_rank_eval` requests. The text of a query is a parameter of its template, where it has one. */
export function readRankEval(text: string, { input, report }: { input: string; report: ImportReport }): JudgmentSet {
  const body = bodySchema.safeParse(parseJsonDocument(text, input));
  if (!body.success) throw new InputInvalid(`${input} has no "requests"; it must be the body of a _rank_eval request`);
  const judgments = new JudgmentCollection(report);
  const indexes = new Set<string>();
  for (const [place, value] of body.data.requests.entries()) {
    const at = `requests[${place}]`;
    const request = requestSchema.safeParse(value);
    if (!request.success) {
      report.reject({ line: null, at, raw: JSON.stringify(value) }, 'must be {"id": "…", "ratings": […]}');
      continue;
    }
    const { id, params = {}, ratings } = request.data;
    const query = findText(params);
    for (const [number, rated] of ratings.entries()) {
      const origin = { line: null, at: `${at}.ratings[${number}]`, raw: JSON.stringify(rated) };
      const rating = ratingSchema.safeParse(rated);
      const grade = rating.success ? parseNumber(String(rating.data.rating)) : null;
      if (!rating.success) report.reject(origin, 'must be {"_index": "…", "_id": "…", "rating": …}');
      else if (grade === null) report.reject(origin, `rating "${rating.data.rating}" is not a number`);
      else {
        if (rating.data._index !== undefined) indexes.add(rating.data._index);
        judgments.add({ queryId: id, query, docId: rating.data._id, grade }, origin);
      }
    }
  }
  if (indexes.size > 1) report.note(`ratings name ${indexes.size} indexes (${[...indexes].join(', ')}); ids alone are kept`);
  return judgments.finish();
}

function findText(params: Readonly<Record<string, unknown>>): string | null {
  const name = TEXT_PARAMS.find((each) => typeof params[each] === 'string');
  const value = name === undefined ? undefined : params[name];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** A whole body: one template over all text fields, a request a query. The engine takes whole ratings from 0 only; others are rejects. */
export function* writeRankEval({ queries }: JudgmentSet, { index, report }: { index: string; report: ImportReport }): Generator<string> {
  const template = { id: 'typed', template: { source: { query: { multi_match: { query: '{{query}}', lenient: true } } } } };
  const metric = { dcg: { k: 10, normalize: true } };
  yield `{"templates":[${JSON.stringify(template)}],\n"metric":${JSON.stringify(metric)},\n"requests":[`;
  let separator = '\n';
  for (const judged of queries) {
    const ratings = [...judged.grades].flatMap(([_id, rating]) => {
      if (Number.isInteger(rating) && rating >= 0) return [{ _index: index, _id, rating }];
      report.reject({ line: null, raw: `${idOfJudged(judged)} ${_id} ${rating}` }, '_rank_eval takes whole ratings from 0');
      return [];
    });
    if (judged.query === null) {
      report.reject({ line: null, raw: judged.queryId ?? '' }, 'the text of this query is not known; give the queries with --queries FILE');
    } else if (ratings.length > 0) {
      yield `${separator}${JSON.stringify({ id: idOfJudged(judged), template_id: 'typed', params: { query: judged.query }, ratings })}`;
      separator = ',\n';
      report.countWritten(ratings.length);
    }
  }
  yield '\n]}\n';
}
