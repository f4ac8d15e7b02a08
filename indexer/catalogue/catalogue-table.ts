import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import type { CatalogueRow } from '../catalogue.js';
import { CatalogueUnreadable, LINE_LIMIT } from './catalogue-bytes.js';

/** What csv-parse gives a record with `info` and `raw`. */
const recordSchema = z.object({ record: z.array(z.string()), raw: z.string(), info: z.object({ lines: z.number() }) });

interface TableOptions {
  input: string;
  tabs: boolean;
}

/**
 * Rows of a CSV or TSV table (RFC 4180; a quote inside an unquoted cell is text). The first row names the columns; an empty cell is
 * an absent member. A row with another number of cells is a fault of that row alone.
 * @throws CatalogueUnreadable when the header cannot be used
 */
export async function* readTableRows(
  chunks: AsyncIterable<Buffer>,
  options: TableOptions & { numberFields: readonly string[]; onColumns?: ((columns: readonly string[]) => void) | undefined },
): AsyncGenerator<CatalogueRow> {
  const faults = new Map<number, string>();
  let header: string[] | null = null;
  for await (const item of parseRecords(chunks, options, faults)) {
    const { record, raw, info } = recordSchema.parse(item);
    // csv-parse tells where a record ends; the line breaks inside its cells lie before that.
    const line = info.lines - raw.trim().split(/\r\n|\r|\n/).length + 1;
    if (header === null) {
      header = readHeader(record, options);
      options.onColumns?.(header);
      continue;
    }
    yield* takeFaults(faults);
    yield { line, content: toContent(header, record, options.numberFields) };
  }
  yield* takeFaults(faults);
}

/** The columns that a table's first row names; null when it has no row. @throws CatalogueUnreadable when it cannot be used */
export async function readTableColumns(chunks: AsyncIterable<Buffer>, options: TableOptions): Promise<string[] | null> {
  for await (const item of parseRecords(chunks, options, new Map())) return readHeader(recordSchema.parse(item).record, options);
  return null;
}

function parseRecords(chunks: AsyncIterable<Buffer>, options: TableOptions, faults: Map<number, string>): AsyncIterable<unknown> {
  const table = parse({
    delimiter: options.tabs ? '\t' : ',',
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: LINE_LIMIT,
    info: true,
    raw: true,
    on_skip: (error) => {
      // One broken record may be reported once a cell.
      faults.set(error instanceof CsvError ? lineOf(error) : 0, error?.message ?? 'broken record');
      return undefined;
    },
  });
  // A failing source destroys the table with its error, which the loop over it then throws.
  pipeline(Readable.from(chunks, { objectMode: false }), table, () => undefined);
  return table;
}

function lineOf(error: CsvError): number {
  const lines: unknown = Reflect.get(error, 'lines');
  return typeof lines === 'number' ? lines : 0;
}

function* takeFaults(faults: Map<number, string>): Generator<CatalogueRow> {
  for (const [line, fault] of faults) yield { line, content: { fault: `not CSV: ${fault}` } };
  faults.clear();
}

function readHeader(record: readonly string[], options: TableOptions): string[] {
  const header = record.map((name) => name.trim());
  const twice = header.find((name, position) => header.indexOf(name) !== position);
  if (header.some((name) => name === '')) {
    throw new CatalogueUnreadable(`${options.input}: a column of the first row has no name; the first row must name the columns`);
  }
  if (twice !== undefined) throw new CatalogueUnreadable(`${options.input}: two columns are called "${twice}"; rename one`);
  if (header.length === 1 && !options.tabs && /[;\t|]/.test(header[0] ?? '')) {
    throw new CatalogueUnreadable(`${options.input}: columns are not separated by commas; save it as CSV with commas, or as .tsv`);
  }
  return header;
}

function toContent(header: readonly string[], record: readonly string[], numberFields: readonly string[]): CatalogueRow['content'] {
  if (record.length !== header.length) return { fault: `${record.length} cells where the first row has ${header.length}` };
  const fields: Record<string, unknown> = {};
  header.forEach((name, position) => {
    const cell = record[position] ?? '';
    if (cell === '') return;
    // defineProperty, since a column may be called __proto__.
    const value = numberFields.includes(name) && isPlainNumber(cell) ? Number(cell) : cell;
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  });
  return { fields, source: JSON.stringify(fields) };
}

function isPlainNumber(cell: string): boolean {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(cell);
}
