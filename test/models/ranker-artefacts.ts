import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { dimsOf, type RankerInputName, type RankingInput, type RankingShape } from '../../models/ranker.js';

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
  const random = seedRandom(seed);
  const input = buildInput(shape, (name, dims) => {
    const values = new Float32Array(sizeOf(dims));
    if (name === 'candidate_mask') return values.fill(1);
    if (name === 'cosine_stats') return values.map((_, place) => (place % 2 === 0 ? 0.2 : 0.15));
    if (name.endsWith('mask') || name === 'history_brand' || name === 'history_session') return values.map(() => (random() < 0.75 ? 1 : 0));
    if (name === 'history_event') return values.map(() => Math.floor(random() * 5));
    if (name === 'history_age') return values.map(() => Math.exp(14 * random()));
    if (name === 'columns' || name === 'history_category') return values.map(() => random());
    return unitRows(
      values.map(() => random() - 0.4),
      dims.at(-1) ?? 1,
    );
  });
  const { history_mask: mask, history_text_mask: text, history_image_mask: image } = input.values;
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
  return buildInput(shape, (name) => change(name, input.values[name]));
}

function buildInput(shape: RankingShape, read: (name: RankerInputName, dims: number[]) => Float32Array): RankingInput {
  const of = (name: RankerInputName): Float32Array => read(name, dimsOf(name, shape));
  return {
    shape,
    values: {
      candidate_mask: of('candidate_mask'),
      query_text: of('query_text'),
      query_text_mask: of('query_text_mask'),
      query_image: of('query_image'),
      query_image_mask: of('query_image_mask'),
      query_head: of('query_head'),
      query_head_mask: of('query_head_mask'),
      item_text: of('item_text'),
      item_text_mask: of('item_text_mask'),
      item_image: of('item_image'),
      item_image_mask: of('item_image_mask'),
      history_mask: of('history_mask'),
      history_text: of('history_text'),
      history_text_mask: of('history_text_mask'),
      history_image: of('history_image'),
      history_image_mask: of('history_image_mask'),
      history_brand: of('history_brand'),
      history_category: of('history_category'),
      history_event: of('history_event'),
      history_age: of('history_age'),
      history_session: of('history_session'),
      cosine_stats: of('cosine_stats'),
      columns: of('columns'),
    },
  };
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

/** mulberry32 */
function seedRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
