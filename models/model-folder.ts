import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { openArtefact, type ArtefactManifest } from './artefact.js';

/** A folder with a model and what prepares its inputs: an artefact of this project, or Transformers.js layout. */
export interface ModelFolder {
  readonly path: string;
  readonly modelFile: string;
  readonly id: string;
  /** The manifest where the folder is an artefact. */
  readonly manifest: ArtefactManifest | null;
  /** A text file beside the model; throws ModelFolderUnreadable where it is missing. */
  readText(name: string): Promise<string>;
}

export class ModelFolderUnreadable extends Error {
  override readonly name = 'ModelFolderUnreadable';
}

const configSchema = z.looseObject({ 'transformers.js_config': z.looseObject({ dtype: z.string().optional() }).optional() });

/** File endings of Transformers.js for each `dtype`. */
const ENDINGS: Record<string, string> = {
  fp32: '',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  fp16: '_fp16',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
};

/**
 * Finds the model of a folder and stamps it. A folder with `manifest.json` is an artefact and is verified against it;
 * any other is read as Transformers.js lays it out: `config.json` presets a dtype, `onnx/` holds the model (a tower of
 * its own, such as `vision_model.onnx`, before the whole).
 *
 * @throws ModelFolderUnreadable, ArtefactMismatch
 */
export async function openModelFolder(folder: string, kind: 'text-encoder' | 'image-encoder'): Promise<ModelFolder> {
  const path = resolve(folder);
  const readText = async (name: string): Promise<string> => {
    const text = await readFile(join(path, name), 'utf8').catch(() => null);
    if (text === null) throw new ModelFolderUnreadable(`${join(path, name)} is missing; give a folder in Transformers.js layout`);
    return text;
  };
  if (!existsSync(path)) throw new ModelFolderUnreadable(`${path} does not exist; name a local model folder, or builtin`);
  if (existsSync(join(path, 'manifest.json'))) {
    const artefact = await openArtefact(path, { kind });
    return { path, modelFile: artefact.modelFile, id: artefact.id, manifest: artefact.manifest, readText };
  }
  const modelFile = await findModelFile(path, kind, readText);
  return { path, modelFile, id: `${basename(path)}@${(await hashFile(modelFile)).slice(0, 8)}`, manifest: null, readText };
}

async function findModelFile(path: string, kind: string, readText: (name: string) => Promise<string>): Promise<string> {
  const config = configSchema.parse(JSON.parse(await readText('config.json')));
  const preset = config['transformers.js_config']?.dtype;
  const endings = [...(preset === undefined ? [] : [ENDINGS[preset] ?? `_${preset}`]), '', '_quantized'];
  const tower = kind === 'text-encoder' ? 'text_model' : 'vision_model';
  for (const stem of [tower, 'model']) {
    for (const ending of endings) {
      const file = join(path, 'onnx', `${stem}${ending}.onnx`);
      if (existsSync(file)) return file;
    }
  }
  throw new ModelFolderUnreadable(`${join(path, 'onnx')} holds no model.onnx; give a folder in Transformers.js layout`);
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
