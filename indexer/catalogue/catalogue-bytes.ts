import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** The input as a whole cannot be read: missing file, broken gzip, a format that we do not take. */
export class CatalogueUnreadable extends Error {
  override readonly name = 'CatalogueUnreadable';
}

/** Longest line (or CSV record) that is held in memory; longer ones are rejected, not read. */
export const LINE_LIMIT = 16 * 1024 ** 2;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The bytes of a file, or of stdin for `-`, unpacked when they are gzip (told by their first bytes, not by their name)
 * and without a byte order mark. @throws CatalogueUnreadable
 */
export async function* openCatalogueBytes(input: string, stdin: Readable = process.stdin): AsyncGenerator<Buffer> {
  let raw: Readable = stdin;
  if (input !== '-') {
    const found = await stat(input).catch(() => null);
    if (found === null) throw new CatalogueUnreadable(`${input}: no such file`);
    if (!found.isFile()) throw new CatalogueUnreadable(`${input} is not a file; name the files of the catalogue`);
    raw = createReadStream(input);
  }
  try {
    yield* withoutByteOrderMark(await unpacked(raw));
  } catch (cause) {
    if (cause instanceof CatalogueUnreadable) throw cause;
    throw new CatalogueUnreadable(`${input}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function unpacked(raw: Readable): Promise<AsyncIterable<Buffer>> {
  const iterator = chunksOf(raw);
  const first = await atLeast(iterator, 2);
  const rest = joined(first, iterator);
  if (first[0] !== 0x1f || first[1] !== 0x8b) return rest;
  const source = Readable.from(rest, { objectMode: false });
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  return chunksOf(source.pipe(gunzip));
}

async function* withoutByteOrderMark(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = bytes[Symbol.asyncIterator]();
  const generator = (async function* () {
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) yield step.value;
  })();
  const first = await atLeast(generator, 3);
  const marked = first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf;
  yield* joined(marked ? first.subarray(3) : first, generator);
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk), 'utf8');
}

/** Reads until `count` bytes are there or the end is. */
async function atLeast(chunks: AsyncGenerator<Buffer>, count: number): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < count) {
    const step = await chunks.next();
    if (step.done === true) break;
    bytes = Buffer.concat([bytes, step.value]);
  }
  return bytes;
}

async function* joined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** Gives the first bytes back together with a stream that still begins with them. */
export async function peekBytes(chunks: AsyncGenerator<Buffer>, count: number): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const head = await atLeast(chunks, count);
  return { head, all: joined(head, chunks) };
}

/** Lines without their ends (LF or CRLF). A line over the limit is given as null, its bytes dropped as they come. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, limit = LINE_LIMIT): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length > limit) parts = [];
    else parts.push(piece);
  };
  const finish = (): Buffer | null => {
    const line = length > limit ? null : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line !== null && line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}
