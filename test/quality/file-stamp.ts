import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactsFolder, locateRanker } from '../../models/named-ranker.js';
import { openArtefact } from '../../models/artefact.js';

/** sha256 of a file, in hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** sha256 of the files that lie in a folder, not of those deeper in it, with their names. */
export async function hashFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const hashes = await Promise.all(files.sort().map(async (name) => [name, await hashFile(join(folder, name))]));
  return createHash('sha256').update(JSON.stringify(hashes)).digest('hex');
}

/** What tells a ranker from another one of the same name: the model's sha256; a ranker that is a column has its name alone. */
export async function stampRanker(name: string): Promise<string> {
  if (name === 'first-phase' || name === 'shuffle') return name;
  const place = await locateRanker(name);
  return place.kind === 'column' ? name : (await openArtefact(place.folder)).sha256;
}

/** Names of the built-in encoders, which carry their versions. */
export function listBuiltInEncoders(): string[] {
  return readdirSync(artefactsFolder).filter((name) => /^(text|image|picture)/.test(name));
}
