import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { placeFolder } from './cache.js';
import { artefactFile, homeFolder, icuFolder, type ArtefactLock } from './lock.js';
import { fetchArtefacts } from './maven.js';
import { unzip } from './unzip.js';

/** The home of the node made from this lock, if it was assembled before. */
export function findAssembled(cache: string, lock: ArtefactLock): string | null {
  const home = join(cache, homeFolder(lock));
  return existsSync(home) ? home : null;
}

/** Fetches the node's archives and unpacks them into a home in the cache; quick when that was done before. */
export async function assembleNode(options: { cache: string; lock: ArtefactLock; log: (line: string) => void }): Promise<string> {
  const { cache, lock, log } = options;
  const home = join(cache, homeFolder(lock));
  await placeFolder(home, async (draft) => {
    log(`assembling OpenSearch ${lock.version} in ${home} (180 MB to fetch, once)`);
    const archives = join(draft, '.archives');
    await fetchArtefacts({ artefacts: lock.node, folder: archives, lock });
    for (const archive of lock.node) {
      const bytes = readFileSync(join(archives, artefactFile(archive)));
      unzip(bytes, join(draft, archive.into), { strip: archive.strip, leaveOut: archive.leaveOut });
    }
    rmSync(archives, { recursive: true });
  });
  return home;
}

/** ICU's jars, kept in the cache as they are; fetched if they are not there yet. */
export async function fetchIcu(options: { cache: string; lock: ArtefactLock }): Promise<string[]> {
  const { cache, lock } = options;
  const folder = join(cache, icuFolder(lock));
  await placeFolder(folder, async (draft) => {
    await fetchArtefacts({ artefacts: lock.icu, folder: draft, lock });
    rmSync(join(draft, 'pom.xml'), { force: true });
  });
  return lock.icu.map((artefact) => join(folder, artefactFile(artefact)));
}
