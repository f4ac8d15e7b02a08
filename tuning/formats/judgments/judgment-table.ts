import { readCsvTable, writeCsvRow } from '../csv-table.js';
import { parseNumber, type ImportReport } from '../import-report.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments.js';

const QUERY = ['query', 'querytext', 'userquery'];
const DOCUMENT = ['docid', 'documentid', 'productid', 'objectid', 'id'];

/** Judgments as Quepid and the Search Relevance Workbench exchange them: `query,docid,rating`, also `query,doc_id,rating`; other columns are left. */
export function readJudgmentTable(text: string, { input, report }: { input: string; report: ImportReport }): JudgmentSet {
  const columns = {
    query: { spellings: QUERY, required: true },
    queryId: { spellings: ['queryid', 'qid'], required: false },
    document: { spellings: DOCUMENT, required: true },
    rating: { spellings: ['rating', 'grade', 'judgment', 'judgement'], required: true },
  } as const;
  const judgments = new JudgmentCollection(report);
  for (const { cells, origin } of readCsvTable(text, { input, columns, report })) {
    const grade = parseNumber(cells.rating ?? '');
    if (grade === null) {
      report.reject(origin, (cells.rating ?? '').trim() === '' ? 'no rating' : `rating "${cells.rating ?? ''}" is not a number`);
      continue;
    }
    judgments.add({ queryId: cells.queryId ?? null, query: cells.query ?? null, docId: cells.document ?? '', grade }, origin);
  }
  return judgments.finish();
}

/** `query,<documentColumn>,rating` by query. A query of which only the id is known is a reject. */
export function* writeJudgmentTable(
  { queries }: JudgmentSet,
  { documentColumn, report }: { documentColumn: string; report: ImportReport },
): Generator<string> {
  yield writeCsvRow(['query', documentColumn, 'rating']);
  const ids = new Map<string, string>();
  for (const { queryId, query, grades } of queries) {
    if (query === null) {
      report.reject({ line: null, raw: queryId ?? '' }, 'the text of this query is not known; give the queries with --queries FILE');
      continue;
    }
    if (ids.has(query)) {
      report.reject(
        { line: null, raw: queryId ?? query },
        `query "${query}" is judged under id ${ids.get(query)} too, and this format has no ids`,
      );
      continue;
    }
    ids.set(query, queryId ?? query);
    for (const [docId, grade] of grades) {
      yield writeCsvRow([query, docId, String(grade)]);
      report.countWritten();
    }
  }
}

/** Gain by label. */
export type EsciGains = Readonly<Record<'E' | 'S' | 'C' | 'I', number>>;

/** As the authors of the data weigh them (Reddy et al. 2022, "Shopping queries dataset"). */
export const ESCI_GAINS: EsciGains = { E: 1, S: 0.1, C: 0.01, I: 0 };

const LABELS: Readonly<Record<string, keyof EsciGains>> = {
  ...{ e: 'E', s: 'S', c: 'C', i: 'I' },
  ...{ exact: 'E', substitute: 'S', complement: 'C', irrelevant: 'I' },
};

/** Amazon's Shopping Queries data: `query_id,product_id` with `grade` or `esci_label` (E, S, C, I or the words), and `query` where it is there. */
export function readEsci(text: string, { input, report, gains }: { input: string; report: ImportReport; gains: EsciGains }): JudgmentSet {
  const columns = {
    queryId: { spellings: ['queryid'], required: true },
    query: { spellings: QUERY, required: false },
    document: { spellings: ['productid', ...DOCUMENT], required: true },
    label: { spellings: ['grade', 'escilabel', 'label'], required: true },
  } as const;
  const judgments = new JudgmentCollection(report);
  for (const { cells, origin } of readCsvTable(text, { input, columns, report })) {
    const label = LABELS[(cells.label ?? '').trim().toLowerCase()];
    if (label === undefined) report.reject(origin, `label "${cells.label ?? ''}" is none of E, S, C, I`);
    else {
      const judgment = { queryId: cells.queryId ?? '', query: cells.query ?? null, docId: cells.document ?? '', grade: gains[label] };
      judgments.add(judgment, origin);
    }
  }
  return judgments.finish();
}

/** `query_id,query,product_id,grade`; a grade that is none of the four gains is a reject. */
export function* writeEsci({ queries }: JudgmentSet, { report, gains }: { report: ImportReport; gains: EsciGains }): Generator<string> {
  const labels = new Map(Object.entries(gains).map(([label, gain]) => [gain, label]));
  const withTexts = queries.every(({ query }) => query !== null);
  yield writeCsvRow(withTexts ? ['query_id', 'query', 'product_id', 'grade'] : ['query_id', 'product_id', 'grade']);
  for (const judged of queries) {
    for (const [docId, grade] of judged.grades) {
      const label = labels.get(grade);
      const cells = [idOfJudged(judged), ...(withTexts ? [judged.query ?? ''] : []), docId];
      if (label === undefined)
        report.reject({ line: null, raw: [...cells, grade].join(',') }, `grade ${grade} is the gain of no label; give --gains`);
      else {
        yield writeCsvRow([...cells, label]);
        report.countWritten();
      }
    }
  }
}
