import { parseNumber, type ImportReport } from '../import-report.js';
import { splitLines } from '../input-lines.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments.js';

/** TREC qrels: `query iteration document grade`, separated by blanks. */
export function readQrels(text: string, { report }: { report: ImportReport }): JudgmentSet {
  const judgments = new JudgmentCollection(report);
  for (const { line, text: raw } of splitLines(text)) {
    if (raw.trim() === '') continue;
    const cells = raw.trim().split(/\s+/);
    const [queryId = '', , docId = '', relevance = ''] = cells;
    const grade = parseNumber(relevance);
    if (cells.length !== 4) report.reject({ line, raw }, `${cells.length} columns; qrels have four: query 0 document grade`);
    else if (grade === null) report.reject({ line, raw }, `grade "${relevance}" is not a number`);
    else judgments.add({ queryId, query: null, docId, grade }, { line, raw });
  }
  return judgments.finish();
}

/** By query; ids that hold blanks are rejects. Queries without an id get the one of their text. */
export function* writeQrels({ queries }: JudgmentSet, { report }: { report: ImportReport }): Generator<string> {
  for (const judged of queries) {
    const id = idOfJudged(judged);
    if (judged.queryId === null)
      report.note('query ids are made of the queries’ texts; the query set gets the same by: fuserank convert --to queries');
    for (const [docId, grade] of judged.grades) {
      const raw = `${id} 0 ${docId} ${grade}`;
      if (/\s/.test(id) || /\s/.test(docId)) report.reject({ line: null, raw }, 'TREC columns are split at blanks, and an id holds one');
      else {
        if (!Number.isInteger(grade)) report.note('grades have fractions; trec_eval reads whole grades only');
        yield `${raw}\n`;
        report.countWritten();
      }
    }
  }
}
