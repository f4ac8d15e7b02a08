import { asList, isJsonObject, parseJson, type Json, type JsonObject } from '../json/value.js';
import type { Span } from '../json/spans.js';

/** One search of an `_msearch`: its header line and its body line. */
export interface SearchLine {
  /** Index, routing and the like; empty where the line is. */
  readonly header: JsonObject;
  readonly body: JsonObject;
  /** Where the body line stands in the bytes, its end of line left out. */
  readonly span: Span;
}

const NEWLINE = 0x0a;

/**
 * Pairs of lines as the engine reads them: an empty header line is a header without members, but for one at the very
 * start, which is skipped; a last header without a body counts for nothing. Null where a line can't be read: the engine
 * refuses such a call whole, in its own words.
 */
export function readSearchLines(bytes: Buffer): SearchLine[] | null {
  if (bytes.at(-1) !== NEWLINE) return null;
  const lines: SearchLine[] = [];
  let at = bytes[0] === NEWLINE ? 1 : 0;
  while (at < bytes.length) {
    const headerEnd = bytes.indexOf(NEWLINE, at);
    const start = headerEnd + 1;
    if (start >= bytes.length) break;
    const end = bytes.indexOf(NEWLINE, start);
    const header = readObject(bytes.toString('utf8', at, headerEnd), true);
    const body = readObject(bytes.toString('utf8', start, end), false);
    if (!header || !body) return null;
    lines.push({ header, body, span: { start, end } });
    at = end + 1;
  }
  return lines;
}

/** Whether there are more lines than so many, ends of lines counted. */
export function holdsMoreLines(bytes: Buffer, most: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) if (++count > most) return true;
  return false;
}

function readObject(line: string, mayBeEmpty: boolean): JsonObject | null {
  if (line.trim() === '') return mayBeEmpty ? {} : null;
  let value: Json;
  try {
    value = parseJson(line);
  } catch {
    return null;
  }
  return isJsonObject(value) ? value : null;
}

/** Members of a header line, in both spellings that the engine takes, by the URL parameter that says the same of a `_search`. */
const HEADER_PARAMETERS: Readonly<Record<string, string>> = {
  search_type: 'search_type',
  searchType: 'search_type',
  request_cache: 'request_cache',
  requestCache: 'request_cache',
  preference: 'preference',
  routing: 'routing',
  allow_partial_search_results: 'allow_partial_search_results',
  expand_wildcards: 'expand_wildcards',
  expandWildcards: 'expand_wildcards',
  ignore_unavailable: 'ignore_unavailable',
  ignoreUnavailable: 'ignore_unavailable',
  allow_no_indices: 'allow_no_indices',
  allowNoIndices: 'allow_no_indices',
};

/** Parameters of the call that hold for each search of it. */
const CALL_PARAMETERS = [
  'search_type',
  'routing',
  'ignore_unavailable',
  'allow_no_indices',
  'expand_wildcards',
  'typed_keys',
  'format',
  'pretty',
];

/** What a header line and the call's own URL say of one search, as a `_search` would say it. */
export function readHeader(
  header: JsonObject,
  call: { readonly index: string; readonly query: URLSearchParams },
): { index: string; query: URLSearchParams } {
  const query = new URLSearchParams();
  for (const name of CALL_PARAMETERS) {
    const value = call.query.get(name);
    if (value !== null) query.set(name, value);
  }
  for (const [member, value] of Object.entries(header)) {
    const parameter = Object.hasOwn(HEADER_PARAMETERS, member) ? HEADER_PARAMETERS[member] : undefined;
    if (parameter !== undefined && value !== null) query.set(parameter, listText(value));
  }
  const index = header.index ?? header.indices;
  return { index: index === undefined || index === null ? call.index : listText(index), query };
}

/** A value, or a list of them with commas between, as a URL parameter has it. */
function listText(value: Json): string {
  return asList(value)
    .map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    .join(',');
}
