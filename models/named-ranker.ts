import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../config/package-root.js';
import { ArtefactMismatch } from './artefact.js';
import { COLUMN_RANKERS, columnRanker, isColumnRanker } from './column-ranker.js';
import { openRanker, type Ranker } from './ranker.js';
import { BUILTIN, isVersionFolder, readCurrent } from './ranker-versions.js';

/** The ranker of `ranker: builtin`. */
const BUILTIN_RANKER = 'fusion-base-4';

/** Where a ranker is found. */
export type RankerPlace =
  | { readonly kind: 'column' }
  | {
      readonly kind: 'artefact';
      readonly folder: string;
      /** Of these it is the current one; null = named as such. */ readonly versions: string | null;
    };

/** The folder of the artefacts that come with the product. */
export const artefactsFolder: string = join(packageRoot, 'models', 'artefacts');

/** That of `ranker: builtin`. */
export const builtinFolder: string = join(artefactsFolder, BUILTIN_RANKER);

/**
 * Finds the ranker that a profile names: the built-in one, one that is a column, the artefact in a folder, or the current one of a folder
 * of versions. A folder of one of our names is reached as `./name`.
 * @throws ArtefactMismatch, VersionsUnusable
 */
export async function locateRanker(name: string): Promise<RankerPlace> {
  if (name === BUILTIN) return { kind: 'artefact', folder: builtinFolder, versions: null };
  if (isColumnRanker(name)) return { kind: 'column' };
  const folder = resolve(name);
  if (!existsSync(folder)) {
    const names = [BUILTIN, 'first-phase', 'shuffle', ...Object.keys(COLUMN_RANKERS)].join(', ');
    throw new ArtefactMismatch(`there is no ranker "${name}" and no folder ${folder}; name the folder of an artefact, or one of ${names}`);
  }
  if (!(await isVersionFolder(folder))) return { kind: 'artefact', folder, versions: null };
  const current = await readCurrent(folder);
  const place = current === BUILTIN ? builtinFolder : join(folder, current);
  return { kind: 'artefact', folder: place, versions: folder };
}

/** Opens a ranker at its place; `name` names one that is a column. @throws ArtefactMismatch */
export async function openLocatedRanker(name: string, place: RankerPlace): Promise<Ranker> {
  if (place.kind === 'artefact') return openRanker(place.folder);
  if (isColumnRanker(name)) return columnRanker(name);
  throw new ArtefactMismatch(`there is no ranker "${name}" that is a column`);
}
