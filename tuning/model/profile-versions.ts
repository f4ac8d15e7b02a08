import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { isColumnRanker } from '../../models/column-ranker.js';
import { builtinFolder } from '../../models/named-ranker.js';
import { BUILTIN, isVersionFolder, readCurrent } from '../../models/ranker-versions.js';

/** The profile cannot be promoted into. */
export class ProfileRefused extends Error {
  override readonly name = 'ProfileRefused';
  readonly exitCode = 2;
}

/** A profile whose ranker is a folder of versions. */
export interface ProfileVersions {
  readonly profile: string;
  /** Absolute. */
  readonly folder: string;
  /** Name of the current version. */
  readonly current: string;
  /** Folder of the artefact that is current. */
  readonly currentFolder: string;
}

/** @throws ProfileRefused with what to write into the configuration; VersionsUnusable */
export async function readProfileVersions(config: Config, profile: string): Promise<ProfileVersions> {
  const found = Object.hasOwn(config.profiles, profile) ? config.profiles[profile] : undefined;
  if (!found) {
    throw new ProfileRefused(`the configuration has no profile "${profile}"; it has ${Object.keys(config.profiles).join(', ') || 'none'}`);
  }
  const { ranker } = found;
  const named = ranker === BUILTIN || ranker === 'first-phase' || ranker === 'shuffle' || isColumnRanker(ranker);
  const folder = resolve(ranker);
  if (named || (existsSync(folder) && !(await isVersionFolder(folder)))) {
    throw new ProfileRefused(
      `profile ${profile} ranks by ${ranker}, which is no folder of versions; make one, name it, and start the sidecar again:\n` +
        `  mkdir -p models/${profile}\n` +
        `  profiles: {${profile}: {ranker: ./models/${profile}}}      # in the configuration; the empty folder stands for builtin`,
    );
  }
  const current = await readCurrent(folder);
  return { profile, folder, current, currentFolder: current === BUILTIN ? builtinFolder : join(folder, current) };
}
