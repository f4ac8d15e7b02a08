/** One thing of an input that was not taken. */
export interface Reject {
  /** Line of the input, from 1; null in JSON, where `at` says the place. */
  readonly line: number | null;
  /** Place in a JSON document, such as `judgmentRatings[0].ratings[2]`; null for lines, and for what only the output cannot hold. */
  readonly at: string | null;
  /** The text at fault, cut at 500 characters. */
  readonly raw: string;
  readonly reason: string;
}

/** Something a reader should know though nothing was lost; the same note is counted, with the line where it came first. */
export interface Note {
  readonly text: string;
  readonly count: number;
  readonly line: number | null;
}

/** Where a thing stood in the input. */
export interface Origin {
  readonly line: number | null;
  readonly at?: string;
  readonly raw: string;
}

const RAW_LIMIT = 500;

/** What was taken, refused and noted while one input was read and written. */
export class ImportReport {
  readonly rejects: Reject[] = [];
  readonly #notes = new Map<string, Note>();

  #written = 0;

  /** Things that a writer has written: judgments, queries, documents of a run, or rows. */
  get written(): number {
    return this.#written;
  }

  countWritten(things = 1): void {
    this.#written += things;
  }

  reject({ line, at, raw }: Origin, reason: string): void {
    this.rejects.push({ line, at: at ?? null, raw: raw.length > RAW_LIMIT ? `${raw.slice(0, RAW_LIMIT)}…` : raw, reason });
  }

  /** Into the order of the input: contradictions are known at its end only. */
  sortRejects(): void {
    this.rejects.sort((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER));
  }

  note(text: string, line: number | null = null): void {
    const before = this.#notes.get(text);
    this.#notes.set(text, { text, count: (before?.count ?? 0) + 1, line: before?.line ?? line });
  }

  get notes(): Note[] {
    return [...this.#notes.values()];
  }
}

/** A reject as one line for a person. */
export function describeReject({ line, at, raw, reason }: Reject): string {
  const place = line === null ? (at ?? '') : `line ${line}`;
  return `${place === '' ? '' : `${place}: `}${reason}  | ${raw}`;
}

/** A finite number in decimal writing, else null; an empty cell is none. */
export function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return null;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : null;
}
