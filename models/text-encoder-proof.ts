import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ArtefactMismatch, openArtefact } from './artefact.js';
import type { ProofStep } from './ranker-proof.js';
import { openTextEncoder, type TextEncoder } from './text-encoder.js';

const paritySchema = z.object({
  texts: z.array(z.string()).min(1),
  vectors: z.array(z.array(z.number())).min(1),
  tolerance: z.number(),
});
export type RecordedVectors = z.output<typeof paritySchema>;

/** A vector may differ by so much from what the training framework gave, and from itself in other company. */
const TOLERANCE = 1e-4;

/** What the training framework gave for recorded texts. @throws ArtefactMismatch where the folder has no such record */
export function readRecordedVectors(folder: string): RecordedVectors {
  const file = join(folder, 'parity.json');
  try {
    return paritySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new ArtefactMismatch(`${file} is missing or no record of texts and vectors; export the artefact again`, { cause });
  }
}

/**
 * Proves a text encoder from its files alone: that its bytes are those of the manifest (artefact), that it gives here what it gave where
 * it was trained (parity), and that vectors are of unit length and hang on no neighbour (behaviour). What comes after a failed step is
 * not tried.
 */
export async function proveTextEncoder(folder: string): Promise<ProofStep[]> {
  const steps: ProofStep[] = [];
  let encoder: TextEncoder | null = null;
  try {
    const { id } = await openArtefact(folder, { kind: 'text-encoder' });
    encoder = await openTextEncoder({ path: folder });
    steps.push({ name: 'artefact', passed: true, detail: `${id}, ${encoder.dims} dims` });
    const recorded = readRecordedVectors(folder);
    steps.push(await proveParity(encoder, recorded));
    if (steps.every(({ passed }) => passed)) steps.push(await proveBehaviour(encoder, recorded.texts));
  } catch (error) {
    const name = steps.length === 0 ? 'artefact' : steps.length === 1 ? 'parity' : 'behaviour';
    steps.push({ name, passed: false, detail: error instanceof Error ? error.message : String(error) });
  } finally {
    await encoder?.close();
  }
  return steps;
}

async function proveParity(encoder: TextEncoder, { texts, vectors }: RecordedVectors): Promise<ProofStep> {
  const worst = distance(await encoder.encode(texts), vectors);
  const detail = `differs by ${worst.toExponential(1)} at most from what it was exported from, over ${texts.length} texts`;
  if (worst <= TOLERANCE) return { name: 'parity', passed: true, detail };
  return { name: 'parity', passed: false, detail: `${detail}; ${TOLERANCE} is allowed: export it again` };
}

async function proveBehaviour(encoder: TextEncoder, texts: readonly string[]): Promise<ProofStep> {
  const failed: string[] = [];
  const together = await encoder.encode(texts);
  const turned = (await encoder.encode(texts.toReversed())).toReversed();
  const alone: Float32Array[] = [];
  for (const text of texts) alone.push(...(await encoder.encode([text])));
  if (distance(turned, together) > TOLERANCE) failed.push('a text gets the same vector in any order');
  if (distance(alone, together) > TOLERANCE) failed.push('a text gets the same vector alone and in a batch');
  if (together.some((vector) => Math.abs(Math.hypot(...vector) - 1) > TOLERANCE)) failed.push('vectors are of unit length');
  const [nothing] = await encoder.encode(['']);
  if (nothing?.some((value) => value !== 0) !== false) failed.push('a text without a token gets the zero vector');
  return failed.length === 0
    ? { name: 'behaviour', passed: true, detail: 'texts in any order, alone, together, empty: as it should be' }
    : { name: 'behaviour', passed: false, detail: `does not hold: ${failed.join('; ')}` };
}

/** Greatest difference of a coordinate; infinite where shapes differ or a number is none. */
function distance(actual: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (const [row, vector] of expected.entries()) {
    const got = actual[row];
    if (got?.length !== vector.length) return Infinity;
    for (let place = 0; place < vector.length; place += 1) {
      const far = Math.abs((got[place] ?? Number.NaN) - (vector[place] ?? Number.NaN));
      if (!(far <= worst)) worst = Number.isNaN(far) ? Infinity : far;
    }
  }
  return worst;
}
