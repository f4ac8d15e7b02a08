import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';

/** Larger models belong in a folder of the operator's own, not in an artefact of this project. */
const MAX_MODEL_BYTES = 1024 ** 3;

const dims = z.array(z.union([z.number().int().positive(), z.string()]));

/**
 * What every artefact says of itself; a kind of artefact adds its own members beside these (they are kept).
 * `inputs` and `outputs` map names to shapes: a number is fixed, a word is free.
 */
const artefactManifestSchema = z.looseObject({
  name: z.string().min(1),
  version: z.string().min(1),
  kind: z.enum(['text-encoder', 'image-encoder', 'ranker']),
  model: z.object({
    file: z.string().regex(/^[\w-][\w.-]*$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.number().int().positive(),
  }),
  inputs: z.record(z.string(), dims),
  outputs: z.record(z.string(), dims),
  licence: z.string().min(1),
  trainedOn: z.array(z.string()),
  metrics: z.record(z.string(), z.unknown()),
});
export type ArtefactManifest = z.output<typeof artefactManifestSchema>;

export interface Artefact {
  readonly folder: string;
  readonly manifest: ArtefactManifest;
  /** Absolute path of the model file. */
  readonly modelFile: string;
  /** sha256 of the model file, in hexadecimal; equal to the manifest's. */
  readonly sha256: string;
  /** `name-version@sha8`: the id that is stamped into indices and answers. */
  readonly id: string;
}

/** The artefact and what is expected of it differ; the message names both sides and the fix. */
export class ArtefactMismatch extends Error {
  override readonly name = 'ArtefactMismatch';
  readonly exitCode = 2;
}

/**
 * Opens an artefact folder (`manifest.json`, the model file, `parity.json`) and proves that the model is the one the
 * manifest speaks of.
 *
 * @param folder absolute path
 * @param expected.kind what the caller is about to use it as
 * @throws ArtefactMismatch
 */
export async function openArtefact(folder: string, expected: { kind?: ArtefactManifest['kind'] } = {}): Promise<Artefact> {
  const manifest = await readManifest(folder);
  if (expected.kind && manifest.kind !== expected.kind) {
    throw new ArtefactMismatch(`${folder} holds a ${manifest.kind}, but a ${expected.kind} is needed here; name another folder`);
  }
  const modelFile = join(folder, manifest.model.file);
  const bytes = await readFile(modelFile).catch(() => null);
  if (!bytes) throw new ArtefactMismatch(`${modelFile} is missing, though the manifest names it; restore the folder`);
  if (bytes.length > MAX_MODEL_BYTES || bytes.length !== manifest.model.bytes) {
    throw new ArtefactMismatch(`${modelFile} has ${bytes.length} bytes, its manifest says ${manifest.model.bytes}; restore the folder`);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== manifest.model.sha256) {
    throw new ArtefactMismatch(`${modelFile} has sha256 ${sha256}, its manifest says ${manifest.model.sha256}; restore the folder`);
  }
  return { folder, manifest, modelFile, sha256, id: `${manifest.name}-${manifest.version}@${sha256.slice(0, 8)}` };
}

async function readManifest(folder: string): Promise<ArtefactManifest> {
  const file = join(folder, 'manifest.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new ArtefactMismatch(`${file} is missing; an artefact folder holds manifest.json, the model and parity.json`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ArtefactMismatch(`${file} is not JSON; restore ${basename(folder)}`);
  }
  const parsed = artefactManifestSchema.safeParse(value);
  if (!parsed.success) throw new ArtefactMismatch(`${file} is not a manifest: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
