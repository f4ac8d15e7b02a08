import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, closedFolder, openFolder, placeFolder } from '../../../opensearch/local-node/cache.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'fuserank-cache-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the cache folder', () => {
  const user = { isRoot: false, home: '/home/ada', platform: 'linux' } as const;

  it('is where FUSERANK_CACHE says, for everybody', () => {
    expect(cacheFolder({ ...user, env: { FUSERANK_CACHE: '/data/cache' } })).toBe('/data/cache');
    expect(cacheFolder({ ...user, isRoot: true, env: { FUSERANK_CACHE: '/data/cache' } })).toBe('/data/cache');
  });

  it('is outside root’s closed home for root, and the user’s own elsewhere', () => {
    expect(cacheFolder({ ...user, isRoot: true, env: { XDG_CACHE_HOME: '/root/.cache' } })).toBe('/var/cache/fuserank');
    expect(cacheFolder({ ...user, env: { XDG_CACHE_HOME: '/x' } })).toBe('/x/fuserank');
    expect(cacheFolder({ ...user, env: {} })).toBe('/home/ada/.cache/fuserank');
    expect(cacheFolder({ ...user, platform: 'darwin', env: {} })).toBe('/home/ada/Library/Caches/fuserank');
  });
});

describe('placing a folder', () => {
  it('shows it whole or not at all', async () => {
    const place = join(folder, 'deep', 'node');
    await expect(
      placeFolder(place, (draft) => {
        writeFileSync(join(draft, 'half'), '');
        throw new Error('the network went away');
      }),
    ).rejects.toThrow('the network went away');
    expect(readdirSync(join(folder, 'deep'))).toEqual([]);
    await placeFolder(place, (draft) => {
      expect(existsSync(place)).toBe(false);
      writeFileSync(join(draft, 'whole'), '');
    });
    expect(readdirSync(place)).toEqual(['whole']);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['node']);
  });

  it('lets several at once try, and all take what the first made', async () => {
    const place = join(folder, 'node');
    const fill = (who: number) => async (draft: string) => {
      writeFileSync(join(draft, 'first'), String(who));
      await sleep(10 * who);
      writeFileSync(join(draft, 'second'), String(who));
    };
    await Promise.all([3, 1, 2].map((who) => placeFolder(place, fill(who))));
    expect(readFileSync(join(place, 'first'), 'utf8')).toBe('1');
    expect(readFileSync(join(place, 'second'), 'utf8')).toBe('1');
    expect(readdirSync(folder)).toEqual(['node']);
  });

  it('does nothing when it is there', async () => {
    await placeFolder(folder, () => expect.unreachable());
  });

  it('clears away what a killed process left a day ago, and nothing younger', async () => {
    for (const name of ['node.draft-1-aa', 'node.draft-2-bb', 'other.draft-1-aa']) mkdirSync(join(folder, name));
    const longAgo = Date.now() / 1000 - 2 * 24 * 3600;
    utimesSync(join(folder, 'node.draft-1-aa'), longAgo, longAgo);
    utimesSync(join(folder, 'other.draft-1-aa'), longAgo, longAgo);
    await placeFolder(join(folder, 'node'), () => undefined);
    expect(readdirSync(folder).sort()).toEqual(['node', 'node.draft-2-bb', 'other.draft-1-aa']);
  });
});

describe('a way that others can walk', () => {
  it('is made whatever the umask', () => {
    openFolder(join(folder, 'a/b'));
    for (const path of ['a', 'a/b']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o755);
  });

  it('is closed by the first folder that only its owner may enter', () => {
    chmodSync(folder, 0o755);
    openFolder(join(folder, 'a/b/c'));
    expect(closedFolder(join(folder, 'a/b/c'))).toBeNull();
    chmodSync(join(folder, 'a'), 0o700);
    expect(closedFolder(join(folder, 'a/b/c'))).toBe(join(folder, 'a'));
  });
});
