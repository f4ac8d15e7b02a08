import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Config } from '../../../config/schema.js';
import { ModelFolderUnreadable, openModelFolder } from '../../../models/model-folder.js';
import type { ProofStep } from '../../../models/ranker-proof.js';
import { proveTextEncoder } from '../../../models/text-encoder-proof.js';
import { builtinTextFolder } from '../../../models/text-encoder.js';
import { findPython, runAloud, trainingFolder, TrainingFailed, TrainingUnable } from '../training/python-room.js';

/** What a product says of itself, and where that is read. */
export interface ProductTexts {
  readonly title: string;
  readonly group: string | null;
  readonly texts: readonly string[];
  readonly labels: readonly string[];
}
export type TextsOrigin = { readonly products: string } | { readonly alias: string };
/** Reads products as the indexer does; who starts the commands knows how. */
export type ReadProductTexts = (config: Config, origin: TextsOrigin) => AsyncIterable<ProductTexts>;

/** Fewer products tell nothing of those that are held out. */
const FEWEST_PRODUCTS = 200;
/** The trainer's code where no round was better than what it started from. */
const NOT_BETTER = 4;

const figures = z.record(z.string(), z.number());
const reportSchema = z.looseObject({
  products: z.number(),
  heldOut: z.number(),
  questions: z.number(),
  before: figures,
  fitted: figures,
  round: z.number(),
  gain: z.looseObject({ mean: z.number(), low: z.number(), high: z.number() }),
});
export type FitReport = z.output<typeof reportSchema>;

export interface FitOutcome {
  /** Null: not better than what it started from; nothing is written. */
  readonly folder: string | null;
  readonly report: FitReport;
  /** Empty where nothing is written. */
  readonly proof: readonly ProofStep[];
}

export interface FitRequest {
  readonly config: Config;
  readonly origin: TextsOrigin;
  readonly read: ReadProductTexts;
  /** Folder of a sentence encoder; null: the shop's texts alone teach. */
  readonly teacher: string | null;
  /** NAME-VERSION; must not be there. */
  readonly out: string;
  readonly minutes: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
  /** What the last lines were, for an error that must say them. */
  readonly last: () => readonly string[];
}

/**
 * Goes on training the built-in text encoder on a shop's own texts and proves what comes out.
 * @throws TrainingUnable, TrainingFailed, and what `read` throws
 */
export async function fitText(request: FitRequest): Promise<FitOutcome> {
  const { config, origin, read, teacher, minutes, seed, tell } = request;
  const out = resolve(request.out);
  if (existsSync(out)) throw new TrainingUnable(`${out} is there already; name another version`);
  if (teacher !== null) await checkTeacher(teacher);
  const room = await mkdtemp(join(tmpdir(), 'fuserank-fit-text-'));
  try {
    const products = join(room, 'products.ndjson');
    await writeProducts(read(config, origin), products);
    const report = join(room, 'report.json');
    const words = [
      ...['--from', builtinTextFolder, '--products', products, '--report', report, '--out', out],
      ...['--minutes', String(minutes), '--seed', String(seed), ...(teacher === null ? [] : ['--teacher', resolve(teacher)])],
    ];
    const python = await findPython('text', tell);
    const env = { ...process.env, OMP_NUM_THREADS: process.env['OMP_NUM_THREADS'] ?? '1', PYTHONUNBUFFERED: '1' };
    const code = await runAloud(python, [join(trainingFolder, 'fit_text.py'), ...words], tell, env);
    if (code !== 0 && code !== NOT_BETTER) {
      await rm(out, { recursive: true, force: true });
      throw new TrainingFailed([`fitting ended with exit code ${code}; nothing is written`, ...request.last()].join('\n'));
    }
    const told = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')));
    if (code === NOT_BETTER) return { folder: null, report: told, proof: [] };
    return { folder: out, report: told, proof: await proveTextEncoder(out) };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function checkTeacher(folder: string): Promise<void> {
  try {
    const model = await openModelFolder(folder, 'text-encoder');
    await model.readText('tokenizer.json');
  } catch (cause) {
    if (!(cause instanceof ModelFolderUnreadable)) throw cause;
    throw new TrainingUnable(`--teacher: ${cause.message}`, { cause });
  }
}

async function writeProducts(texts: AsyncIterable<ProductTexts>, file: string): Promise<void> {
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    for await (const each of texts) {
      count += 1;
      yield `${JSON.stringify(each)}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  if (count < FEWEST_PRODUCTS) {
    throw new TrainingFailed(
      `${count} products have a text to embed; ${FEWEST_PRODUCTS} are the fewest to fit on, and thousands are worth their while`,
    );
  }
}

export function renderFit({ folder, report, proof }: FitOutcome): string {
  const share = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(3));
  const sign = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(4)}`;
  const { gain } = report;
  const lines = [
    `${report.heldOut} of ${report.products} products held out, ${report.questions} questions`,
    `${'held out'.padEnd(30)}  before  fitted`,
    ...Object.entries(report.before).map(([name, value]) => `${name.padEnd(30)}  ${share(value)}   ${share(report.fitted[name])}`),
    `round ${report.round}: what decides gains ${sign(gain.mean)} [${sign(gain.low)}, ${sign(gain.high)}]`,
    ...proof.map((step) => `${step.passed ? 'passed' : 'FAILED'} ${step.name}: ${step.detail}`),
    folder === null
      ? 'not better than the built-in encoder beyond chance: nothing is written, keep the built-in'
      : `${folder}\nname it as encoders.text.path, index again, and give the sidecar the same`,
  ];
  return `${lines.join('\n')}\n`;
}
