import { open, type FileHandle } from 'node:fs/promises';
import { parseRunHeader, parseRunLine } from '../run/run-file.js';
import type { RunHeader, RunLine } from '../run/run-line.js';
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
  /** Every query's line in the file's order. @throws InputInvalid with the line's number. */
  lines(): AsyncGenerator<PlacedLine>;
  /** A line seen before, once more. */
  lineAt(place: LinePlace): Promise<RunLine>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;
const NEWLINE = 0x0a;

/** A run that is read in any order; one that is walked once is better streamed. @throws UnusableRun, InputInvalid when it is missing or no run */
export async function openRun(file: string): Promise<OpenRun> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new UnusableRun(
      `${file} cannot be read (${error instanceof Error ? error.message : String(error)}); give a run of fuserank evaluate`,
    );
  });
  try {
    const first = await readHeaderText(handle);
    if (first === null) throw new UnusableRun(`${file} is empty; give a run of fuserank evaluate`);
    const header = parseRunHeader(file, first.text);
    return {
      file,
      header,
      lines: () => readLines(file, handle, first.end),
      lineAt: async ({ offset, length }) => {
        const bytes = Buffer.alloc(length);
        await handle.read(bytes, 0, length, offset);
        return parseRunLine(`${file} (changed while it was read)`, bytes.toString('utf8'));
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
    const line = parseRunLine(`${file}:${number}`, bytes.toString('utf8'));
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
