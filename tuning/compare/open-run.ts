import { open, type FileHandle } from 'node:fs/promises';
import type { z } from 'zod';
import { runHeaderSchema, runLineSchema, type RunHeader, type RunLine } from '../run/run-line.js';
import { UnusableRun } from './unusable-run.js';

/** Where a line lies in its file, in bytes. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

export interface PlacedLine {
  readonly line: RunLine;
  readonly place: LinePlace;
}

/** A run file, read a line at a time. */
export interface OpenRun {
  readonly file: string;
  readonly header: RunHeader;
  /** Every query's line in the file's order. @throws UnusableRun with the line's number. */
  lines(): AsyncGenerator<PlacedLine>;
  /** A line seen before, once more. */
  lineAt(place: LinePlace): Promise<RunLine>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;
const NEWLINE = 0x0a;

/** @throws UnusableRun when the file is missing or does not begin as a run. */
export async function openRun(file: string): Promise<OpenRun> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new UnusableRun(
      `${file} cannot be read (${error instanceof Error ? error.message : String(error)}); give a run of fuserank evaluate`,
    );
  });
  try {
    const first = await readHeaderText(handle);
    if (first === null) throw new UnusableRun(`${file} is empty; give a run of fuserank evaluate`);
    const header = parseAs(runHeaderSchema, first.text, `${file}, line 1: not the header of a run`);
    return {
      file,
      header,
      lines: () => readLines(file, handle, first.end),
      lineAt: async ({ offset, length }) => {
        const bytes = Buffer.alloc(length);
        await handle.read(bytes, 0, length, offset);
        return parseAs(runLineSchema, bytes.toString('utf8'), `${file} changed while it was read`);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readHeaderText(handle: FileHandle): Promise<{ text: string; end: number } | null> {
  for await (const { bytes, offset } of splitLines(handle, 0)) return { text: bytes.toString('utf8'), end: offset + bytes.length + 1 };
  return null;
}

async function* readLines(file: string, handle: FileHandle, start: number): AsyncGenerator<PlacedLine> {
  let number = 1;
  for await (const { bytes, offset } of splitLines(handle, start)) {
    number += 1;
    if (bytes.length === 0) continue;
    const line = parseAs(runLineSchema, bytes.toString('utf8'), `${file}, line ${number}: not a query of a run`);
    yield { line, place: { offset, length: bytes.length } };
  }
}

/** The file's lines from a byte on, without their ends; a last line without an end counts. */
async function* splitLines(handle: FileHandle, start: number): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  let rest = Buffer.alloc(0);
  let restOffset = start;
  for (let position = start; ;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = rest.indexOf(NEWLINE, from); end >= 0; end = rest.indexOf(NEWLINE, from)) {
      yield { bytes: rest.subarray(from, end), offset: restOffset + from };
      from = end + 1;
    }
    rest = rest.subarray(from);
    restOffset += from;
  }
  if (rest.length > 0) yield { bytes: rest, offset: restOffset };
}

function parseAs<Schema extends z.ZodType>(schema: Schema, text: string, what: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnusableRun(
      `${what}: ${JSON.stringify(text.slice(0, 80))} is no JSON; a run cut short goes on by the same fuserank evaluate`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnusableRun(`${what}: ${issue ? `${issue.path.join('.') || 'the line'}: ${issue.message}` : 'it fails its schema'}`);
}
