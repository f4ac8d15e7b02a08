import { seedStream } from './random-stream.js';
import { INPUT_NAMES, RANKER_INPUTS, dimsOf, valuesOf, type RankerInputName, type RankingInput, type RankingShape } from './ranker.js';

/** A full input from recorded ones; inputs that are not recorded are zero. */
export function rankingInput(shape: RankingShape, recorded: Readonly<Record<string, ArrayLike<number>>>): RankingInput {
  return buildInput(shape, (name, dims) => Float32Array.from(recorded[name] ?? new Float32Array(sizeOf(dims))));
}

/** So manieth columns are the same for all candidates, as a category's match is in a search for it: no rounding may make them differ. */
const EVERY_SAME = 4;

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
    if (name === 'columns') return values.map(() => random()).map((value, place, all) => sameForAll(value, place, all, shape));
    if (name === 'history_category' || name === 'history_covisits' || name === 'history_covisits_norm') return values.map(() => random());
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

/** In each so manieth column the first candidate's value. */
function sameForAll(value: number, place: number, all: Float32Array, { candidates, columns }: RankingShape): number {
  const column = place % columns;
  return column % EVERY_SAME === 0 ? (all[place - (place % (candidates * columns)) + column] ?? value) : value;
}

/** The input with each of its values passed through `change`. */
export function changeInput(
  input: RankingInput,
  shape: RankingShape,
  change: (name: RankerInputName, values: Float32Array) => Float32Array,
): RankingInput {
  return buildInput(shape, (name) => change(name, valuesOf(input, name)));
}

/** One list's candidates, moved to where `order` says. */
export function permuteCandidates(input: RankingInput, order: readonly number[]): RankingInput {
  return changeInput(input, input.shape, (name, values) => {
    const axes: readonly string[] = RANKER_INPUTS[name];
    if (axes[1] !== 'N') return values;
    const width = values.length / order.length;
    return Float32Array.from(order.flatMap((from) => [...values.subarray(from * width, (from + 1) * width)]));
  });
}

/** The input with `extra` masked entries, filled with noise, after the last of axis N or L. */
export function padInput(input: RankingInput, axis: 'N' | 'L', extra: number): RankingInput {
  const padded = {
    ...input.shape,
    ...(axis === 'N' ? { candidates: input.shape.candidates + extra } : { history: input.shape.history + extra }),
  };
  const noise = drawInput(padded, 77);
  return changeInput(input, padded, (name, values) => {
    const axes: readonly string[] = RANKER_INPUTS[name];
    const place = axes.indexOf(axis);
    if (place < 0) return values;
    const [from, to] = [dimsOf(name, input.shape), dimsOf(name, padded)];
    const mask = name.endsWith('mask');
    const result = mask ? new Float32Array(sizeOf(to)) : Float32Array.from(valuesOf(noise, name));
    const [outer, inner] = [sizeOf(from.slice(0, place)), sizeOf(from.slice(place + 1))];
    const [kept, whole] = [(from[place] ?? 0) * inner, (to[place] ?? 0) * inner];
    for (let row = 0; row < outer; row++) result.set(values.subarray(row * kept, (row + 1) * kept), row * whole);
    return name === 'columns' && axis === 'N' ? result.fill(0, outer * kept) : result;
  });
}

/** Lists of one shape under each other in one batch. */
export function stackLists(inputs: readonly RankingInput[]): RankingInput {
  const [first] = inputs;
  if (!first) throw new RangeError('there are no lists to stack');
  return changeInput(first, { ...first.shape, lists: inputs.length }, (name) =>
    Float32Array.from(inputs.flatMap((input) => [...valuesOf(input, name)])),
  );
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
