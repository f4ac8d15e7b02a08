import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { seedStream } from '../../models/random-stream.js';
import { INPUT_NAMES, dimsOf, valuesOf, type RankerInputName, type RankingInput, type RankingShape } from '../../models/ranker.js';

const artefacts = join(packageRoot, 'models', 'artefacts');
const manifestSchema = z.looseObject({ kind: z.string() });

/** The folders of all rankers in the repository. */
export function rankerFolders(): string[] {
  return readdirSync(artefacts)
    .map((name) => join(artefacts, name))
    .filter((folder) => existsSync(join(folder, 'manifest.json')))
    .filter((folder) => manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).kind === 'ranker');
}

const paritySchema = z.object({
  tolerance: z.number(),
  cases: z.array(
    z.object({
      shape: z.object({ lists: z.number(), candidates: z.number(), history: z.number(), textDims: z.number(), imageDims: z.number() }),
      inputs: z.record(z.string(), z.array(z.number())),
      outputs: z.record(z.string(), z.array(z.number())),
    }),
  ),
});

/** What PyTorch gave for recorded inputs. */
export function readParity(folder: string): z.output<typeof paritySchema> {
  return paritySchema.parse(JSON.parse(readFileSync(join(folder, 'parity.json'), 'utf8')));
}

/** A full input from recorded ones; inputs that the ranker does not read are zero. */
export function rankingInput(shape: RankingShape, recorded: Record<string, ArrayLike<number>>): RankingInput {
  return buildInput(shape, (name, dims) => Float32Array.from(recorded[name] ?? new Float32Array(sizeOf(dims))));
}

/** Random but sane inputs: unit vectors, masks, entries that are there before pads. The same seed gives the same input. */
export function drawInput(shape: RankingShape, seed: number): RankingInput {
  const random = seedStream(seed);
  const input = buildInput(shape, (name, dims) => {
    const values = new Float32Array(sizeOf(dims));
    if (name === 'candidate_mask') return values.fill(1);
    if (name === 'cosine_stats') return values.map((_, place) => (place % 2 === 0 ? 0.2 : 0.15));
    if (name.endsWith('mask') || name === 'history_brand' || name === 'history_session') return values.map(() => (random() < 0.75 ? 1 : 0));
    if (name === 'history_event') return values.map(() => Math.floor(random() * 5));
    if (name === 'history_age') return values.map(() => Math.exp(14 * random()));
    if (name === 'columns' || name === 'history_category' || name === 'history_covisits' || name === 'history_covisits_norm')
      return values.map(() => random());
    return unitRows(
      values.map(() => random() - 0.4),
      dims.at(-1) ?? 1,
    );
  });
  const [mask, text, image] = [
    valuesOf(input, 'history_mask'),
    valuesOf(input, 'history_text_mask'),
    valuesOf(input, 'history_image_mask'),
  ];
  for (let list = 0; list < shape.lists; list++) {
    const row = mask.subarray(list * shape.history, (list + 1) * shape.history);
    row.sort((a, b) => b - a);
    row.forEach((there, place) => {
      text[list * shape.history + place] = Math.min(there, text[list * shape.history + place] ?? 0);
      image[list * shape.history + place] = Math.min(there, image[list * shape.history + place] ?? 0);
    });
  }
  return input;
}

/** The input with each of its values passed through `change`. */
export function changeInput(
  input: RankingInput,
  shape: RankingShape,
  change: (name: RankerInputName, values: Float32Array) => Float32Array,
): RankingInput {
  return buildInput(shape, (name) => change(name, valuesOf(input, name)));
}

function buildInput(shape: RankingShape, read: (name: RankerInputName, dims: number[]) => Float32Array): RankingInput {
  return { shape, values: Object.fromEntries(INPUT_NAMES.map((name) => [name, read(name, dimsOf(name, shape))])) };
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

function unitRows(values: Float32Array, width: number): Float32Array {
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const length = Math.hypot(...row);
    row.forEach((value, place) => (row[place] = value / length));
  }
  return values;
}
