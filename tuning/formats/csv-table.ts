import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { nearestName } from '../../config/nearest-name.js';
import type { ImportReport, Origin } from './import-report.js';
import { InputInvalid } from './input-lines.js';

/** What csv-parse gives a record with `info` and `raw`. */
const recordsSchema = z.array(z.object({ record: z.array(z.string()), raw: z.string(), info: z.object({ lines: z.number() }) }));

/** A column that is looked for: its spellings as `flattenName` gives them, the one to name in errors first. */
export interface Column {
  readonly spellings: readonly string[];
  readonly required: boolean;
}

export interface TableRow<Role extends string> {
  readonly origin: Origin;
  /** Cell by role; absent where the table lacks the column. */
  readonly cells: Readonly<Partial<Record<Role, string>>>;
  /** Cells of columns without a role, by their name in the table. */
  readonly others: Readonly<Record<string, string>>;
}

/** `Doc ID`, `doc_id` and `docId` are one name. */
export function flattenName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/**
 * Rows of a CSV text (RFC 4180, commas, the first row names the columns). A broken row is a reject; the table goes on behind it.
 * @throws InputInvalid for a delimiter other than the comma, and for a missing column, naming those that are there
 */
export function readCsvTable<Role extends string>(
  text: string,
  options: { readonly input: string; readonly columns: Readonly<Record<Role, Column>>; readonly report: ImportReport },
): TableRow<Role>[] {
  const { input, columns, report } = options;
  const parsed: unknown = parse(text, {
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    info: true,
    raw: true,
    on_skip: (error, raw) => {
      const line: unknown = error instanceof CsvError ? Reflect.get(error, 'lines') : null;
      report.reject(
        { line: typeof line === 'number' ? firstLineOf(line, raw ?? '') : null, raw: raw ?? '' },
        `not CSV: ${error?.message ?? 'broken record'}`,
      );
      return undefined;
    },
  });
  const [head, ...records] = recordsSchema.parse(parsed);
  if (!head) throw new InputInvalid(`${input} is empty; its first row must name the columns`);
  const header = head.record.map((name) => name.trim());
  const roles = assignRoles(input, header, columns);
  return records.flatMap(({ record, raw, info }) => {
    const origin = { line: firstLineOf(info.lines, raw), raw: raw.replace(/^[\r\n]+|[\r\n]+$/g, '') };
    if (record.length !== header.length) {
      report.reject(origin, `${record.length} cells where the first row has ${header.length}; quote a cell that holds a comma`);
      return [];
    }
    const [cells, others]: [Partial<Record<Role, string>>, Record<string, string>] = [{}, {}];
    record.forEach((cell, place) => {
      const role = roles[place];
      if (role) cells[role] = cell;
      else others[header[place] ?? ''] = cell;
    });
    return [{ origin, cells, others }];
  });
}

/** csv-parse tells where a record ends; the line breaks inside its cells lie before that. */
function firstLineOf(lastLine: number, raw: string): number {
  return lastLine - raw.trim().split(/\r\n|\r|\n/).length + 1;
}

function assignRoles<Role extends string>(
  input: string,
  header: readonly string[],
  columns: Readonly<Record<Role, Column>>,
): (Role | null)[] {
  const only = header[0] ?? '';
  const wrong = header.length === 1 ? /[;\t|]/.exec(only)?.[0] : undefined;
  if (wrong !== undefined) {
    throw new InputInvalid(
      `${input}: columns are separated by ${wrong === '\t' ? 'tabs' : `"${wrong}"`}, not by commas; save it as CSV with commas`,
    );
  }
  const assigned: (Role | null)[] = header.map(() => null);
  for (const role of keysOf(columns)) {
    const { spellings, required } = columns[role];
    const place = header.findIndex((name) => spellings.includes(flattenName(name)));
    if (place !== -1) assigned[place] = role;
    else if (required) throw new InputInvalid(missingColumn(input, header, spellings));
  }
  return assigned;
}

function missingColumn(input: string, header: readonly string[], spellings: readonly string[]): string {
  const [name = ''] = spellings;
  const near = nearestName(name, header);
  return `${input}: no column "${name}" (there are: ${header.join(', ')}); ${near === null ? `name it ${name} in the first row` : `rename "${near}" to ${name}`}`;
}

/** The roles of a table of columns. */
function keysOf<Role extends string>(columns: Readonly<Record<Role, Column>>): Role[] {
  const roles: Role[] = [];
  for (const role in columns) roles.push(role);
  return roles;
}

/** One row with its end; a cell is quoted where it must be. */
export function writeCsvRow(cells: readonly string[]): string {
  // A lone empty cell would be an empty line, and blanks at an end would be trimmed by some readers.
  const quoted = cells.map((cell) =>
    /[",\r\n]|^\s|\s$/.test(cell) || (cell === '' && cells.length === 1) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(',')}\n`;
}
