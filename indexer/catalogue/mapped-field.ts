import { nearestName } from '../../config/nearest-name.js';
import { holdsField, readJoinedText, type FieldPath } from './field-path.js';

/** One field of the catalogue that the map gives a part. */
export interface MappedField {
  /** Member of the map, and the flag that says the same. */
  member: string;
  flag: string;
  /** The field, or the pattern, as the map writes it. */
  name: string;
  /** Columns that a table must have for it. */
  columns: readonly string[];
  isIn(fields: Readonly<Record<string, unknown>>): boolean;
}

/** A mapped field that not one product had; `nearest` is the field of the catalogue that was probably meant, or null. */
export interface AbsentField extends Pick<MappedField, 'member' | 'flag' | 'name'> {
  nearest: string | null;
}

export interface TableColumns {
  input: string;
  columns: readonly string[];
}

/** A field that the engine reads. */
export function engineField(part: { member: string; flag: string }, name: string): MappedField {
  return { ...part, name, columns: [name], isIn: (fields) => holdsField(fields, name) };
}

/** A field that is read here: positions and patterns work. */
export function ownField(part: { member: string; flag: string }, path: FieldPath): MappedField {
  return { ...part, name: path.text, columns: path.places, isIn: (fields) => readJoinedText(path.read(fields)) !== null };
}

/** Every mapped column that a table lacks, as one message with the column that was probably meant; null when all are there. */
export function describeMissingColumns(tables: readonly TableColumns[], fields: readonly MappedField[]): string | null {
  const complaints = tables.flatMap(({ input, columns }) => {
    const missing = fields.flatMap((field) =>
      [...new Set(field.columns)].filter((column) => !columns.includes(column)).map((column) => ({ field, column })),
    );
    if (missing.length === 0) return [];
    return [
      `${input === '-' ? 'stdin' : input} lacks columns that the field map names:`,
      ...missing.map(
        ({ field, column }) => `  ${field.flag} (${field.member} in a map): no column "${column}"${guess(nearestName(column, columns))}`,
      ),
      `  Its columns are ${listColumns(columns)}.`,
    ];
  });
  return complaints.length === 0
    ? null
    : [...complaints, 'Correct the names, or leave out what the catalogue does not have. Nothing was written.'].join('\n');
}

/** `--price-field (price in a map): not one product has "prise"; did you mean "price"?` */
export function describeAbsentField({ member, flag, name, nearest }: AbsentField): string {
  return `${flag} (${member} in a map): not one product has "${name}"${guess(nearest)}`;
}

/** Names kept to guess from; a catalogue may hold thousands. */
const NAMES = 1_000;

/** Watches a catalogue go by for mapped fields that no product has. */
export class FieldSightings {
  private unseen: readonly MappedField[];
  private readonly names = new Set<string>();

  constructor(fields: readonly MappedField[]) {
    this.unseen = fields;
  }

  see(fields: Readonly<Record<string, unknown>>): void {
    if (this.unseen.length === 0) return;
    this.unseen = this.unseen.filter((field) => !field.isIn(fields));
    for (const name of Object.keys(fields)) if (this.names.size < NAMES) this.names.add(name);
  }

  absent(): AbsentField[] {
    return this.unseen.map(({ member, flag, name }) => ({ member, flag, name, nearest: this.guessName(name) }));
  }

  private guessName(name: string): string | null {
    return nearestName(
      name,
      [...this.names].filter((known) => known !== name),
    );
  }
}

function guess(nearest: string | null): string {
  return nearest === null ? '' : `; did you mean "${nearest}"?`;
}

const LISTED_COLUMNS = 30;

function listColumns(columns: readonly string[]): string {
  const more = columns.length - LISTED_COLUMNS;
  return columns.slice(0, LISTED_COLUMNS).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
