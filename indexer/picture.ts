import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, resolve as resolvePath, sep } from 'node:path';
import type { Config } from '../config/schema.js';
import type { Resolve } from './picture/address-guard.js';
import { openPictureFetcher, tooLarge } from './picture/picture-fetch.js';
import { PictureRefused } from './picture/picture-refused.js';

/** What lies behind a product's picture reference. */
export type PictureFile = { kind: 'picture'; bytes: Buffer } | { kind: 'video' };

/** The folder that pictures are to be read from is not there. */
export class PictureFolderMissing extends Error {
  override readonly name = 'PictureFolderMissing';
}

export interface PictureSource {
  /**
   * @param reference http(s) address, or a path inside the picture folder
   * @throws PictureRefused with the reason
   */
  read(reference: string): Promise<PictureFile>;
  close(): Promise<void>;
}

/**
 * Opens the two places that pictures come from. A folder is a fence: what is read must lie inside it after all links
 * are followed.
 * @param options.folder local pictures; null: only addresses are taken
 * @throws PictureFolderMissing
 */
export async function openPictureSource(options: {
  folder: string | null;
  fetch: Config['index']['fetch'];
  resolve?: Resolve;
}): Promise<PictureSource> {
  if (options.folder !== null && !(await isFolder(options.folder))) {
    throw new PictureFolderMissing(
      `the picture folder ${options.folder} does not exist; give --image-folder the folder that holds the picture files`,
    );
  }
  const fetcher = openPictureFetcher(options.fetch, options.resolve);
  const takeTurn = limitConcurrency(options.fetch.concurrency);
  return {
    read: (reference) =>
      takeTurn(async () => {
        const remote = /^https?:\/\//i.test(reference);
        const bytes = remote ? await fetcher.fetch(reference) : await readInside(options.folder, reference, options.fetch.maxBytes);
        if (isVideo(bytes)) return { kind: 'video' };
        if (bytes.length === 0) throw new PictureRefused('empty file');
        return { kind: 'picture', bytes };
      }),
    close: () => fetcher.close(),
  };
}

/** MP4 and its kin (`ftyp` box), WebM and Matroska (EBML), Ogg, AVI. A still picture in an ISO box (AVIF, HEIC) is no video. */
export function isVideo(bytes: Uint8Array): boolean {
  const text = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (text(4, 8) === 'ftyp') return !/^(avif|avis|heic|heix|heim|heis|mif1|msf1)$/.test(text(8, 12));
  return text(0, 4) === '\x1aE\xdf\xa3' || text(0, 4) === 'OggS' || (text(0, 4) === 'RIFF' && text(8, 12) === 'AVI ');
}

async function readInside(folder: string | null, reference: string, maxBytes: number): Promise<Buffer> {
  if (folder === null) throw new PictureRefused(`"${reference}" is a file name, but no picture folder is given (--image-folder)`);
  const path = await insidePath(folder, reference);
  // O_NONBLOCK: opening a pipe must not wait for a writer before we can see that it is no file.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new PictureRefused(`${reference}: ${reasonOf(error)}`);
  });
  try {
    const { size } = await file.stat().then((stats) => {
      if (!stats.isFile()) throw new PictureRefused(`${reference}: not a file`);
      return stats;
    });
    if (size > maxBytes) {
      // A long video is recognised by its head, not read.
      const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
      if (isVideo(buffer.subarray(0, bytesRead))) return buffer;
      throw tooLarge(maxBytes);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function insidePath(folder: string, reference: string): Promise<string> {
  if (reference.includes('\0')) throw new PictureRefused('file name holds a zero byte');
  if (isAbsolute(reference) || /^[a-z][a-z\d+.-]*:/i.test(reference)) {
    throw new PictureRefused(`"${reference}" is not a path inside the picture folder`);
  }
  if (reference.split(/[/\\]/).includes('..')) throw new PictureRefused(`"${reference}" leads out of the picture folder`);
  const root = await realpath(folder);
  const path = await realpath(resolvePath(root, reference)).catch((error: unknown) => {
    throw new PictureRefused(`${reference}: ${reasonOf(error)}`);
  });
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) throw new PictureRefused(`"${reference}" leads out of the picture folder`);
  return path;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return code === 'ENOENT' ? 'no such file' : code;
}

/** At most `limit` tasks at once, others in the order of asking. */
function limitConcurrency(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= limit) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
