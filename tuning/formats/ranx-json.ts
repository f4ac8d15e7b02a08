import { importRun, ScoredLists, strictScores, type Run, type RunImport } from './runs/imported-run.js';
import type { ImportReport } from './import-report.js';
import { InputInvalid } from './input-lines.js';
import { parseJsonDocument } from './json-document.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments/judgments.js';

/** ranx keeps judgments and runs in one shape: `{"query": {"document": number}}`. */
export function isRanxDocument(value: unknown): boolean {
  const queries = membersOf(value);
  if (queries === null || queries.length === 0) return false;
  return queries.every(([, documents]) => membersOf(documents)?.every(([, number]) => typeof number === 'number') ?? false);
}

/** Every member, also one called `__proto__`, which a validated copy would lose; null for what is no object. */
function membersOf(value: unknown): [string, unknown][] | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : null;
}

function* readNumbers(text: string, input: string, report: ImportReport) {
  const queries = membersOf(parseJsonDocument(text, input));
  if (queries === null) throw new InputInvalid(`${input} is not ranx JSON; it must be {"query": {"document": number, …}, …}`);
  for (const [queryId, value] of queries) {
    const at = JSON.stringify(queryId);
    const documents = membersOf(value);
    if (documents === null) report.reject({ line: null, at, raw: JSON.stringify(value) }, 'must be {"document": number, …}');
    for (const [docId, number] of documents ?? []) {
      const origin = { line: null, at, raw: `${JSON.stringify(docId)}:${JSON.stringify(number)}` };
      if (typeof number === 'number') yield { queryId, docId, value: number, origin };
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
