import { judgmentsOfRows, readFeatureRows, rowsOfJudgments, writeFeatureRows, type FeatureRows } from './feature-rows.js';
import type { Run, RunImport } from './runs/imported-run.js';
import { readEsci, readJudgmentTable, writeEsci, writeJudgmentTable, type EsciGains } from './judgments/judgment-table.js';
import { queriesOfJudgments, type JudgmentSet } from './judgments/judgments.js';
import type { ImportReport } from './import-report.js';
import { readOwnRun, writeOwnRun } from './runs/own-run.js';
import { readQrels, writeQrels } from './judgments/qrels.js';
import type { EvaluatedQuery } from './queries/queries.js';
import { readQueryLines, readQueryTable, writeQueryLines, writeQueryTable } from './queries/query-file.js';
import { readRankEval, writeRankEval } from './judgments/rank-eval.js';
import { readRanxJudgments, readRanxRun, writeRanxJudgments, writeRanxRun } from './ranx-json.js';
import { readTrecRun, writeTrecRun } from './runs/trec-run.js';
import { readClickJudgments } from './ubi/click-judgments.js';
import { readLoggedQueries } from './ubi/logged-queries.js';
import { readWorkbenchJudgments, readWorkbenchQueries, writeWorkbenchJudgments, writeWorkbenchQueries } from './workbench.js';

export type Kind = 'judgments' | 'queries' | 'run' | 'rows';

/** What was read, by kind. */
export type Content =
  | { readonly kind: 'judgments'; readonly value: JudgmentSet }
  | { readonly kind: 'queries'; readonly value: readonly EvaluatedQuery[] }
  | { readonly kind: 'run'; readonly value: Run }
  | { readonly kind: 'rows'; readonly value: FeatureRows };

/** What readers may need; each takes its part. */
export interface Reading extends RunImport {
  /** Name of the input for errors. */
  readonly input: string;
  readonly gains: EsciGains;
  readonly tagsFrom: string | null;
  /** Of a query and a product that clicks shall judge. */
  readonly minImpressions: number;
}

/** What writers may need. */
export interface Writing {
  readonly report: ImportReport;
  /** Name that a document of the workbench gets. */
  readonly name: string;
  /** Index that `_rank_eval` ratings name. */
  readonly index: string;
  /** Header of Quepid's column of documents. */
  readonly documentColumn: string;
  readonly gains: EsciGains;
}

interface Form<Value> {
  readonly read: (source: Reading) => Value | Promise<Value>;
  readonly write: (value: Value, to: Writing) => Iterable<string>;
}

const JUDGMENTS = {
  quepid: { read: (from) => readJudgmentTable(from.text, from), write: writeJudgmentTable },
  'srw-judgments': { read: (from) => readWorkbenchJudgments(from.text, from), write: writeWorkbenchJudgments },
  'srw-csv': {
    read: (from) => readJudgmentTable(from.text, from),
    write: (value, to) => writeJudgmentTable(value, { ...to, documentColumn: 'docid' }),
  },
  qrels: { read: (from) => readQrels(from.text, from), write: writeQrels },
  esci: { read: (from) => readEsci(from.text, from), write: writeEsci },
  'rank-eval': { read: (from) => readRankEval(from.text, from), write: writeRankEval },
  'ranx-qrels': { read: (from) => readRanxJudgments(from.text, from), write: writeRanxJudgments },
} satisfies Record<string, Form<JudgmentSet>>;

const QUERIES = {
  queries: { read: (from) => readQueryLines(from.text, from), write: writeQueryLines },
  'queries-csv': { read: (from) => readQueryTable(from.text, from), write: writeQueryTable },
  'srw-queries': { read: (from) => readWorkbenchQueries(from.text, from), write: writeWorkbenchQueries },
} satisfies Record<string, Form<readonly EvaluatedQuery[]>>;

const RUNS = {
  run: { read: readOwnRun, write: writeOwnRun },
  'trec-run': { read: readTrecRun, write: writeTrecRun },
  'ranx-run': { read: readRanxRun, write: writeRanxRun },
} satisfies Record<string, Form<Run>>;

const ROWS = { svmrank: { read: (from) => readFeatureRows(from.text, from), write: writeFeatureRows } } satisfies Record<
  string,
  Form<FeatureRows>
>;

/** Logs are read, never written. What they hold depends on what is wanted of them. */
const LOGS = {
  'ubi-judgments': (from: Reading): Content => ({ kind: 'judgments', value: readClickJudgments(from.text, from) }),
  'ubi-queries': (from: Reading): Content => ({ kind: 'queries', value: readLoggedQueries(from.text, from) }),
} satisfies Record<string, (from: Reading) => Content>;

export type LogName = keyof typeof LOGS;

/** What can be read. */
export type SourceName = FormatName | LogName;

/** What can be read and written. */
export type FormatName = keyof typeof JUDGMENTS | keyof typeof QUERIES | keyof typeof RUNS | keyof typeof ROWS;

/** Names that stand for a format a kind. */
export const FAMILIES: Readonly<Record<string, readonly FormatName[]>> = {
  srw: ['srw-judgments', 'srw-queries'],
  trec: ['qrels', 'trec-run'],
  ranx: ['ranx-qrels', 'ranx-run'],
};

const KINDS: readonly [Kind, Readonly<Record<string, unknown>>][] = [
  ['judgments', JUDGMENTS],
  ['queries', QUERIES],
  ['run', RUNS],
  ['rows', ROWS],
];

export const FORMAT_NAMES: readonly string[] = KINDS.flatMap(([, forms]) => Object.keys(forms));

export function isFormatName(name: string): name is FormatName {
  return FORMAT_NAMES.includes(name);
}

export function isLogName(name: string): name is LogName {
  return Object.hasOwn(LOGS, name);
}

export const SOURCE_NAMES: readonly string[] = [...FORMAT_NAMES, ...Object.keys(LOGS)];

export function kindOf(name: FormatName): Kind {
  const found = KINDS.find(([, forms]) => Object.hasOwn(forms, name));
  if (!found) throw new Error(`${name} is of no kind`);
  return found[0];
}

/** Reads a text as a format. @throws InputInvalid where it is another as a whole */
export async function readContent(name: SourceName, source: Reading): Promise<Content> {
  if (isIn(LOGS, name)) return LOGS[name](source);
  if (isIn(JUDGMENTS, name)) return { kind: 'judgments', value: JUDGMENTS[name].read(source) };
  if (isIn(QUERIES, name)) return { kind: 'queries', value: QUERIES[name].read(source) };
  if (isIn(RUNS, name)) return { kind: 'run', value: await RUNS[name].read(source) };
  return { kind: 'rows', value: ROWS[name].read(source) };
}

/** The text of a content in a format, in pieces; null where a content of that kind cannot be written so. */
export function writeContent(content: Content, name: FormatName, to: Writing): Iterable<string> | null {
  if (isIn(RUNS, name)) return content.kind === 'run' ? RUNS[name].write(content.value, to) : null;
  if (isIn(QUERIES, name)) {
    if (content.kind === 'queries') return QUERIES[name].write(content.value, to);
    const judgments = judgmentsOf(content, to.report);
    return judgments && QUERIES[name].write(queriesOfJudgments(judgments, to.report), to);
  }
  const judgments = judgmentsOf(content, to.report);
  if (isIn(JUDGMENTS, name)) return judgments && JUDGMENTS[name].write(judgments, to);
  if (content.kind === 'rows') return ROWS[name].write(content.value, to);
  return judgments && ROWS[name].write(rowsOfJudgments(judgments), to);
}

/** Judgments, also those of rows; null where there are none. */
export function judgmentsOf(content: Content, report: ImportReport): JudgmentSet | null {
  if (content.kind === 'judgments') return content.value;
  return content.kind === 'rows' ? judgmentsOfRows(content.value, report) : null;
}

function isIn<Forms extends object>(forms: Forms, name: PropertyKey): name is keyof Forms {
  return Object.hasOwn(forms, name);
}
