import { open, stat, truncate, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { InputInvalid, openLines, type InputLine } from '../formats/input-lines.js';
import { parseJsonOrUndefined } from '../formats/json-document.js';
import { runHeaderSchema, runLineSchema, type RunHeader, type RunLine } from './run-line.js';

/** A run file that is there was made with something else than what is asked now; going on would mix two runs. */
export class RunMismatch extends Error {
  override readonly name = 'RunMismatch';
  readonly exitCode = 2;
}

/** The run file can't be there; nothing was asked. */
export class RunUnwritable extends Error {
  override readonly name = 'RunUnwritable';
  readonly exitCode = 2;
}

function unwritable(path: string, error: unknown): RunUnwritable {
  const reason = error instanceof Error ? error.message : String(error);
  return new RunUnwritable(`${path} can't be written (${reason}); name with --out a file in a folder that is there`, {
    cause: error,
  });
}

/** A run that is read: its header now, its lines as they are asked for. */
export interface OpenedRun {
  readonly header: RunHeader;
  /** Streamed; one line is held at a time. To be walked once. */
  readonly lines: AsyncGenerator<RunLine>;
}

/**
 * Opens a run file (`-`: stdin; gzip is unpacked). Every line is checked as it comes.
 * @throws InputInvalid, from here for the header and from `lines` for a line, naming file, line and remedy
 */
export async function openRun(file: string): Promise<OpenedRun> {
  return parseRun(file, openLines(file));
}

/** As `openRun`, of lines that come from elsewhere; `name` stands in errors. */
export async function parseRun(name: string, source: AsyncIterable<InputLine> | Iterable<InputLine>): Promise<OpenedRun> {
  const lines = walk(source);
  const first = await lines.next();
  if (first.done === true) throw new InputInvalid(`${name} is empty, not a run; make one with: fuserank evaluate … --out ${name}`);
  return { header: parseRunHeader(name, first.value.text), lines: parseLines(name, lines) };
}

async function* walk(lines: AsyncIterable<InputLine> | Iterable<InputLine>): AsyncGenerator<InputLine> {
  for await (const line of lines) yield line;
}

async function* parseLines(name: string, lines: AsyncIterable<InputLine>): AsyncGenerator<RunLine> {
  const seen = new Map<string, number>();
  for await (const { line, text } of lines) {
    if (text.trim() === '') continue;
    const parsed = parseRunLine(`${name}:${line}`, text);
    const before = seen.get(parsed.query_id);
    if (before !== undefined) {
      throw new InputInvalid(
        `${name}:${line}: query "${parsed.query_id}" stands on line ${before} already; a run answers a query once, so remove one of the two`,
      );
    }
    seen.set(parsed.query_id, line);
    yield parsed;
  }
}

/** The first line of a run. @throws InputInvalid */
export function parseRunHeader(name: string, text: string): RunHeader {
  const value = parseJsonOrUndefined(text);
  if (!z.looseObject({ fuserank_run: z.unknown() }).safeParse(value).success || value === undefined) {
    throw new InputInvalid(
      `${name} is not a run: its first line lacks "fuserank_run"; a TREC or ranx run becomes one by: fuserank convert --to run ${name} OUT`,
    );
  }
  const version = z.looseObject({ fuserank_run: z.unknown() }).parse(value).fuserank_run;
  if (version !== 1) {
    throw new InputInvalid(
      `${name} is a run of version ${JSON.stringify(version)}, this fuserank reads version 1; use the fuserank that wrote it`,
    );
  }
  const parsed = runHeaderSchema.safeParse(value);
  if (!parsed.success) throw new InputInvalid(`${name}:1: the run's header is broken: ${listIssues(parsed.error)}; evaluate anew`);
  return parsed.data;
}

/** Any other line of a run; `place` stands in errors. @throws InputInvalid */
export function parseRunLine(place: string, text: string): RunLine {
  const value = parseJsonOrUndefined(text);
  if (value === undefined) {
    throw new InputInvalid(
      `${place}: not JSON (NaN and a torn line are not); evaluate with the same --out to mend the end of a run that was cut off`,
    );
  }
  const parsed = runLineSchema.safeParse(value);
  if (!parsed.success) throw new InputInvalid(`${place}: not a line of a run: ${listIssues(parsed.error)}`);
  const twice = repeatedId(parsed.data);
  if (twice !== null) throw new InputInvalid(`${place}: hit "${twice}" stands in the list twice; a list names a document once`);
  return parsed.data;
}

function repeatedId(line: RunLine): string | null {
  const ids = new Set<string>();
  for (const { id } of line.hits) {
    if (ids.has(id)) return id;
    ids.add(id);
  }
  return null;
}

/** A run as it is being written: header first, then a line a query, each in one write, so that a crash leaves a valid beginning. */
export class RunWriter {
  readonly #file: FileHandle;
  readonly #done: Set<string>;
  /** Appends in the order of the calls, one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, done: Set<string>) {
    this.#file = file;
    this.#done = done;
  }

  /**
   * Opens `path` for what is still to be asked: a new file gets the header; one that was cut off loses its torn last line and goes on.
   * @throws RunMismatch when the file's header tells of another run (all but `created` must agree)
   * @throws InputInvalid when the file is no run, or broken before its end
   * @throws RunUnwritable when there can be no such file
   */
  static async open(path: string, header: RunHeader): Promise<RunWriter> {
    const checked = runHeaderSchema.parse(header);
    const whole = await wholeBytes(path).catch((error: unknown) => {
      throw error instanceof InputInvalid ? error : unwritable(path, error);
    });
    const done = new Set<string>();
    if (whole > 0) {
      await truncate(path, whole);
      const run = await openRun(path);
      refuseOther(path, run.header, checked);
      for await (const line of run.lines) done.add(line.query_id);
    } else if (whole === 0) await truncate(path, 0);
    const writer = new RunWriter(
      await open(path, 'a').catch((error: unknown) => {
        throw unwritable(path, error);
      }),
      done,
    );
    if (whole <= 0) await writer.#write(checked);
    return writer;
  }

  /** Ids of the queries that the file answers, failed ones too. */
  get done(): ReadonlySet<string> {
    return this.#done;
  }

  /** @throws Error for a query that is there already, or a line that breaks the schema */
  async append(line: RunLine): Promise<void> {
    const checked = runLineSchema.parse(line);
    if (this.#done.has(checked.query_id)) throw new Error(`query "${checked.query_id}" is in the run already`);
    const twice = repeatedId(checked);
    if (twice !== null) throw new Error(`hit "${twice}" stands twice in the list of query "${checked.query_id}"`);
    this.#done.add(checked.query_id);
    await this.#write(checked);
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.sync();
    await this.#file.close();
  }

  #write(value: RunHeader | RunLine): Promise<void> {
    const written = this.#last.then(() => this.#file.appendFile(`${JSON.stringify(value)}\n`));
    this.#last = written.catch(() => undefined);
    return written;
  }
}

/** Bytes up to and with the last line feed; 0 = a torn header; -1 = no file, or an empty one. */
async function wholeBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null || found.size === 0) return -1;
  const file = await open(path, 'r');
  try {
    const block = Buffer.alloc(64 * 1024);
    for (let end = found.size; end > 0;) {
      const start = Math.max(0, end - block.length);
      const { bytesRead } = await file.read(block, 0, end - start, start);
      const at = block.subarray(0, bytesRead).lastIndexOf(0x0a);
      if (at !== -1) return start + at + 1;
      end = start;
    }
    // Something without a single line: our own torn header may be begun anew, another's file may not be lost.
    const { bytesRead } = await file.read(block, 0, block.length, 0);
    const text = block.subarray(0, bytesRead).toString('utf8');
    if (!text.startsWith(RUN_BEGINS.slice(0, text.length))) {
      throw new InputInvalid(`${path} is there and is not a run; name another file for this one`);
    }
    return 0;
  } finally {
    await file.close();
  }
}

/** The schema keeps the order of its members, so every header of ours begins so. */
const RUN_BEGINS = '{"fuserank_run":1';

function refuseOther(path: string, there: RunHeader, asked: RunHeader): void {
  const members = runHeaderSchema.keyof().options.filter((member) => member !== 'created');
  const other = members.filter((member) => JSON.stringify(there[member]) !== JSON.stringify(asked[member]));
  if (other.length === 0) return;
  const differences = other.map((member) => `${member} ${JSON.stringify(there[member])}, now ${JSON.stringify(asked[member])}`);
  throw new RunMismatch(`${path} holds another run (${differences.join('; ')}); name another file, or remove it to begin anew`);
}

function listIssues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`).join('; ');
}
