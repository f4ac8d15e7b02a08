import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const CHUNK_BYTES = 1024 ** 2;
const NEWLINE = 0x0a;
const LOG_FILE = /^fuserank-log-.*\.ndjson$/;
/** The user of a line, before its candidates; a quote within a value is escaped, so that only a key can look like this. */
const USER = /"user":("(?:[^"\\]|\\.)*")/;
const CANDIDATES = Buffer.from(',"candidates":[');

/**
 * Blanks the lines of erased users in the files of a feature log, in place: files keep their lengths, so that whoever appends
 * to one meanwhile, this process or another, is not disturbed. Gives how many lines that were.
 */
export async function eraseLoggedUsers(folder: string, isErased: (user: string) => boolean): Promise<number> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  let erased = 0;
  for (const name of names.filter((each) => LOG_FILE.test(each))) erased += await eraseFrom(join(folder, name), isErased);
  return erased;
}

async function eraseFrom(path: string, isErased: (user: string) => boolean): Promise<number> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null; // whoever rotates logs took it
    throw error;
  });
  if (!file) return 0;
  try {
    let erased = 0;
    for await (const line of readLines(file)) {
      const user = userOf(line.bytes);
      if (user === null || !isErased(user)) continue;
      await file.write(Buffer.alloc(line.bytes.length, ' '), 0, line.bytes.length, line.start);
      erased += 1;
    }
    if (erased > 0) await file.datasync();
    return erased;
  } finally {
    await file.close();
  }
}

/** Whole lines, without their ends, and where they begin. */
async function* readLines(file: FileHandle): AsyncGenerator<{ start: number; bytes: Buffer }> {
  let held = Buffer.alloc(0);
  let start = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, start + held.length);
    if (bytesRead === 0) return;
    held = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = held.indexOf(NEWLINE); end >= 0; end = held.indexOf(NEWLINE, from)) {
      yield { start: start + from, bytes: held.subarray(from, end) };
      from = end + 1;
    }
    held = held.subarray(from);
    start += from;
  }
}

function userOf(line: Buffer): string | null {
  const head = line.indexOf(CANDIDATES);
  const [, text] = USER.exec(line.toString('utf8', 0, head < 0 ? line.length : head)) ?? [];
  if (text === undefined) return null;
  const user: unknown = JSON.parse(text);
  return typeof user === 'string' ? user : null;
}
