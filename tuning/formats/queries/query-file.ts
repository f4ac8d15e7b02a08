import { readCsvTable, writeCsvRow } from '../csv-table.js';
import type { ImportReport } from '../import-report.js';
import { splitLines } from '../input-lines.js';
import { QueryCollection, type EvaluatedQuery } from './queries.js';

const MEMBERS = ['query_id', 'query', 'image', 'user_id', 'session_id', 'history', 'tags'];

export interface QueryReading {
  readonly input: string;
  readonly report: ImportReport;
  /** A further column or member whose value becomes a tag. */
  readonly tagsFrom: string | null;
}

/** NDJSON: `{query_id?, query, image?, user_id?, session_id?, history?, tags?}` a line. */
export function readQueryLines(text: string, { report, tagsFrom }: QueryReading): EvaluatedQuery[] {
  const queries = new QueryCollection(report);
  for (const { line, text: raw } of splitLines(text)) {
    if (raw.trim() === '') continue;
    const value = parseObject(raw);
    if (value === null) {
      report.reject({ line, raw }, 'not a JSON object');
      continue;
    }
    const tag = tagsFrom === null ? undefined : value[tagsFrom];
    for (const name of Object.keys(value)) if (!MEMBERS.includes(name) && name !== tagsFrom) noteUnread(report, name, line);
    queries.add(typeof tag === 'string' ? { ...value, tags: [...listOf(value['tags']), tag] } : value, { line, raw });
  }
  return queries.finish();
}

export function* writeQueryLines(queries: readonly EvaluatedQuery[], { report }: { report: ImportReport }): Generator<string> {
  for (const { tags, ...query } of queries) {
    yield `${JSON.stringify(tags.length === 0 ? query : { ...query, tags })}\n`;
    report.countWritten();
  }
}

/** CSV with the members as columns; `tags` are separated by `|`, `history` is its JSON. Of the columns only `query` must be there. */
export function readQueryTable(text: string, { input, report, tagsFrom }: QueryReading): EvaluatedQuery[] {
  const columns = {
    query: { spellings: ['query', 'querytext', 'userquery'], required: true },
    query_id: { spellings: ['queryid', 'qid'], required: false },
    image: { spellings: ['image'], required: false },
    user_id: { spellings: ['userid'], required: false },
    session_id: { spellings: ['sessionid'], required: false },
    history: { spellings: ['history'], required: false },
    tags: { spellings: ['tags', 'tag'], required: false },
  } as const;
  const queries = new QueryCollection(report);
  for (const { cells, others, origin } of readCsvTable(text, { input, columns, report })) {
    for (const name of Object.keys(others)) if (name !== tagsFrom) noteUnread(report, name, null);
    const { history: written, tags: joined, ...plain } = dropEmpty(cells);
    const history = written === undefined ? undefined : parseValue(written);
    if (written !== undefined && history === undefined) {
      report.reject(origin, 'history is not JSON; write it as [{"object_id":"…","action_name":"click","age_s":60}]');
      continue;
    }
    const tag = tagsFrom === null ? '' : (others[tagsFrom] ?? '');
    const tags = [...(joined ?? '').split('|'), tag].map((each) => each.trim()).filter((each) => each !== '');
    queries.add({ ...plain, ...(history === undefined ? {} : { history }), tags }, origin);
  }
  return queries.finish();
}

export function* writeQueryTable(queries: readonly EvaluatedQuery[], { report }: { report: ImportReport }): Generator<string> {
  yield writeCsvRow(MEMBERS);
  for (const { query_id, query, image, user_id, session_id, history, tags } of queries) {
    const split = tags.find((tag) => tag.includes('|') || tag.trim() !== tag);
    if (split !== undefined) report.reject({ line: null, raw: query_id }, `tag "${split}" holds what separates tags in a cell; rename it`);
    else {
      const cells = [
        query_id,
        query,
        image,
        user_id,
        session_id,
        history === undefined ? undefined : JSON.stringify(history),
        tags.join('|'),
      ];
      yield writeCsvRow(cells.map((cell) => cell ?? ''));
      report.countWritten();
    }
  }
}

function noteUnread(report: ImportReport, name: string, line: number | null): void {
  report.note(`"${name}" is not read; make it a tag with --tags-from ${name}`, line);
}

function dropEmpty(cells: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(cells).filter(([, cell]) => cell !== undefined && cell !== ''));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function parseObject(text: string): Record<string, unknown> | null {
  const value = parseValue(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
