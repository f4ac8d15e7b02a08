import { parseNumber, type ImportReport } from './import-report.js';
import { splitLines } from './input-lines.js';
import { JudgmentCollection, idOfJudged, type JudgmentSet } from './judgments/judgments.js';

/** One training row: a judged document with its feature values. */
export interface FeatureRow {
  readonly query_id: string;
  readonly query: string | null;
  readonly doc_id: string;
  readonly grade: number;
  /** In the order of `features`; null = missing, which is not 0. */
  readonly values: readonly (number | null)[];
}

export interface FeatureRows {
  readonly features: readonly string[];
  readonly rows: readonly FeatureRow[];
}

/**
 * SVMrank lines, as RankLib, LightGBM and the LTR plugin's tools take them: `grade qid:7 1:0.5 2:3 # document`. Comments in front carry what
 * the lines cannot: `# feature:1: name`, `# qid:7: text` (also hello-ltr's), `# query_id:7: id` where the id is no whole number. A feature
 * that is absent or NaN is missing. Without names, features are called by their numbers.
 */
export function readFeatureRows(text: string, { report }: { report: ImportReport }): FeatureRows {
  const names = { feature: new Map<string, string>(), qid: new Map<string, string>(), query_id: new Map<string, string>() };
  const rows: { qid: string; docId: string; grade: number; values: Map<number, number | null> }[] = [];
  const seen = new Map<string, number>();
  for (const { line, text: raw } of splitLines(text)) {
    const comment = /^#\s*(feature|qid|query_id):([^:\s]+):\s?(.*)$/s.exec(raw);
    if (comment) {
      const [, kind, key = '', value = ''] = comment;
      if (kind === 'feature' || kind === 'qid' || kind === 'query_id') names[kind].set(key, decodeComment(value));
      continue;
    }
    if (raw.trim() === '' || raw.startsWith('#')) continue;
    const row = parseRow(raw);
    if (typeof row === 'string') {
      report.reject({ line, raw }, row);
      continue;
    }
    const key = JSON.stringify([row.qid, row.docId]);
    const before = row.docId === '' ? undefined : seen.get(key);
    if (row.docId === '') report.reject({ line, raw }, 'no document; write its id behind #');
    else if (before !== undefined) report.reject({ line, raw }, `document "${row.docId}" of query ${row.qid} stands on line ${before}`);
    else {
      seen.set(key, line);
      rows.push(row);
    }
  }
  const width = rows.reduce((most, { values }) => Math.max(most, ...values.keys(), 0), highestOf(names.feature));
  if (names.feature.size < width) report.note('features without a name in a header comment are called by their numbers');
  return {
    features: Array.from({ length: width }, (_, place) => names.feature.get(String(place + 1)) ?? String(place + 1)),
    rows: rows.map(({ qid, docId, grade, values }) => ({
      query_id: names.query_id.get(qid) ?? qid,
      query: names.qid.get(qid) ?? null,
      doc_id: docId,
      grade,
      values: Array.from({ length: width }, (_, place) => values.get(place + 1) ?? null),
    })),
  };
}

function highestOf(names: ReadonlyMap<string, string>): number {
  return [...names.keys()]
    .map(Number)
    .reduce((most, number) => (Number.isSafeInteger(number) && number < MOST_FEATURES ? Math.max(most, number) : most), 0);
}

/** A number above this is a mistake, and an array that long would be too. */
const MOST_FEATURES = 100_000;

/** A row, or what is wrong with it. */
function parseRow(raw: string): { qid: string; docId: string; grade: number; values: Map<number, number | null> } | string {
  const [data = '', ...comment] = raw.split('#');
  const [written = '', qid = '', ...pairs] = data.trim().split(/\s+/);
  const grade = parseNumber(written);
  if (grade === null) return `grade "${written}" is not a number`;
  if (!/^qid:[^:]+$/.test(qid)) return 'the second column must be qid:<number>';
  const values = new Map<number, number | null>();
  let last = 0;
  for (const pair of pairs) {
    const [place = '', value = ''] = pair.split(':');
    const number = parseNumber(value);
    if (!/^\d+$/.test(place) || (number === null && value.toLowerCase() !== 'nan')) return `"${pair}" is no feature; write number:value`;
    if (Number(place) <= last || Number(place) > MOST_FEATURES) return `feature numbers must rise from 1, and ${place} comes after ${last}`;
    last = Number(place);
    values.set(last, number);
  }
  // LETOR writes `#docid = GX029 inc = …`.
  const [docId = ''] = comment
    .join('#')
    .replace(/^\s*docid\s*=/i, '')
    .trim()
    .split(/\s+/);
  return { qid: qid.slice(4), docId, grade, values };
}

/** By query in the order of their first row. */
export function* writeFeatureRows({ features, rows }: FeatureRows, { report }: { report: ImportReport }): Generator<string> {
  const queries = new Map<string, FeatureRow[]>();
  for (const row of rows) {
    const own = queries.get(row.query_id);
    if (own) own.push(row);
    else queries.set(row.query_id, [row]);
  }
  const whole = [...queries.keys()].every((id) => /^[1-9]\d{0,8}$/.test(id));
  const numbered = [...queries].map(([id, own], place) => ({ id, own, qid: whole ? id : String(place + 1) }));
  for (const [place, name] of features.entries()) yield `# feature:${place + 1}: ${encodeComment(name)}\n`;
  for (const { id, own, qid } of numbered) {
    const query = own[0]?.query ?? null;
    if (!whole) yield `# query_id:${qid}: ${encodeComment(id)}\n`;
    if (query !== null) yield `# qid:${qid}: ${encodeComment(query)}\n`;
  }
  for (const { own, qid } of numbered) {
    for (const { grade, values, doc_id } of own) {
      const pairs = values.flatMap((value, place) => (value === null ? [] : [` ${place + 1}:${value}`]));
      const line = `${grade} qid:${qid}${pairs.join('')} # ${doc_id}`;
      if (/\s/.test(doc_id)) report.reject({ line: null, raw: line }, 'what follows # is split at blanks, and the document id holds one');
      else {
        yield `${line}\n`;
        report.countWritten();
      }
    }
  }
}

/** A text that a comment cannot hold as it is stands there as JSON. */
function encodeComment(text: string): string {
  return /[\r\n]|^["\s]|\s$/.test(text) ? JSON.stringify(text) : text;
}

function decodeComment(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** The grades of rows. */
export function judgmentsOfRows({ rows }: FeatureRows, report: ImportReport): JudgmentSet {
  const judgments = new JudgmentCollection(report);
  for (const { query_id, query, doc_id, grade } of rows) {
    judgments.add({ queryId: query_id, query, docId: doc_id, grade }, { line: null, raw: `${grade} qid:${query_id} # ${doc_id}` });
  }
  return judgments.finish();
}

/** Rows without features: the judgment list from which LTR tools log features. */
export function rowsOfJudgments({ queries }: JudgmentSet): FeatureRows {
  return {
    features: [],
    rows: queries.flatMap((judged) =>
      [...judged.grades].map(([doc_id, grade]) => ({ query_id: idOfJudged(judged), query: judged.query, doc_id, grade, values: [] })),
    ),
  };
}
