import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { artefactsFolder } from '../../models/named-ranker.js';

export { readParity } from '../../models/ranker-proof.js';
export { changeInput, drawInput, rankingInput } from '../../models/drawn-input.js';

const manifestSchema = z.looseObject({ kind: z.string() });

/** The folders of all rankers in the repository. */
export function rankerFolders(): string[] {
  return readdirSync(artefactsFolder)
    .map((name) => join(artefactsFolder, name))
    .filter((folder) => existsSync(join(folder, 'manifest.json')))
    .filter((folder) => manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).kind === 'ranker');
}
