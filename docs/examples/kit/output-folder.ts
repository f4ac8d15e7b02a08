import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { writeCsvRow } from '../../../tuning/formats/csv-table.js';

/** What one file of the output holds. */
export interface WrittenFile {
  readonly name: string;
  readonly path: string;
  readonly lines: number;
}

/** The files of one conversion: each is written beside its place, and all are moved there when the last is whole. */
export class OutputFolder {
  readonly #files: OutputFile[] = [];

  private constructor(readonly path: string) {}

  static async create(path: string): Promise<OutputFolder> {
    await mkdir(path, { recursive: true });
    return new OutputFolder(path);
  }

  /** A new file; one that is never written to does not come to be. */
  file(name: string): OutputFile {
    const file = new OutputFile(name, join(this.path, name), join(this.path, `.${name}.${process.pid}.part`));
    this.#files.push(file);
    return file;
  }

  /** Moves all files to their places. A file of an earlier conversion that this one does not write is taken away: it would be of other data. */
  async finish(): Promise<WrittenFile[]> {
    const whole: OutputFile[] = [];
    for (const file of this.#files) if (await file.end()) whole.push(file);
    for (const file of this.#files) await (whole.includes(file) ? rename(file.beside, file.path) : rm(file.path, { force: true }));
    return whole.map(({ name, path, lines }) => ({ name, path, lines }));
  }

  async discard(): Promise<void> {
    for (const file of this.#files) {
      await file.end().catch(() => false);
      await rm(file.beside, { force: true });
    }
  }
}

/** One write a line would be slow. */
const PIECE_LENGTH = 256 * 1024;

export class OutputFile {
  /** Without the heading. */
  lines = 0;
  #stream: WriteStream | null = null;
  #waiting = '';

  constructor(
    readonly name: string,
    readonly path: string,
    readonly beside: string,
  ) {}

  async writeJson(value: object): Promise<void> {
    this.lines += 1;
    await this.#write(`${JSON.stringify(value)}\n`);
  }

  async writeHeading(columns: readonly string[]): Promise<void> {
    await this.#write(writeCsvRow(columns));
  }

  async writeCsv(cells: readonly string[]): Promise<void> {
    this.lines += 1;
    await this.#write(writeCsvRow(cells));
  }

  /** @returns false where nothing was written */
  async end(): Promise<boolean> {
    if (this.lines === 0 && this.#stream === null && this.#waiting === '') return false;
    await this.#flush();
    const stream = this.#stream;
    this.#stream = null;
    if (stream) {
      stream.end();
      await finished(stream);
    }
    return true;
  }

  async #write(text: string): Promise<void> {
    this.#waiting += text;
    if (this.#waiting.length >= PIECE_LENGTH) await this.#flush();
  }

  async #flush(): Promise<void> {
    const stream = (this.#stream ??= createWriteStream(this.beside));
    const text = this.#waiting;
    this.#waiting = '';
    if (!stream.write(text)) await once(stream, 'drain');
  }
}
