import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';

/** The output cannot be written there. */
export class OutputRefused extends Error {
  override readonly name = 'OutputRefused';
  readonly exitCode = 2;
}

/** Writes a file beside its place and moves it there, so that a reader sees the old one or the whole new one. `-` is stdout. @throws OutputRefused */
export async function writeWholeFile(path: string, pieces: Iterable<string>): Promise<void> {
  if (path === '-') {
    for (const piece of joinPieces(pieces)) await new Promise<void>((resolve) => void process.stdout.write(piece, () => resolve()));
    return;
  }
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    const file = await open(beside, 'w');
    try {
      for (const piece of joinPieces(pieces)) await file.appendFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw new OutputRefused(`cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
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
