import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openNdjsonRows } from './ndjson-rows.js';
import { openParquetRows } from './parquet-rows.js';
import type { RowsHeader, TrainingRow } from './training-row.js';

/** Rows cannot be written there. */
export class RowFileRefused extends Error {
  override readonly name = 'RowFileRefused';
  readonly exitCode = 2;
}

/** Where rows are put one after the other, memory flat. */
export interface RowSink {
  write(row: TrainingRow): Promise<void>;
  /** Everything is in the file, and the file on the disk, when it resolves. */
  finish(): Promise<void>;
  /** Lets go of the file; what was written is not whole. */
  abandon(): Promise<void>;
}

type Opening = (path: string, header: RowsHeader) => Promise<RowSink>;

const FORMATS: readonly (readonly [ending: RegExp, open: Opening])[] = [
  [/\.parquet$/i, openParquetRows],
  [/\.(ndjson|jsonl)$/i, (path, header) => openNdjsonRows(path, header, { gzip: false })],
  [/\.(ndjson|jsonl)\.gz$/i, (path, header) => openNdjsonRows(path, header, { gzip: true })],
];

/** Told before anything is asked. @throws RowFileRefused where the name's ending is no format of rows, or the folder is not there */
export async function requireRowFile(path: string): Promise<void> {
  formatOf(path);
  const folder = await stat(dirname(path)).catch(() => null);
  if (!folder?.isDirectory()) throw new RowFileRefused(`${path}: there is no folder ${dirname(path)}; make it first`);
  const there = await stat(path).catch(() => null);
  if (there && !there.isFile()) throw new RowFileRefused(`${path} is not a file; name a file to write rows into`);
}

/** Gives `fill` a file beside the wanted one, and moves it there when all went well: a reader sees the old one or the whole new one. */
export async function writeRowFile(path: string, header: RowsHeader, fill: (sink: RowSink) => Promise<void>): Promise<void> {
  const open = formatOf(path);
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  let sink: RowSink | null = null;
  try {
    sink = await open(beside, header).catch(refuse(path));
    await fill(sink);
    await sink.finish().catch(refuse(path));
    await rename(beside, path).catch(refuse(path));
  } catch (error) {
    await sink?.abandon();
    await rm(beside, { force: true });
    throw error;
  }
}

function refuse(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new RowFileRefused(`cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  };
}

function formatOf(path: string): Opening {
  const found = FORMATS.find(([ending]) => ending.test(path));
  if (found) return found[1];
  throw new RowFileRefused(`${path}: rows are written as .parquet, .ndjson or .ndjson.gz; end the name of --out with one of them`);
}
