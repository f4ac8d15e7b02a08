import { createHash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeListLine, type LoggedList } from './logged-list.js';
import { eraseLoggedUsers } from './logged-users.js';

/** Lists that wait for a slow disk; beyond them lists are dropped, never searches. */
const WAITING_LISTS = 500;
/** Bytes of a file's end that are looked through for the last whole line. */
const TAIL_BYTES = 64 * 1024;

/**
 * Whether a list is among the sampled ones. Decided by a hash, not by chance: every replica, and a later page that is
 * ranked anew, decides alike, and whoever holds the events can tell which searches were kept.
 * @param key query id where the search has one, else the list's own key
 * @param share 0–1
 */
export function isSampled(key: string, share: number): boolean {
  return createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32 < share;
}

/**
 * Ranked lists in `<folder>/fuserank-log-<yyyymmdd>T<hh>-<host>-<pid>.ndjson`, a list a line, a file an hour (UTC), appended
 * to by this process alone: the host is named since processes of containers share their numbers. Nothing that happens to
 * the folder reaches a search.
 */
export class FeatureLog {
  readonly #folder: string;
  readonly #onKept: (lists: number) => void;
  readonly #onLost: (lists: number, cause: string) => void;
  readonly #now: () => Date;
  #waiting: LoggedList[] = [];
  #writing: Promise<void> | null = null;
  #file: { readonly name: string; readonly handle: FileHandle; /** Bytes of whole lines. */ whole: number } | null = null;

  /** @param options.onLost told of lists that could not be written, and why */
  constructor(
    folder: string,
    options: { onKept?: (lists: number) => void; onLost: (lists: number, cause: string) => void; now?: () => Date },
  ) {
    this.#folder = folder;
    this.#onKept = options.onKept ?? (() => undefined);
    this.#onLost = options.onLost;
    this.#now = options.now ?? (() => new Date());
  }

  /** Takes a list to be written after the search was answered. Never throws. */
  take(list: LoggedList): void {
    if (this.#waiting.length >= WAITING_LISTS) return this.#onLost(1, `${WAITING_LISTS} lists wait for the disk already`);
    this.#waiting.push(list);
    this.#writing ??= this.#drain().finally(() => (this.#writing = null));
  }

  /** Takes users out of what waits and of every file of the folder, those of other processes as well. Gives how many lists that were. */
  async forget(isErased: (user: string) => boolean): Promise<number> {
    const waiting = this.#waiting.length;
    this.#waiting = this.#waiting.filter(({ user }) => user === null || !isErased(user));
    const dropped = waiting - this.#waiting.length;
    await this.#writing;
    return dropped + (await eraseLoggedUsers(this.#folder, isErased));
  }

  /** Writes what waits, and lets go of the file. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#release();
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve)); // the shopper's answer goes first
    while (this.#waiting.length > 0) {
      const lists = this.#waiting.splice(0);
      try {
        await this.#append(lists.map((list) => `${writeListLine(list)}\n`).join(''));
        this.#onKept(lists.length);
      } catch (error) {
        this.#onLost(lists.length, error instanceof Error ? error.message : String(error));
        await this.#release();
      }
    }
  }

  async #append(text: string): Promise<void> {
    const name = fileName(this.#now());
    if (this.#file?.name !== name) {
      await this.#release();
      await mkdir(this.#folder, { recursive: true });
      this.#file = { name, ...(await openWhole(join(this.#folder, name))) };
    }
    const file = this.#file;
    const bytes = Buffer.from(text, 'utf8');
    try {
      await file.handle.appendFile(bytes);
      file.whole += bytes.length;
    } catch (error) {
      await file.handle.truncate(file.whole).catch(() => undefined); // else the next opening does it
      throw error;
    }
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.handle.close().catch(() => undefined);
  }
}

function fileName(now: Date): string {
  const hour = now.toISOString().slice(0, 13).replaceAll('-', '');
  return `fuserank-log-${hour}-${hostname().replace(/[^\w.-]/g, '_')}-${process.pid}.ndjson`;
}

/** Opens a file to append to, without the half line that a crash may have left. */
async function openWhole(path: string): Promise<{ handle: FileHandle; whole: number }> {
  const handle = await open(path, 'a+');
  try {
    const { size } = await handle.stat();
    let whole = size;
    while (whole > 0) {
      const start = Math.max(0, whole - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(whole - start), 0, whole - start, start);
      const end = buffer.subarray(0, bytesRead).lastIndexOf('\n');
      whole = end < 0 ? start : start + end + 1;
      if (end >= 0) break;
    }
    if (whole < size) await handle.truncate(whole);
    return { handle, whole };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
