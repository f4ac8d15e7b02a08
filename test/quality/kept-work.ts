import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** What a piece of work was made of: whatever would make another result, and nothing else. */
export type WorkStamp = Readonly<Record<string, unknown>>;

const keptSchema = z.object({ stamp: z.string(), result: z.unknown() });

/**
 * Does a piece of work once. Its result is kept beside its stamp and taken again while the stamp is the same; it is written when the work is
 * whole, so that one that was killed is begun anew.
 * @param work.file where stamp and result are kept
 * @param work.result what is kept must be this, else the work is done again
 * @param work.isThere whether what the work made elsewhere (a folder, an index) is still there
 */
export async function keepWork<Result>(work: {
  file: string;
  stamp: WorkStamp;
  result: z.ZodType<Result>;
  isThere?: (result: Result) => boolean | Promise<boolean>;
  make: () => Promise<Result>;
}): Promise<{ result: Result; again: boolean }> {
  const { file } = work;
  const stamp = writeStamp(work.stamp);
  const kept = await readKeptWork(work);
  if (kept !== null) return { result: kept, again: true };
  await rm(file, { force: true });
  const result = await work.make();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify({ stamp, result })}\n`);
  await rename(`${file}.new`, file);
  return { result, again: false };
}

/** What was kept of this very work; null where it has to be done. */
export async function readKeptWork<Result>(work: {
  file: string;
  stamp: WorkStamp;
  result: z.ZodType<Result>;
  isThere?: (result: Result) => boolean | Promise<boolean>;
}): Promise<Result | null> {
  const kept = readKept(work.file);
  if (kept?.stamp !== writeStamp(work.stamp)) return null;
  const result = work.result.safeParse(kept.result);
  return result.success && (await (work.isThere ?? (() => true))(result.data)) ? result.data : null;
}

/** The same text for the same members, in whatever order they were named. */
export function writeStamp(stamp: WorkStamp): string {
  return JSON.stringify(stamp, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

function readKept(file: string): z.output<typeof keptSchema> | null {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null; // none there, or one that broke off
  }
}
