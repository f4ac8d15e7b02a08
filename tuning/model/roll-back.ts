import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { openArtefact } from '../../models/artefact.js';
import { builtinFolder } from '../../models/named-ranker.js';
import { BUILTIN, previousVersion, readHistory } from '../../models/ranker-versions.js';
import { openRanker } from '../../models/ranker.js';
import { ProfileRefused, readProfileVersions } from './profile-versions.js';
import { changeVersion, type AdminDoor } from './sidecar-notice.js';

export interface RolledBack {
  readonly profile: string;
  readonly from: string;
  readonly to: string;
  /** What became of the running sidecar. */
  readonly sidecar: string;
}

/** Makes the version before the current one rank again. @throws ProfileRefused, ArtefactMismatch, SidecarRefused: nothing has changed */
export async function rollBack({ config, profile, door }: { config: Config; profile: string; door: AdminDoor }): Promise<RolledBack> {
  const versions = await readProfileVersions(config, profile);
  const to = previousVersion(await readHistory(versions.folder), versions.current);
  if (to === null) throw new ProfileRefused(`${versions.folder} has no version before ${versions.current}; promote one`);
  const folder = to === BUILTIN ? builtinFolder : join(versions.folder, to);
  await (await openRanker(folder)).close(); // refused here, before anything is switched
  const { id } = await openArtefact(folder);
  const sidecar = await changeVersion(versions, { action: 'rollback', to, forced: null, report: null }, { door, expected: id });
  return { profile, from: versions.current, to, sidecar };
}
