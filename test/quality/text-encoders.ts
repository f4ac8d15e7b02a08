import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { openModelFolder } from '../../models/model-folder.js';
import { builtinTextFolder, openTextEncoder, type TextEncoder } from '../../models/text-encoder.js';
import { fitText } from '../../tuning/model/text-fit/text-fit.js';
import type { QualityRun } from './quality-run.js';
import type { TextProduct } from './text-packs.js';

/** A text encoder under measurement. */
export interface TextCandidate {
  /** As tables name it. */
  readonly name: string;
  readonly path: string;
}

/** Minutes of CPU of each fit. `FUSERANK_FIT_MINUTES` changes them, since fits are most of the measurement; 0: only what was fitted before. */
const FIT_MINUTES = 4;
const SEED = 1;
const ITEMS = 256;
const QUERIES = 200;

/** The sentence encoder beside the data, where it is there: teacher, and what the small ones are measured by. */
export function findTeacher(data: string): TextCandidate | null {
  const path = join(data, '..', 'models', 'all-minilm-l6-v2');
  return existsSync(path) ? { name: basename(path), path } : null;
}

/** The built-in one, the teacher, and folders that `FUSERANK_ENCODERS` names, commas between. */
export function listStanding(data: string): TextCandidate[] {
  const named = (process.env['FUSERANK_ENCODERS'] ?? '').split(',').filter((path) => path !== '');
  const teacher = findTeacher(data);
  return [
    { name: 'built-in', path: builtinTextFolder },
    ...(teacher === null ? [] : [teacher]),
    ...named.map((path) => ({ name: basename(path), path })),
  ];
}

export interface Fits {
  readonly fitted: TextCandidate[];
  /** Not better than the built-in encoder, and so not written. */
  readonly refused: string[];
  /** Of CPU that each fit had. */
  readonly minutes: number;
}

/**
 * The built-in encoder fitted on products with a teacher and without. What was fitted before lies in `runs/quality/encoders` and is taken
 * from there. A fit that was not better than the built-in is left out of the list and told of in `refused`.
 */
export async function fitOn(run: QualityRun, name: string, products: readonly TextProduct[]): Promise<Fits> {
  const wanted = Number(process.env['FUSERANK_FIT_MINUTES'] ?? FIT_MINUTES);
  const teacher = findTeacher(run.data);
  const ways = [...(teacher === null ? [] : [{ key: 'taught', name: `fitted, taught by ${teacher.name}`, teacher: teacher.path }])];
  const fitted: TextCandidate[] = [];
  const refused: string[] = [];
  let minutes = wanted;
  for (const way of [...ways, { key: 'own', name: 'fitted, no teacher', teacher: null }]) {
    const path = run.pathOf(join('encoders', `${name}-${way.key}-1`));
    const verdict = `${path}.json`;
    await mkdir(run.pathOf('encoders'), { recursive: true });
    if (!existsSync(verdict) && wanted === 0) continue;
    if (!existsSync(verdict)) {
      run.tell(`encoders: ${name}, ${way.name}, ${wanted} minutes of CPU`);
      const outcome = await fitText({
        config: configSchema.parse({}),
        origin: { products: name },
        read: () => iterate(products),
        teacher: way.teacher,
        out: path,
        minutes: wanted,
        seed: SEED,
        tell: (line) => {
          run.tell(line);
        },
        last: () => [],
      });
      if (outcome.proof.some(({ passed }) => !passed)) throw new Error(`${path} fails its proof: ${JSON.stringify(outcome.proof)}`);
      await writeFile(verdict, JSON.stringify({ ...outcome, wanted }));
    }
    const kept = z.object({ folder: z.string().nullable(), wanted: z.number() }).parse(JSON.parse(await readFile(verdict, 'utf8')));
    const { folder } = kept;
    minutes = kept.wanted;
    if (folder === null) refused.push(`${name}, ${way.name}`);
    else fitted.push({ name: way.name, path });
  }
  return { fitted, refused, minutes };
}

async function* iterate(products: readonly TextProduct[]): AsyncGenerator<TextProduct> {
  for (const product of products) yield await Promise.resolve(product);
}

/** Opens, lends, closes. */
export async function withEncoder<Result>({ path }: TextCandidate, use: (encoder: TextEncoder) => Promise<Result>): Promise<Result> {
  const encoder = await openTextEncoder({ path });
  try {
    return await use(encoder);
  } finally {
    await encoder.close();
  }
}

export interface TextCost {
  /** Of the model file. */
  readonly bytes: number;
  /** CPU of one title in a batch, ms. */
  readonly itemMs: number;
  /** CPU of one query alone, ms: the median. */
  readonly queryMs: number;
}

/** Titles in the indexer's batches; queries one at a time, as the sidecar encodes them. */
export async function measureCost(candidate: TextCandidate, titles: readonly string[], queries: readonly string[]): Promise<TextCost> {
  const { modelFile } = await openModelFolder(candidate.path, 'text-encoder');
  return withEncoder(candidate, async (encoder) => {
    await encoder.encode(titles.slice(0, 32)); // the first calls allocate
    const items = titles.slice(0, ITEMS);
    const itemMs = (await cpuOf(() => encoder.encode(items))) / items.length;
    const single: number[] = [];
    for (const query of queries.slice(0, QUERIES)) single.push(await cpuOf(() => encoder.encodeQuery(query)));
    single.sort((a, b) => a - b);
    return { bytes: (await stat(modelFile)).size, itemMs, queryMs: single[single.length >> 1] ?? Number.NaN };
  });
}

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const began = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}
