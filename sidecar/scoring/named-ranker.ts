import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import { ArtefactMismatch } from '../../models/artefact.js';
import { COLUMN_RANKERS, columnRanker, isColumnRanker } from '../../models/column-ranker.js';
import { openRanker, type Ranker } from '../../models/ranker.js';

/** The ranker of `ranker: builtin`. */
const BUILTIN_RANKER = 'fusion-base-2';

/**
 * Opens the ranker that a profile names: the built-in one, one that is a column, or the artefact in a folder. A folder of one of our
 * names is reached as `./name`.
 * @throws ArtefactMismatch
 */
export async function openNamedRanker(name: string): Promise<Ranker> {
  if (name === 'builtin') return openRanker(join(packageRoot, 'models', 'artefacts', BUILTIN_RANKER));
  if (isColumnRanker(name)) return columnRanker(name);
  const folder = isAbsolute(name) ? name : resolve(name);
  if (!existsSync(folder)) {
    const names = ['builtin', 'first-phase', 'shuffle', ...Object.keys(COLUMN_RANKERS)].join(', ');
    throw new ArtefactMismatch(`there is no ranker "${name}" and no folder ${folder}; name the folder of an artefact, or one of ${names}`);
  }
  return openRanker(folder);
}
