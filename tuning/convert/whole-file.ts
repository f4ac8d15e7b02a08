import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';

/** The output cannot be written there. */
export class OutputRefused extends Error {
  override readonly name = 'OutputRefused';
  readonly exitCode = 2;
}

/**
 * Writes a file beside its place and moves it there, so that a reader sees the old one or the whole new one. `-` is stdout; a device or a
 * pipe is written to as it is, never replaced. @throws OutputRefused
 */
export async function writeWholeFile(path: string, pieces: Iterable<string>): Promise<void> {
  if (path === '-') {
    for (const piece of joinPieces(pieces)) await new Promise<void>((resolve) => void process.stdout.write(piece, () => resolve()));
    return;
  }
  const found = await stat(path).catch(() => null);
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    if (found !== null && !found.isFile()) await fill(await open(path, 'w'), pieces);
    else {
      const file = await open(beside, 'w');
      await fill(file, pieces, () => file.sync());
      await rename(beside, path);
    }
  } catch (cause) {
    await rm(beside, { force: true });
    throw new OutputRefused(`cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function fill(file: FileHandle, pieces: Iterable<string>, finish?: () => Promise<void>): Promise<void> {
  try {
    for (const piece of joinPieces(pieces)) await file.writeFile(piece);
    await finish?.();
  } finally {
    await file.close();
  }
}

/** One write a line would be slow. */
const PIECE_LENGTH = 256 * 1024;

function* joinPieces(pieces: Iterable<string>): Generator<string> {
  let joined = '';
  for (const piece of pieces) {
    joined += piece;
    if (joined.length < PIECE_LENGTH) continue;
    yield joined;
    joined = '';
  }
  if (joined !== '') yield joined;
}
