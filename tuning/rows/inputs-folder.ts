import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { INPUT_NAMES, RANKER_INPUTS, valuesOf, type RankerInputName } from '../../models/ranker.js';
import { ArrayFile } from './array-file.js';
import type { LabelledList } from './labelled-lists.js';
import { RowFileRefused } from './row-file.js';
import type { RowsHeader } from './training-row.js';

/** What the folder says of itself (`header.json`). */
export interface InputsHeader extends RowsHeader {
  readonly fuserank_inputs: 1;
  readonly lists: number;
  /** Rankers that gave the served scores. */
  readonly models: readonly string[];
  /** Axes of each input that lies flat in a file of its name. */
  readonly flat: Readonly<Partial<Record<RankerInputName, readonly string[]>>>;
  /** Inputs that are rows of `vectors_<modality>.npy`, at the numbers in `candidate_item.npy` or `history_item.npy`. */
  readonly gathered: Readonly<
    Partial<Record<RankerInputName, { readonly items: 'candidate_item' | 'history_item'; readonly vectors: 'text' | 'image' }>>
  >;
}

/** Beside the rows: `rows.parquet` → `rows.inputs`. */
export function inputsFolderOf(rows: string): string {
  return join(dirname(rows), `${basename(rows).replace(/\.(parquet|(ndjson|jsonl)(\.gz)?)$/i, '')}.inputs`);
}

/** @throws RowFileRefused where something else lies in its place */
export async function requireInputsFolder(path: string): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (there === null) return;
  const names = await readdir(path).catch((): string[] => [path]);
  if (names.length === 0 || names.includes('header.json')) return;
  throw new RowFileRefused(`${path} is there and holds no inputs of lists; move it away, or name other rows with --out`);
}

type Gathered = NonNullable<InputsHeader['gathered'][RankerInputName]>;

/** How an input lies in the folder: vectors of candidates and events once a product, all else as it is. */
function gatheringOf(name: RankerInputName): Gathered | null {
  const axes: readonly string[] = RANKER_INPUTS[name];
  const vectors = axes.length === 3 && axes[2] === 'Dt' ? 'text' : axes.length === 3 && axes[2] === 'Di' ? 'image' : null;
  if (vectors === null) return null;
  return axes[1] === 'N' ? { items: 'candidate_item', vectors } : axes[1] === 'L' ? { items: 'history_item', vectors } : null;
}

/**
 * Lists as a ranker is fed them, as NumPy arrays in a folder: every input of the contract, each product's vectors once, the labels, and
 * what the serving ranker said. Written beside its place and moved there when it is whole.
 */
export class InputsFolder {
  readonly #path: string;
  readonly #beside: string;
  readonly #header: RowsHeader;
  readonly #files: Map<string, ArrayFile>;
  readonly #models = new Set<string>();
  readonly #items = new Map<string, number>();
  readonly #itemIds: string[] = [];
  readonly #listLines: string[] = [];
  #dims: { text: number; image: number } | null = null;
  #lists = 0;

  private constructor(path: string, beside: string, header: RowsHeader, files: Map<string, ArrayFile>) {
    this.#path = path;
    this.#beside = beside;
    this.#header = header;
    this.#files = files;
  }

  static async open(path: string, header: RowsHeader): Promise<InputsFolder> {
    const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside);
    const files = new Map<string, ArrayFile>();
    for (const name of ['candidate_item', 'history_item']) files.set(name, await ArrayFile.open(join(beside, `${name}.npy`), 'int32'));
    files.set('sizes', await ArrayFile.open(join(beside, 'sizes.npy'), 'int32', [2]));
    for (const name of ['label', 'score', 'gate', ...INPUT_NAMES.filter((each) => gatheringOf(each) === null)]) {
      files.set(name, await ArrayFile.open(join(beside, `${name}.npy`), 'float32'));
    }
    return new InputsFolder(path, beside, header, files);
  }

  /** @throws Error for a list without its inputs, or with vectors of other dims than the lists before */
  async write({ list, scored, listId, queryId, grades }: LabelledList): Promise<void> {
    if (scored === null) throw new Error(`list ${listId} was ranked without keeping its inputs`);
    const { input, history, scores, gate } = scored;
    const { candidates, history: length, textDims, imageDims } = input.shape;
    await this.#requireDims({ text: textDims, image: imageDims });
    const ids = list.candidates.map(({ id }) => id);
    const events = Array.from({ length }, (_, place) => history[place] ?? null);
    await this.#append('candidate_item', await this.#itemsOf(ids, [valuesOf(input, 'item_text'), valuesOf(input, 'item_image')]));
    await this.#append('history_item', await this.#itemsOf(events, [valuesOf(input, 'history_text'), valuesOf(input, 'history_image')]));
    await this.#append('sizes', Int32Array.of(candidates, length));
    await this.#append(
      'label',
      Float32Array.from(ids, (id) => Math.max(0, grades.get(id) ?? 0)),
    );
    await this.#append('score', scores);
    await this.#append('gate', Float32Array.of(gate));
    for (const name of INPUT_NAMES) if (gatheringOf(name) === null) await this.#append(name, valuesOf(input, name));
    this.#listLines.push(`${JSON.stringify({ list_id: listId, query_id: queryId })}\n`);
    this.#models.add(list.model);
    this.#lists += 1;
  }

  async finish(): Promise<void> {
    for (const file of this.#files.values()) await file.finish();
    const named = INPUT_NAMES.map((name) => ({ name, gathered: gatheringOf(name) }));
    const header: InputsHeader = {
      fuserank_inputs: 1,
      ...this.#header,
      columns: [...COLUMN_NAMES],
      lists: this.#lists,
      models: [...this.#models],
      flat: Object.fromEntries(named.flatMap(({ name, gathered }) => (gathered ? [] : [[name, RANKER_INPUTS[name]]]))),
      gathered: Object.fromEntries(named.flatMap(({ name, gathered }) => (gathered ? [[name, gathered]] : []))),
    };
    await writeFile(join(this.#beside, 'lists.ndjson'), this.#listLines.join(''), { flush: true });
    await writeFile(join(this.#beside, 'items.json'), JSON.stringify(this.#itemIds), { flush: true });
    await writeFile(join(this.#beside, 'header.json'), `${JSON.stringify(header, null, 1)}\n`, { flush: true });
    await rm(this.#path, { recursive: true, force: true });
    await rename(this.#beside, this.#path);
  }

  async abandon(): Promise<void> {
    for (const file of this.#files.values()) await file.abandon();
    await rm(this.#beside, { recursive: true, force: true });
  }

  async #requireDims(dims: { text: number; image: number }): Promise<void> {
    this.#dims ??= dims;
    for (const modality of ['text', 'image'] as const) {
      if (this.#dims[modality] !== dims[modality]) {
        throw new Error(
          `${modality} vectors have ${dims[modality]} dims where they had ${this.#dims[modality]}; the index changed meanwhile`,
        );
      }
      const name = `vectors_${modality}`;
      if (!this.#files.has(name)) {
        this.#files.set(name, await ArrayFile.open(join(this.#beside, `${name}.npy`), 'float32', [dims[modality]]));
      }
    }
  }

  /** Numbers of products in the table of vectors, −1 for a pad. A product whose vectors differ from before gets another row. */
  async #itemsOf(ids: readonly (string | null)[], [texts, images]: readonly [Float32Array, Float32Array]): Promise<Int32Array> {
    const { text = 1, image = 1 } = this.#dims ?? {};
    const numbers = new Int32Array(ids.length).fill(-1);
    for (const [place, id] of ids.entries()) {
      if (id === null) continue;
      const rows = [texts.subarray(place * text, (place + 1) * text), images.subarray(place * image, (place + 1) * image)] as const;
      const digest = createHash('sha1');
      for (const row of rows) digest.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
      const key = `${id}\0${digest.digest('base64')}`;
      let number = this.#items.get(key);
      if (number === undefined) {
        number = this.#itemIds.push(id) - 1;
        this.#items.set(key, number);
        await this.#append('vectors_text', rows[0]);
        await this.#append('vectors_image', rows[1]);
      }
      numbers[place] = number;
    }
    return numbers;
  }

  async #append(name: string, values: Float32Array | Int32Array): Promise<void> {
    const file = this.#files.get(name);
    if (!file) throw new Error(`there is no array ${name}`);
    await file.append(values);
  }
}
