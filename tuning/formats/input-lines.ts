import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';

/** An input as a whole cannot be used; nothing has been written. The message names the remedy. */
export class InputInvalid extends Error {
  override readonly name = 'InputInvalid';
  readonly exitCode = 6;
}

/** One line of a text input. */
export interface InputLine {
  /** From 1. */
  readonly line: number;
  /** Without its end (LF or CRLF). */
  readonly text: string;
}

/** Characters of one line that are held at most; a longer one means that the input is no text of lines. */
const LINE_LIMIT = 64 * 1024 ** 2;

/**
 * The lines of a file, or of stdin for `-`: UTF-8 without a byte order mark, unpacked when the first bytes are gzip's. Holds one chunk
 * and one line. Node's `readline` is not used: it also breaks lines at U+2028, which JSON leaves unescaped inside strings.
 * @throws InputInvalid when it is missing, no UTF-8, or broken gzip
 */
export async function* openLines(input: string, stdin: Readable = process.stdin): AsyncGenerator<InputLine> {
  let rest = '';
  let line = 0;
  for await (const text of openText(input, stdin)) {
    rest += text;
    let start = 0;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
      yield { line: ++line, text: withoutReturn(rest.slice(start, end)) };
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > LINE_LIMIT) throw new InputInvalid(`${input}: line ${line + 1} is longer than 64 MB; is it a text file?`);
  }
  if (rest !== '') yield { line: line + 1, text: withoutReturn(rest) };
}

/** The whole text of a file, or of stdin for `-`. @throws InputInvalid likewise, and where it is longer than a string may be */
export async function readText(input: string, stdin: Readable = process.stdin): Promise<string> {
  const parts: string[] = [];
  for await (const part of openText(input, stdin)) parts.push(part);
  try {
    return parts.join('');
  } catch (cause) {
    throw new InputInvalid(`${input} is larger than half a gigabyte; split it by queries`, { cause });
  }
}

/** Lines of a text that is here already; one without an end counts, an empty last one does not. */
export function* splitLines(text: string): Generator<InputLine> {
  let line = 0;
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    yield { line: ++line, text: withoutReturn(text.slice(start, end)) };
    start = end + 1;
  }
}

async function* openText(input: string, stdin: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of openBytes(input, stdin)) yield decoder.decode(chunk, { stream: true });
    const last = decoder.decode();
    if (last !== '') yield last;
  } catch (cause) {
    if (cause instanceof InputInvalid) throw cause;
    if (cause instanceof TypeError) {
      throw new InputInvalid(`${input} is not UTF-8; turn it into it, for example: iconv -f windows-1252 -t utf-8 ${input}`, { cause });
    }
    throw new InputInvalid(`${input}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function* openBytes(input: string, stdin: Readable): AsyncGenerator<Buffer> {
  if (input !== '-') {
    const found = await stat(input).catch(() => null);
    if (found === null) throw new InputInvalid(`${input}: no such file`);
    if (!found.isFile()) throw new InputInvalid(`${input} is not a file; name one file, or - for stdin`);
  }
  const raw = input === '-' ? stdin : createReadStream(input);
  const chunks = chunksOf(raw);
  const step = await chunks.next();
  if (step.done === true) return;
  const first = step.value;
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    yield first;
    yield* chunks;
    return;
  }
  const gunzip = createGunzip();
  // The stream that was begun goes on into the unpacker; its failure must reach the reader.
  const feed = (async () => {
    try {
      gunzip.write(first);
      for await (const chunk of chunks) if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once('drain', resolve));
      gunzip.end();
    } catch (error) {
      gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  yield* chunksOf(gunzip);
  await feed;
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk), 'utf8');
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
