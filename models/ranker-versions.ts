import { cp, mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { openArtefact, type Artefact } from './artefact.js';

/**
 * A folder of rankers of which one ranks now:
 *
 *     shop-main/
 *       current                      one line: the name of a folder beside it, or builtin
 *       history.ndjson               every switch, oldest first
 *       fusion-tuned-2@1f3c9a70/     artefacts, each under its id
 *
 * A folder that holds nothing yet stands for the built-in ranker, so that a profile can name it before the first promotion.
 */
export const CURRENT = 'current';
const HISTORY = 'history.ndjson';
/** Folder of the reports of promotions, a folder each. */
export const REPORTS = 'reports';

/** What `current` says of the ranker that ships with the product. */
export const BUILTIN = 'builtin';

/** The folder cannot be used as one of versions; the message says what to mend. */
export class VersionsUnusable extends Error {
  override readonly name = 'VersionsUnusable';
  readonly exitCode = 2;
}

const version = z.string().regex(/^[\w][\w.@-]*$/);

const switchSchema = z.object({
  time: z.iso.datetime(),
  action: z.enum(['promote', 'rollback', 'restore']),
  from: version,
  to: version,
  /** Why the gate was overruled; null = it was passed, or there was none. */
  forced: z.string().nullable(),
  /** File of the promotion's report, beside this one; null = none. */
  report: z.string().nullable(),
});
/** One change of the ranker that ranks. `restore` takes back a promotion that the sidecar refused. */
export type VersionSwitch = z.output<typeof switchSchema>;

/** True for a folder with a `current`, or with nothing but reports in it: an artefact has a manifest instead. */
export async function isVersionFolder(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => null);
  return names !== null && (names.includes(CURRENT) || names.every((name) => name === REPORTS || name.startsWith('.')));
}

/** Which version ranks: the name of a folder in it, or `builtin`. @throws VersionsUnusable */
export async function readCurrent(folder: string): Promise<string> {
  const file = join(folder, CURRENT);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return BUILTIN;
    throw new VersionsUnusable(`cannot read ${file}: ${error.message}`);
  });
  const parsed = version.safeParse(text.trim());
  if (parsed.success) return parsed.data;
  throw new VersionsUnusable(`${file} says ${JSON.stringify(text.slice(0, 100))}; write the name of a folder beside it, or ${BUILTIN}`);
}

/** Every switch, oldest first. @throws VersionsUnusable */
export async function readHistory(folder: string): Promise<VersionSwitch[]> {
  const file = join(folder, HISTORY);
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, place) => {
    try {
      return switchSchema.parse(JSON.parse(line));
    } catch {
      throw new VersionsUnusable(
        `${file}:${place + 1} is no switch of versions; mend the line, or remove the file to forget what was before`,
      );
    }
  });
}

/** The version that ranked before the current one came; null = there was none. Going back twice goes back two versions. */
export function previousVersion(history: readonly VersionSwitch[], current: string): string | null {
  const stack: string[] = [];
  for (const { action, from, to } of history) {
    if (stack.at(-1) !== from) stack.push(from); // somebody wrote `current` by hand
    if (action === 'promote') stack.push(to);
    else {
      stack.pop();
      if (stack.at(-1) !== to) stack.push(to);
    }
  }
  if (stack.at(-1) !== current) return stack.at(-1) ?? null;
  return stack.at(-2) ?? null;
}

/** Names of the artefact folders in it, in order of name. */
export async function listVersions(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && version.safeParse(entry.name).success).map(({ name }) => name);
  const found = await Promise.all(
    folders.map(async (name) => ((await stat(join(folder, name, 'manifest.json')).catch(() => null)) ? [name] : [])),
  );
  return found.flat().sort();
}

/** Copies an artefact in under its id, whole or not at all; one that is there already, of the same bytes, stays. Gives its name. */
export async function placeVersion(folder: string, artefact: Artefact): Promise<string> {
  const place = join(folder, artefact.id);
  const there = await openArtefact(place).catch(() => null);
  if (there?.sha256 === artefact.sha256) return artefact.id;
  await mkdir(folder, { recursive: true });
  const beside = join(folder, `.${artefact.id}.${process.pid}.part`);
  try {
    await cp(artefact.folder, beside, { recursive: true });
    await openArtefact(beside); // the copy is what was verified
    await rm(place, { recursive: true, force: true });
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  return basename(place);
}

/** Makes another version the current one; a reader sees the old name or the new one. */
export async function switchVersion(folder: string, change: Omit<VersionSwitch, 'time' | 'from'>): Promise<VersionSwitch> {
  const done: VersionSwitch = switchSchema.parse({ ...change, time: new Date().toISOString(), from: await readCurrent(folder) });
  await mkdir(folder, { recursive: true });
  const beside = join(folder, `.${CURRENT}.${process.pid}.part`);
  await writeFile(beside, `${done.to}\n`, { flush: true });
  await rename(beside, join(folder, CURRENT));
  const history = await open(join(folder, HISTORY), 'a');
  try {
    await history.appendFile(`${JSON.stringify(done)}\n`);
    await history.sync();
  } finally {
    await history.close();
  }
  return done;
}
