import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { flattenName } from './csv-table.js';
import type { FormatName } from './format-table.js';
import { InputInvalid, splitLines } from './input-lines.js';
import { parseJsonOrUndefined } from './json-document.js';
import { parseJsonDocument } from './json-document.js';
import { isRanxDocument } from './ranx-json.js';
import { isUbiRecord } from './ubi/ubi-log.js';
import { workbenchKind } from './workbench.js';

/** Of a first line in an error. */
const SHOWN_CHARACTERS = 80;

/** What content alone does not tell: ranx JSON may be judgments or a run, and a UBI log gives judgments or queries. */
export type Ambiguous = 'ranx' | 'ubi';

/**
 * Tells a format by its content alone; what is ambiguous is left to the caller.
 * @throws InputInvalid where no format is recognised
 */
export function detectFormat(text: string, input: string): FormatName | Ambiguous {
  const trimmed = text.trimStart();
  if (trimmed === '') throw new InputInvalid(`${input} is empty; name the file that holds them`);
  const found = trimmed.startsWith('{') || trimmed.startsWith('[') ? detectJson(trimmed, input) : detectLines(text);
  if (found === null) {
    throw new InputInvalid(
      `${input}: not recognised by its content, which begins ${JSON.stringify(firstLine(trimmed))}; fuserank convert --help lists the formats ` +
        'and their columns, and its --from says what a file is',
    );
  }
  return found;
}

/** As an error may show it. */
export function firstLine(text: string): string {
  const [line = ''] = text.trimStart().split(/\r?\n/, 1);
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}

function detectJson(text: string, input: string): FormatName | Ambiguous | null {
  if (text.startsWith('[')) {
    throw new InputInvalid(`${input} is one JSON array; write one object a line, for example: jq -c '.[]' ${input}`);
  }
  const first = firstObject(text);
  if (isObjectWith(first, 'fuserank_run')) return 'run';
  // Before query sets: a document of ubi_queries has a member `query` too.
  if (isUbiRecord(first)) return 'ubi';
  const whole = first !== null && isOneLine(text) ? first : (parseJsonOrUndefined(text) ?? null);
  const workbench = workbenchKind(whole, input);
  if (workbench !== null) return workbench === 'judgments' ? 'srw-judgments' : 'srw-queries';
  if (isObjectWith(whole, 'requests')) return 'rank-eval';
  if (isRanxDocument(whole)) return 'ranx';
  if (isObjectWith(first, 'query') || isObjectWith(first, 'image')) return 'queries';
  // Neither lines nor a document: the parser says where it broke.
  if (first === null && whole === null) parseJsonDocument(text, input);
  return null;
}

function detectLines(text: string): FormatName | null {
  for (const { text: line } of splitLines(text)) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const cells = line.trim().split(/\s+/);
    if (/^\S+\s+qid:\S+/.test(line)) return 'svmrank';
    // Before TREC's columns, since a header may hold blanks.
    const table = detectTable(line);
    if (table !== null) return table;
    if (cells.length === 6 && isNumber(cells[4])) return 'trec-run';
    return cells.length === 4 && isNumber(cells[3]) ? 'qrels' : null;
  }
  return null;
}

/** By the names of the first row; also where the delimiter is wrong, so that the reader can say so. */
function detectTable(line: string): FormatName | null {
  const delimiter = [',', ';', '\t', '|'].find((each) => line.includes(each)) ?? ',';
  const names = new Set(parseRow(line, delimiter).map(flattenName));
  const has = (...spellings: string[]): boolean => spellings.some((name) => names.has(name));
  if (has('queryid') && has('productid') && has('grade', 'escilabel')) return 'esci';
  if (has('query', 'querytext') && has('docid', 'documentid', 'productid') && has('rating', 'grade', 'judgment')) return 'quepid';
  return has('query', 'querytext', 'userquery') ? 'queries-csv' : null;
}

function parseRow(line: string, delimiter: string): string[] {
  try {
    const rows = z.array(z.array(z.string())).parse(parse(line, { delimiter, relax_quotes: true }));
    return rows[0] ?? [];
  } catch {
    return [];
  }
}

function isNumber(cell: string | undefined): boolean {
  return cell !== undefined && cell !== '' && Number.isFinite(Number(cell));
}

/** Of the first lines the first that is JSON by itself: one broken line does not hide what the others are. */
function firstObject(text: string): unknown {
  for (const { line, text: raw } of splitLines(text)) {
    const value = parseJsonOrUndefined(raw) ?? null;
    if (value !== null || line === LINES_TRIED) return value;
  }
  return null;
}

const LINES_TRIED = 20;

function isOneLine(text: string): boolean {
  return text.trimEnd().indexOf('\n') === -1;
}

function isObjectWith(value: unknown, member: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, member);
}
