import { z } from 'zod';
import { importRun, ScoredLists, strictScores, type Run, type RunImport } from './runs/imported-run.js';
import type { ImportReport } from './import-report.js';
import { InputInvalid } from './input-lines.js';
import { parseJsonDocument } from './json-document.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments/judgments.js';

/** ranx keeps judgments and runs in one shape: `{"query": {"document": number}}`. */
const documentSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

export function isRanxDocument(value: unknown): boolean {
  const parsed = z.record(z.string(), z.record(z.string(), z.number())).safeParse(value);
  return parsed.success && Object.keys(parsed.data).length > 0;
}

function* readNumbers(text: string, input: string, report: ImportReport) {
  const parsed = documentSchema.safeParse(parseJsonDocument(text, input));
  if (!parsed.success) throw new InputInvalid(`${input} is not ranx JSON; it must be {"query": {"document": number, …}, …}`);
  for (const [queryId, documents] of Object.entries(parsed.data)) {
    for (const [docId, value] of Object.entries(documents)) {
      const origin = { line: null, at: JSON.stringify(queryId), raw: JSON.stringify({ [docId]: value }) };
      if (typeof value === 'number') yield { queryId, docId, value, origin };
      else report.reject(origin, 'not a number');
    }
  }
}

export function readRanxJudgments(text: string, { input, report }: { input: string; report: ImportReport }): JudgmentSet {
  const judgments = new JudgmentCollection(report);
  for (const { queryId, docId, value, origin } of readNumbers(text, input, report)) {
    judgments.add({ queryId, query: null, docId, grade: value }, origin);
  }
  return judgments.finish();
}

export function* writeRanxJudgments({ queries }: JudgmentSet, { report }: { report: ImportReport }): Generator<string> {
  for (const { grades } of queries) {
    report.countWritten(grades.size);
    if ([...grades.values()].some((grade) => !Number.isInteger(grade)))
      report.note('grades have fractions; ranx rounds grades down as it loads them');
  }
  yield* writeObject(queries.map((judged) => [idOfJudged(judged), [...judged.grades]]));
}

/** Ordered by score, ties by falling document id. */
export function readRanxRun(source: RunImport & { readonly input: string }): Run {
  const lists = new ScoredLists(source.report);
  for (const { queryId, docId, value, origin } of readNumbers(source.text, source.input, source.report))
    lists.add(queryId, docId, value, origin);
  return importRun('imported', lists.finish(), source);
}

export function* writeRanxRun({ lines }: Run, { report }: { report: ImportReport }): Generator<string> {
  const answered = lines.filter(({ state }) => state === 'ok');
  if (answered.length < lines.length) report.note('queries that failed or found nothing are not written');
  const lists = answered.map(({ query_id, hits }): [string, [string, number][]] => {
    const { scores, own } = strictScores(hits);
    report.countWritten(hits.length);
    if (!own) report.note('scores that do not fall strictly are written as ranks from below, so that the order stays');
    return [query_id, hits.map(({ id }, place) => [id, scores[place] ?? 0])];
  });
  yield* writeObject(lists);
}

/** Written by hand, since a JavaScript object would sort ids that look like numbers to the front. */
function* writeObject(queries: readonly (readonly [string, readonly (readonly [string, number])[]])[]): Generator<string> {
  let separator = '{\n';
  for (const [queryId, documents] of queries) {
    const members = documents.map(([docId, value]) => `${JSON.stringify(docId)}:${value}`);
    yield `${separator}${JSON.stringify(queryId)}:{${members.join(',')}}`;
    separator = ',\n';
  }
  yield queries.length === 0 ? '{}\n' : '\n}\n';
}
