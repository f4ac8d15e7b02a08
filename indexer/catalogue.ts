import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { OWN_SOURCE_FIELDS } from '../mappings/product-index.js';
import { CatalogueUnreadable, openCatalogueBytes, peekBytes, splitLines } from './catalogue/catalogue-bytes.js';
import { readTableColumns, readTableRows } from './catalogue/catalogue-table.js';
import { readFirstText, type FieldPath } from './catalogue/field-path.js';
import type { TableColumns } from './catalogue/mapped-field.js';

/** One product as the shop wrote it. */
export interface Product {
  kind: 'product';
  id: string;
  input: string;
  /** 1-based line of the input on which it begins. */
  line: number;
  fields: Readonly<Record<string, unknown>>;
  /** The JSON object that is stored: for NDJSON the shop's own text, so that numbers above 2^53 and member order survive. */
  source: string;
}

/** What could not be indexed, or not wholly. `id` is null where none could be read. */
export interface Reject {
  kind: 'reject';
  input: string;
  line: number;
  id: string | null;
  reason: string;
}

/** A row before its id is known. */
export interface CatalogueRow {
  line: number;
  content: { fields: Readonly<Record<string, unknown>>; source: string } | { fault: string };
}

export type CatalogueFormat = 'ndjson' | 'csv' | 'tsv';

export interface CatalogueOptions {
  /** Files, or `-` for stdin; all are one catalogue: an id may come once. */
  inputs: readonly string[];
  id: FieldPath;
  /** CSV knows no numbers; these columns are stored as numbers where they are numbers. */
  numberFields: readonly string[];
  /** Default: told by the name, else by the first bytes. */
  format?: CatalogueFormat | undefined;
  /** Products at most. */
  limit?: number | undefined;
  stdin?: Readable | undefined;
  /** The columns of a CSV or TSV input, before its first row is given; what it throws ends the reading. */
  onColumns?: ((table: TableColumns) => void) | undefined;
}

/** OpenSearch's limit of a document id, in UTF-8 bytes. */
const ID_LIMIT = 512;

/**
 * Streams products and rejects in input order; never holds more than a chunk and one row.
 * @throws CatalogueUnreadable when an input as a whole cannot be read
 */
export async function* readCatalogue(options: CatalogueOptions): AsyncGenerator<Product | Reject> {
  const firstLines = new Map<string, string>();
  const limit = options.limit ?? Infinity;
  let count = 0;
  for (const input of options.inputs) {
    if (count >= limit) return;
    for await (const row of readRows(input, options)) {
      const entry = identify(row, input, options.id, firstLines);
      yield entry;
      if (entry.kind === 'product' && ++count >= limit) return;
    }
  }
}

/**
 * The columns of those inputs that are CSV or TSV files. Stdin can be read only once and is left alone; see `onColumns`.
 * @throws CatalogueUnreadable when an input cannot be read, or its first row cannot name columns
 */
export async function readColumns(options: Pick<CatalogueOptions, 'inputs' | 'format'>): Promise<TableColumns[]> {
  const tables: TableColumns[] = [];
  for (const input of options.inputs.filter((name) => name !== '-')) {
    const { head, all } = await peekBytes(openCatalogueBytes(input), 4096);
    const format = options.format ?? guessFormat(input, head);
    const columns = format === 'ndjson' ? null : await readTableColumns(all, { input, tabs: format === 'tsv' });
    if (columns !== null) tables.push({ input, columns });
  }
  return tables;
}

async function* readRows(input: string, options: CatalogueOptions): AsyncGenerator<CatalogueRow> {
  const { head, all } = await peekBytes(openCatalogueBytes(input, options.stdin), 4096);
  const format = options.format ?? guessFormat(input, head);
  if (format === 'ndjson') yield* readJsonLines(all);
  else {
    const { numberFields, onColumns } = options;
    yield* readTableRows(all, { input, tabs: format === 'tsv', numberFields, onColumns: (columns) => onColumns?.({ input, columns }) });
  }
}

function guessFormat(input: string, head: Buffer): CatalogueFormat {
  const name = input.toLowerCase().replace(/\.gz$/, '');
  if (/\.(ndjson|jsonl)$/.test(name)) return 'ndjson';
  if (/\.(tsv|tab)$/.test(name)) return 'tsv';
  if (name.endsWith('.csv')) return 'csv';
  const text = head.toString('utf8').trimStart();
  if (text.startsWith('{')) return 'ndjson';
  if (text.startsWith('[')) {
    throw new CatalogueUnreadable(`${input} is one JSON array; write one object a line, for example: jq -c '.[]' ${input}`);
  }
  const firstLine = text.split(/\r?\n/, 1)[0] ?? '';
  return firstLine.includes('\t') && !firstLine.includes(',') ? 'tsv' : 'csv';
}

async function* readJsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<CatalogueRow> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line += 1;
    const content = bytes === null ? { fault: 'line is longer than 16 MB' } : parseJsonLine(bytes, decoder);
    if (content !== null) yield { line, content };
  }
}

function parseJsonLine(bytes: Buffer, decoder: TextDecoder): CatalogueRow['content'] | null {
  let source: string;
  try {
    source = decoder.decode(bytes).trim();
  } catch {
    return { fault: 'not UTF-8' };
  }
  if (source === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return { fault: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  return isRecord(value) ? { fields: value, source } : { fault: 'not a JSON object' };
}

function identify(row: CatalogueRow, input: string, idPath: FieldPath, firstLines: Map<string, string>): Product | Reject {
  const { line, content } = row;
  const reject = (id: string | null, reason: string): Reject => ({ kind: 'reject', input, line, id, reason });
  if ('fault' in content) return reject(null, content.fault);
  const value = idPath.read(content.fields);
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return reject(null, `the id in "${idPath.text}" is a number above 2^53; write it as text`);
  }
  const id = Array.isArray(value) ? null : readFirstText(value);
  if (id === null) return reject(null, `no id in "${idPath.text}"`);
  if (Buffer.byteLength(id, 'utf8') > ID_LIMIT) return reject(`${id.slice(0, 60)}…`, `the id is longer than ${ID_LIMIT} bytes`);
  const own = OWN_SOURCE_FIELDS.find((field) => Object.hasOwn(content.fields, field));
  if (own !== undefined) return reject(id, `"${own}" is a field of fuserank's own; rename it in the catalogue`);
  const first = firstLines.get(id);
  if (first !== undefined) return reject(id, `this id came before, ${first}`);
  firstLines.set(id, `on line ${line} of ${input}`);
  return { kind: 'product', id, input, line, ...content };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
