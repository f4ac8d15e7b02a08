import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import { InputInvalid, openLines, splitLines, type InputLine } from '../../../tuning/formats/input-lines.js';

/** One row of a source file. */
export interface SourceRow<Value> {
  /** From 1. */
  readonly line: number;
  readonly value: Value;
}

/** A source file is not what its adapter expects; nothing has been written. */
export function refuse(file: string, line: number | null, what: string): InputInvalid {
  return new InputInvalid(line === null ? `${file}: ${what}` : `${file}, line ${line}: ${what}`);
}

/** @throws InputInvalid where it is none */
export function requireFolder(folder: string, holding: string): void {
  if (!existsSync(folder)) throw new InputInvalid(`${folder}: no such folder; name the one that holds ${holding}`);
}

/** The first of the names that is a file, so that `x.json` and `x.json.gz` both do. @throws InputInvalid naming them all */
export function findSource(folder: string, names: readonly string[]): string {
  requireFolder(folder, names.join(' or '));
  const found = names.map((name) => `${folder}/${name}`).find((file) => existsSync(file));
  if (found === undefined) throw new InputInvalid(`${folder} holds no ${names.join(' or ')}; name the folder that does`);
  return found;
}

/** One JSON object a line, also gzipped. @throws InputInvalid with the line that is none, or lacks a member */
export function readJsonRows<Schema extends z.ZodType>(file: string, schema: Schema): AsyncGenerator<SourceRow<z.output<Schema>>> {
  return readParsedRows(file, schema, (text) => {
    const value: unknown = JSON.parse(text);
    return value;
  });
}

/** One object a line in a notation of its own. @throws InputInvalid likewise */
export async function* readParsedRows<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  parseLine: (text: string) => unknown,
): AsyncGenerator<SourceRow<z.output<Schema>>> {
  for await (const { line, text } of openLines(file)) {
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = parseLine(text);
    } catch (error) {
      throw refuse(file, line, `${error instanceof Error ? error.message : String(error)} | ${text.slice(0, 80)}`);
    }
    yield { line, value: check(schema, value, file, line) };
  }
}

/** A CSV table with a heading, also gzipped, its rows as objects. @throws InputInvalid for a missing column and for a broken row */
export async function* readCsvRows<Shape extends Record<string, z.ZodType>>(
  file: string,
  schema: z.ZodObject<Shape>,
): AsyncGenerator<SourceRow<z.output<z.ZodObject<Shape>>>> {
  const recordSchema = z.object({ record: z.record(z.string(), z.string()), info: z.object({ lines: z.number() }) });
  const needed = Object.keys(schema.shape).filter((column) => !schema.shape[column]?.safeParse(undefined).success);
  const table = parse({
    info: true,
    skip_empty_lines: true,
    columns: (header: string[]) => {
      const missing = needed.filter((column) => !header.includes(column));
      if (missing.length > 0) throw refuse(file, 1, `no column ${missing.join(', ')}; there are: ${header.join(', ')}`);
      return header;
    },
  });
  pipeline(Readable.from(endLines(openLines(file))), table, () => undefined);
  const records: AsyncIterable<unknown> = table;
  try {
    for await (const item of records) {
      const { record, info } = recordSchema.parse(item);
      yield { line: info.lines, value: check(schema, record, file, info.lines) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line: unknown = Reflect.get(error, 'lines');
    throw refuse(file, typeof line === 'number' ? line : null, error.message);
  }
}

/** Lines whose cells a separator of several letters divides, such as MovieLens' `::`. @throws InputInvalid for another number of cells */
export async function* readSeparatedRows(
  file: string,
  { separator, cells, encoding }: { separator: string; cells: number; encoding: 'utf-8' | 'windows-1252' },
): AsyncGenerator<SourceRow<readonly string[]>> {
  const lines = encoding === 'utf-8' ? openLines(file) : splitLines(new TextDecoder(encoding).decode(await readFile(file)));
  for await (const { line, text } of lines) {
    if (text === '') continue;
    const value = text.split(separator);
    if (value.length !== cells)
      throw refuse(file, line, `${value.length} cells between "${separator}" where ${cells} belong | ${text.slice(0, 80)}`);
    yield { line, value };
  }
}

/** @throws InputInvalid with the members at fault */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, file: string, line: number | null): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw refuse(file, line, faults.slice(0, 3).join('; '));
}

async function* endLines(lines: AsyncIterable<InputLine>): AsyncGenerator<string> {
  for await (const { text } of lines) yield `${text}\n`;
}
