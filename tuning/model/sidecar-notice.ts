import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { switchVersion, type VersionSwitch } from '../../models/ranker-versions.js';

/** Where the running sidecar is told. */
export interface AdminDoor {
  /** Such as http://127.0.0.1:9090; null = nobody is told. */
  readonly url: string | null;
  readonly token: string | null;
}

/** The sidecar runs and did not take the version; the one before is the current one again. */
export class SidecarRefused extends Error {
  override readonly name = 'SidecarRefused';
  readonly exitCode = 5;
}

const changeSchema = z.object({ model: z.string() });
const errorSchema = z.object({ error: z.object({ reason: z.string() }) });

/** The token is read from a file or from FUSERANK_ADMIN_TOKEN: a flag would show it to everybody on the machine. */
export async function readAdminToken(file: string | null, env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  if (file === null) return env['FUSERANK_ADMIN_TOKEN'] ?? null;
  return (await readFile(file, 'utf8')).trim();
}

/**
 * Makes another version the current one and has the running sidecar load it. Where it refuses, the version before is put back.
 * @param expected id of the model that the sidecar must say it ranks by now
 * @returns what became of the sidecar, for people
 * @throws SidecarRefused: then nothing has changed
 */
export async function changeVersion(
  { folder, profile }: { folder: string; profile: string },
  change: Omit<VersionSwitch, 'time' | 'from'>,
  { door, expected }: { door: AdminDoor; expected: string },
): Promise<string> {
  const { from } = await switchVersion(folder, change);
  if (door.url === null) return 'no sidecar was told; it takes the version when it starts, or on SIGHUP';
  try {
    return await tellSidecar(door, profile, expected);
  } catch (error) {
    await switchVersion(folder, { action: 'restore', to: from, forced: null, report: null });
    throw error;
  }
}

async function tellSidecar({ url, token }: AdminDoor, profile: string, expected: string): Promise<string> {
  const address = `${url}/admin/models/${encodeURIComponent(profile)}/load`;
  let response: Response;
  try {
    response = await fetch(address, { method: 'POST', headers: token === null ? {} : { authorization: `Bearer ${token}` } });
  } catch (cause) {
    if (cause instanceof TypeError && isRefusal(cause.cause)) return `no sidecar runs at ${url}; it takes the version when it starts`;
    throw new SidecarRefused(`the sidecar at ${url} was cut off while it loaded the version; nothing has changed`, { cause });
  }
  const answer: unknown = await response.json().catch(() => null);
  const changed = changeSchema.safeParse(answer);
  if (response.ok && changed.success && changed.data.model === expected) return `the sidecar at ${url} ranks by it`;
  if (response.ok && changed.success) {
    throw new SidecarRefused(
      `the sidecar at ${url} ranks by ${changed.data.model}, not by ${expected}: its profile ${profile} names another folder; nothing has changed here`,
    );
  }
  const told = errorSchema.safeParse(answer);
  const reason = told.success
    ? told.data.error.reason
    : `what answers there is no sidecar (${response.status}); name its admin port with --admin, or --admin none`;
  const hint = response.status === 401 || response.status === 403 ? ' (--token-file, or FUSERANK_ADMIN_TOKEN)' : '';
  throw new SidecarRefused(`${url}: ${reason}${hint}; nothing has changed`);
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
