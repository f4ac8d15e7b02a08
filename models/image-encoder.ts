import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AutoImageProcessor, env, RawImage, Tensor } from '@huggingface/transformers';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.js';
import { COLOUR_BASIS_SHA256, measureColours } from './colour-histogram.js';
import { openModelFolder, type ModelFolder } from './model-folder.js';
import { openOnnxSession, type OnnxOutput, type OnnxSession } from './onnx-session.js';
import type { Pixels } from './picture-decoder.js';
import { squarePicture } from './square-picture.js';

/** The encoder of `path: builtin`. */
export const builtinImageFolder: string = join(packageRoot, 'models', 'artefacts', 'picture-small-1');

const CHUNK = 8;
/** Share of the colour histogram in the joined vector's squared length; chosen on colour words (docs/quality.md). */
const COLOUR_SHARE = 0.35;

export interface ImageEncoder {
  /** `name@sha8`, with `+colour` where the histogram is joined; stamped into every index that holds its vectors. */
  readonly id: string;
  readonly dims: number;
  /** sha256 over how pixels become the model's input and how its output becomes the vector. */
  readonly preprocessing: string;
  /** Unit vectors in the order of the pictures; a picture's vector does not depend on its neighbours in the call. */
  encode(pictures: readonly Pixels[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Pictures → the model's input tensor, [pictures, 3, height, width]. */
interface Preprocessor {
  prepare(pictures: readonly Pixels[]): Promise<{ data: Float32Array; dims: readonly number[] }>;
  fingerprint: string;
}

/**
 * Opens the built-in encoder or a local folder in Transformers.js layout (`preprocessor_config.json`,
 * `onnx/model*.onnx` or `onnx/vision_model*.onnx`). Only the preprocessing comes from Transformers.js; nothing is
 * fetched, and the model runs in our own session.
 *
 * @param options.colourHistogram join the colours to a local model's vector (default true), which is what ImageNet
 *   models lack; the built-in encoder always has them
 * @param options.batch pictures a model call, 8 by default
 * @throws ModelFolderUnreadable, ArtefactMismatch, ModelUnreadable
 */
export async function openImageEncoder(options: { path: string; colourHistogram?: boolean; batch?: number }): Promise<ImageEncoder> {
  const folder = await openModelFolder(options.path === 'builtin' ? builtinImageFolder : options.path, 'image-encoder');
  const preprocessor = await openPreprocessor(folder);
  const session = await openOnnxSession(folder.modelFile);
  const colours = folder.manifest !== null || (options.colourHistogram ?? true);
  const chunkSize = options.batch ?? CHUNK;

  const runChunk = async (pictures: readonly Pixels[]): Promise<Float32Array[]> => {
    const looks = await runModel(session, await preprocessor.prepare(pictures));
    return looks.map((look, i) => {
      const picture = pictures[i];
      return colours && picture ? joinColours(look, measureColours(picture)) : scale(look, 1);
    });
  };
  const [probe] = await runChunk([{ width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(200) }]);
  if (!probe) throw new Error(`${folder.path} gave no vector for a probe picture`);

  return {
    id: colours ? `${folder.id}+colour` : folder.id,
    dims: probe.length,
    preprocessing: createHash('sha256')
      .update(preprocessor.fingerprint)
      .update(colours ? `colours=${COLOUR_BASIS_SHA256},${COLOUR_SHARE};unit` : 'unit')
      .digest('hex'),
    async encode(pictures) {
      const vectors: Float32Array[] = [];
      for (let start = 0; start < pictures.length; start += chunkSize)
        vectors.push(...(await runChunk(pictures.slice(start, start + chunkSize))));
      return vectors;
    },
    close: () => session.close(),
  };
}

const ownConfigSchema = z.object({ side: z.number().int().positive() });

/** Of this project's artefacts: the whole picture on a square. */
function prepareSquares(fingerprint: string): Preprocessor {
  const { side } = ownConfigSchema.parse(JSON.parse(fingerprint));
  const size = 3 * side * side;
  return {
    fingerprint,
    prepare(pictures) {
      const data = new Float32Array(pictures.length * size);
      pictures.forEach((picture, i) => squarePicture(picture, side, data.subarray(i * size, (i + 1) * size)));
      return Promise.resolve({ data, dims: [pictures.length, 3, side, side] });
    },
  };
}

async function openPreprocessor(folder: ModelFolder): Promise<Preprocessor> {
  const fingerprint = await folder.readText('preprocessor_config.json');
  if (folder.manifest) return prepareSquares(fingerprint);
  env.allowRemoteModels = false;
  env.useFSCache = false;
  // Folders are named by absolute paths; the library would otherwise look below its own ./models.
  env.localModelPath = '';
  const processor = await AutoImageProcessor.from_pretrained(folder.path, { local_files_only: true });
  return {
    fingerprint,
    async prepare(pictures) {
      const images = pictures.map(
        ({ width, height, data }) => new RawImage(new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height, 3),
      );
      const prepared = preparedSchema.parse(await processor(images));
      return { data: prepared.pixel_values.data, dims: prepared.pixel_values.dims };
    },
  };
}

const preparedSchema = z.looseObject({
  pixel_values: z.instanceof(Tensor).transform((tensor, context) => {
    if (tensor.data instanceof Float32Array) return { data: tensor.data, dims: tensor.dims };
    context.addIssue('pixel_values must be float32');
    return z.NEVER;
  }),
});

async function runModel(session: OnnxSession, input: { data: Float32Array; dims: readonly number[] }): Promise<Float32Array[]> {
  const name = session.inputNames[0];
  if (name === undefined || session.inputNames.length > 1) {
    throw new Error(`a picture model takes one input, this one wants ${session.inputNames.join(', ')}; use the vision tower alone`);
  }
  const outputs = await session.run({ [name]: { type: 'float32', data: input.data, dims: input.dims } });
  const output = outputs['image_embeds'] ?? outputs['pooler_output'] ?? outputs['last_hidden_state'] ?? Object.values(outputs)[0];
  if (!output) throw new Error('the picture model gave no float32 output; use an export with float32 outputs');
  return Array.from({ length: input.dims[0] ?? 0 }, (_, row) => poolRow(output, row));
}

/** Row of [n, dims] as it is; of [n, tokens, dims] the first token; of [n, dims, height, width] the mean over places. */
function poolRow(output: OnnxOutput, row: number): Float32Array {
  const [, second = 0, third = 1, fourth = 1] = output.dims;
  const size = second * third * fourth;
  const values = output.data.subarray(row * size, (row + 1) * size);
  if (output.dims.length === 2) return values.slice();
  if (output.dims.length === 3) return values.slice(0, third);
  const places = third * fourth;
  return Float32Array.from({ length: second }, (_, channel) => {
    let sum = 0;
    for (let p = 0; p < places; p++) sum += values[channel * places + p] ?? 0;
    return sum / places;
  });
}

/** Both sides of unit length, laid end to end with fixed shares of the squared length. */
function joinColours(look: Float32Array, colours: Float32Array): Float32Array {
  const joined = new Float32Array(look.length + colours.length);
  joined.set(scale(look, Math.sqrt(1 - COLOUR_SHARE)));
  joined.set(scale(colours, Math.sqrt(COLOUR_SHARE)), look.length);
  return joined;
}

function scale(vector: Float32Array, length: number): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? length / Math.sqrt(squares) : 0;
  return vector.map((value) => value * factor);
}
