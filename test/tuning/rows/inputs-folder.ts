import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { INPUT_NAMES, RANKER_INPUTS, type RankerInputName, type RankingInput } from '../../../models/ranker.js';

const headerSchema = z.looseObject({
  lists: z.number(),
  models: z.array(z.string()),
  columns: z.array(z.string()),
  gathered: z.record(z.string(), z.object({ items: z.string(), vectors: z.string() })),
});
const SHAPE = /'descr': '<(f4|i4)', 'fortran_order': False, 'shape': \(([\d, ]*)\)/;

/** A NumPy array as its header describes it. */
export async function readArray(path: string): Promise<{ shape: number[]; values: Float32Array | Int32Array }> {
  const bytes = await readFile(path);
  if (bytes.toString('latin1', 0, 8) !== '\x93NUMPY\x01\x00') throw new Error(`${path} is no NumPy array`);
  const end = 10 + bytes.readUInt16LE(8);
  const [, type, sizes = ''] = SHAPE.exec(bytes.toString('latin1', 10, end)) ?? [];
  const data = Uint8Array.from(bytes.subarray(end)).buffer;
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  return { shape, values: type === 'f4' ? new Float32Array(data) : new Int32Array(data) };
}

/** A list of the folder as a ranker with these columns is fed it, and what was served. */
export interface ReadList {
  readonly input: RankingInput;
  readonly labels: Float32Array;
  readonly scores: Float32Array;
  readonly items: readonly string[];
  readonly history: readonly (string | null)[];
}

/** Reads all lists of an inputs folder, as docs/reference/rows.md describes it. */
export async function readInputs(
  folder: string,
  columns: readonly string[],
): Promise<{ header: z.output<typeof headerSchema>; lists: ReadList[] }> {
  const header = headerSchema.parse(JSON.parse(await readFile(join(folder, 'header.json'), 'utf8')));
  const items = z.array(z.string()).parse(JSON.parse(await readFile(join(folder, 'items.json'), 'utf8')));
  const arrays = new Map<string, { shape: number[]; values: Float32Array | Int32Array; at: number }>();
  const arrayOf = async (name: string) => {
    const known = arrays.get(name) ?? { ...(await readArray(join(folder, `${name}.npy`))), at: 0 };
    arrays.set(name, known);
    return known;
  };
  const take = async (name: string, count: number): Promise<Float32Array> => {
    const array = await arrayOf(name);
    array.at += count;
    return Float32Array.from(array.values.subarray(array.at - count, array.at));
  };
  const [textDims, imageDims] = [(await arrayOf('vectors_text')).shape[1] ?? 0, (await arrayOf('vectors_image')).shape[1] ?? 0];
  const lists: ReadList[] = [];
  for (let place = 0; place < header.lists; place += 1) {
    const [candidates = 0, history = 0] = await take('sizes', 2);
    const sizes: Record<string, number> = {
      B: 1,
      N: candidates,
      L: history,
      Dt: textDims,
      Di: imageDims,
      F: header.columns.length,
      K: 5,
      S: 2,
    };
    const numbers = { candidate_item: await take('candidate_item', candidates), history_item: await take('history_item', history) };
    const values: Partial<Record<RankerInputName, Float32Array>> = {};
    for (const name of INPUT_NAMES) {
      const gathered = header.gathered[name];
      if (!gathered) {
        const all = await take(
          name,
          RANKER_INPUTS[name].reduce((product, axis) => product * (sizes[axis] ?? 0), 1),
        );
        values[name] = name === 'columns' ? pick(all, header.columns, columns) : all;
        continue;
      }
      const table = await arrayOf(`vectors_${gathered.vectors}`);
      const width = table.shape[1] ?? 0;
      const rows = gathered.items === 'candidate_item' ? numbers.candidate_item : numbers.history_item;
      values[name] = Float32Array.from(
        [...rows].flatMap((row) =>
          row < 0 ? new Array<number>(width).fill(0) : [...table.values.subarray(row * width, (row + 1) * width)],
        ),
      );
    }
    lists.push({
      input: { shape: { lists: 1, candidates, history, textDims, imageDims, columns: columns.length }, values },
      labels: await take('label', candidates),
      scores: await take('score', candidates),
      items: [...numbers.candidate_item].map((row) => items[row] ?? ''),
      history: [...numbers.history_item].map((row) => (row < 0 ? null : (items[row] ?? ''))),
    });
  }
  return { header, lists };
}

function pick(all: Float32Array, names: readonly string[], wanted: readonly string[]): Float32Array {
  const rows = all.length / names.length;
  return Float32Array.from(
    Array.from({ length: rows }, (_, row) => wanted.map((name) => all[row * names.length + names.indexOf(name)] ?? NaN)).flat(),
  );
}
