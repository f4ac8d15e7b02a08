import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

type Surroundings = { env?: NodeJS.ProcessEnv; isRoot?: boolean; home?: string; platform?: NodeJS.Platform };

/**
 * Where the assembled node, its data and a fetched JDK are kept: `FUSERANK_CACHE`, else `/var/cache/fuserank` for root
 * (OpenSearch then runs as another user, to whom root's home is closed), else the user's own cache folder.
 */
export function cacheFolder({
  env = process.env,
  isRoot = process.getuid?.() === 0,
  home = homedir(),
  platform = process.platform,
}: Surroundings = {}): string {
  if (env.FUSERANK_CACHE) return resolve(env.FUSERANK_CACHE);
  if (isRoot) return '/var/cache/fuserank';
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'fuserank');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'fuserank', 'cache');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'fuserank');
  return join(home, '.cache', 'fuserank');
}

/**
 * Makes `folder` appear whole or not at all: `fill` writes into a folder beside it, which is then renamed.
 * Several processes may do this at once; the first to finish wins and the others take what it made.
 */
export async function placeFolder(folder: string, fill: (draft: string) => Promise<void> | void): Promise<void> {
  if (existsSync(folder)) return;
  removeOldDrafts(folder);
  const draft = `${folder}.draft-${process.pid}-${randomBytes(4).toString('hex')}`;
  openFolder(dirname(folder));
  openFolder(draft);
  try {
    await fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Makes a folder that everybody may enter, whatever the umask. An existing one is left as it is. */
export function openFolder(folder: string): void {
  if (existsSync(folder)) return;
  openFolder(dirname(folder));
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}

const DAY_MS = 24 * 3600 * 1000;

/** A draft that nobody finished within a day was left by a process that was killed. */
function removeOldDrafts(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (name.startsWith(`${basename(folder)}.draft-`) && Date.now() - statSync(path).mtimeMs > DAY_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** The first folder on the way to `path` that users other than its owner may not enter, or null. */
export function closedFolder(path: string): string | null {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return null;
  }
}
