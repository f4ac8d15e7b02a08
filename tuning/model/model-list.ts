import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { openArtefact } from '../../models/artefact.js';
import { artefactsFolder, locateRanker } from '../../models/named-ranker.js';
import { listVersions, readHistory, type VersionSwitch } from '../../models/ranker-versions.js';

/** One ranker that can be used. */
export interface ListedModel {
  /** Null where it cannot be opened. */
  readonly id: string | null;
  readonly folder: string;
  /** Profiles that rank by it. */
  readonly profiles: readonly string[];
  /** Bytes of the model. */
  readonly bytes: number | null;
  /** What is wrong with it. */
  readonly fault: string | null;
}

export interface ListedProfile {
  readonly profile: string;
  readonly index: string;
  /** As the configuration names it. */
  readonly ranker: string;
  /** Folder of what it ranks by; null = no model. */
  readonly folder: string | null;
  /** The folder of versions; null = none. */
  readonly versions: string | null;
  readonly history: readonly VersionSwitch[];
  readonly fault: string | null;
}

export interface ModelList {
  readonly models: readonly ListedModel[];
  readonly profiles: readonly ListedProfile[];
}

/** The rankers that come with the product, those of the profiles' folders of versions, and who uses which. */
export async function listModels(config: Config): Promise<ModelList> {
  const profiles = await Promise.all(
    Object.entries(config.profiles).map(([name, { index, ranker }]) => describeProfile(name, { index, ranker })),
  );
  const folders = new Set<string>();
  for (const name of (await readdir(artefactsFolder)).sort()) folders.add(join(artefactsFolder, name));
  for (const { versions, folder } of profiles) {
    if (versions !== null) for (const name of await listVersions(versions)) folders.add(join(versions, name));
    if (folder !== null) folders.add(folder);
  }
  const models = await Promise.all([...folders].map((folder) => describeModel(folder, profiles)));
  return { models: models.filter((model) => model !== null), profiles };
}

async function describeProfile(profile: string, { index, ranker }: { index: string; ranker: string }): Promise<ListedProfile> {
  const listed = { profile, index, ranker, folder: null, versions: null, history: [], fault: null };
  if (ranker === 'first-phase' || ranker === 'shuffle') return listed;
  try {
    const place = await locateRanker(ranker);
    if (place.kind === 'column') return listed;
    const history = place.versions === null ? [] : await readHistory(place.versions);
    return { ...listed, folder: place.folder, versions: place.versions, history };
  } catch (error) {
    return { ...listed, fault: messageOf(error) };
  }
}

/** Null for an artefact of another kind. */
async function describeModel(folder: string, profiles: readonly ListedProfile[]): Promise<ListedModel | null> {
  const users = profiles.filter((each) => each.folder === folder).map(({ profile }) => profile);
  try {
    const { id, manifest } = await openArtefact(folder);
    if (manifest.kind !== 'ranker') return null;
    return { id, folder, profiles: users, bytes: manifest.model.bytes, fault: null };
  } catch (error) {
    // What comes with the product beside rankers, such as a basis of colours, has no manifest.
    return users.length === 0 && folder.startsWith(artefactsFolder)
      ? null
      : { id: null, folder, profiles: users, bytes: null, fault: messageOf(error) };
  }
}

export function renderModelList({ models, profiles }: ModelList): string {
  const width = Math.max(...models.map(({ id }) => (id ?? '?').length));
  const lines = models.map(({ id, folder, profiles: users, bytes, fault }) => {
    const used = users.length === 0 ? '' : `  ← ${users.join(', ')}`;
    return fault === null
      ? `${(id ?? '?').padEnd(width)}  ${String(bytes).padStart(9)} bytes  ${folder}${used}`
      : `${'?'.padEnd(width)}  ${fault}${used}`;
  });
  const told = profiles.map(({ profile, index, ranker, history, fault }) => {
    const last = history.at(-1);
    const since =
      last === undefined
        ? ''
        : `, ${last.action} from ${last.from} at ${last.time}${last.forced === null ? '' : ` (forced: ${last.forced})`}`;
    return `profile ${profile} (${index}): ${ranker}${since}${fault === null ? '' : `: ${fault}`}`;
  });
  return `${[...lines, ...(told.length === 0 ? ['no profile is configured'] : ['', ...told])].join('\n')}\n`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
