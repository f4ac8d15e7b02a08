import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import type { ColumnSet } from './column-sets.js';
import type { MeasuredPack } from './measured-pack.js';
import type { QualityRun } from './quality-run.js';

export interface TrainedRanker {
  /** As tables name it. */
  readonly name: string;
  readonly folder: string;
}

/** Rows to train on, and how many. */
export interface TrainingRows {
  readonly python: string;
  readonly file: string;
  readonly lists: number;
  readonly rows: number;
}

/** Shoppers that are drawn for training; those that are evaluated are taken out of them. */
const DRAWN = 3_000;
const SEED = 7;
const COMPARED_EVENTS = 49;
const PYTHON = 'FUSERANK_PYTHON';
/** As the page shows it. */
export const PYTHON_VARIABLE = `${PYTHON}=<python with models/training/requirements-lambdamart.txt>`;

const askedSchema = z.looseObject({ query_id: z.string(), history: z.array(z.looseObject({ object_id: z.string() })).default([]) });
const rowsReportSchema = z.looseObject({ lists: z.number(), rows: z.number() });

/**
 * Rows of other shoppers: their last event in the log is the target, and the statistics that its columns see end before it.
 * @param options.lastEvent when every shopper's last event was
 * @returns null where no Python is named
 */
export async function exportTrainingRows(run: QualityRun, pack: MeasuredPack, options: { lastEvent: Date }): Promise<TrainingRows | null> {
  const python = process.env[PYTHON];
  if (!python) return null;
  const since = options.lastEvent.toISOString();
  const statistics = `${pack.alias}-statistics-before`;
  run.tell(`${pack.alias}: training rows`);
  await pack.command('statistics', '--alias', pack.alias, '--until', since, '--into', statistics, '--quiet');
  const files = { queries: join(pack.folder, 'train.ndjson'), judgments: join(pack.folder, 'train.csv') };
  await pack.command(
    ...['rows', 'derive', '--index', pack.alias, '--since', since, '--limit', String(DRAWN), '--seed', String(SEED)],
    ...['--queries', files.queries, '--judgments', files.judgments, '--quiet'],
  );
  await leaveOutEvaluated(files, pack);
  const rows = join(pack.folder, 'train-rows.ndjson.gz');
  const printed = await pack.command(
    ...['rows', 'export', '--from', 'judgments', '--index', pack.alias, '--queries', files.queries, '--judgments', files.judgments],
    ...['--statistics', statistics, '--out', rows, '--json', '--quiet'],
  );
  const report = rowsReportSchema.parse(JSON.parse(printed));
  return { python, file: rows, lists: report.lists, rows: report.rows };
}

/** LambdaMART on the columns of a set, as an artefact in the pack's folder. */
export async function trainLambdaMart(
  run: QualityRun,
  pack: MeasuredPack,
  { rows, set }: { rows: TrainingRows; set: ColumnSet },
): Promise<TrainedRanker> {
  const folder = join(pack.folder, `lambdamart-${set.key}-1`);
  const said = await runPython(rows.python, [
    ...['train_lambdamart.py', '--rows', rows.file, '--columns', set.columns.join(','), '--out', folder],
  ]);
  run.tell(`${pack.alias}: LambdaMART, ${set.name}: ${said.trim()}`);
  return { name: set.name, folder };
}

/** What the page says of it. */
export function describeTraining(training: TrainingRows | null): string[] {
  if (training === null) {
    return [
      `LambdaMART was left out: name a Python that has models/training/requirements-lambdamart.txt in \`${PYTHON}\` to have it trained and measured.`,
    ];
  }
  return [
    `LambdaMART (\`models/training/train_lambdamart.py\`, the Python of \`${PYTHON}\`) learnt from ${training.lists.toLocaleString('en')} lists and ${training.rows.toLocaleString('en')} rows of other shoppers: ` +
      'their last event is the target, and the statistics that their rows see end before it.',
  ];
}

async function leaveOutEvaluated(files: { queries: string; judgments: string }, pack: MeasuredPack): Promise<void> {
  const targets = new Map<string, string>();
  for (const line of (await readFile(files.judgments, 'utf8')).split('\n').slice(1)) {
    const [queryId = ''] = line.split(',', 1);
    targets.set(queryId, /,([^,]+),1$/.exec(line)?.[1] ?? '');
  }
  const lines = (await readFile(files.queries, 'utf8')).split('\n').filter((line) => line !== '');
  const derived = lines.map((line) => {
    const { query_id, history } = askedSchema.parse(JSON.parse(line));
    return { line, history, target: targets.get(query_id) ?? '' };
  });
  const kept = withoutEvaluated(derived, pack.questions.queries);
  await writeFile(files.queries, kept.map(({ line }) => `${line}\n`).join(''));
}

type Met = readonly { readonly object_id: string }[];

/**
 * Takes evaluated shoppers out of derived questions, whose ids are pseudonyms: what a shopper met before her target, and the target, are what
 * she had met before the product that the evaluation asks for.
 */
export function withoutEvaluated<Derived extends { readonly history: Met; readonly target: string }>(
  derived: readonly Derived[],
  evaluated: readonly { readonly history?: Met | undefined }[],
): Derived[] {
  const keys = new Set(evaluated.map(({ history = [] }) => keyOf(history.map(({ object_id }) => object_id))));
  return derived.filter(({ history, target }) => !keys.has(keyOf([...history.map(({ object_id }) => object_id), target])));
}

/** Histories hold fifty events at most; a derived one has its target behind them, so fewer are compared. */
function keyOf(ids: readonly string[]): string {
  return ids.slice(-COMPARED_EVENTS).join(' ');
}

/** @returns what it printed */
function runPython(python: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { cwd: join(packageRoot, 'models', 'training'), stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', (cause) => reject(new Error(`${PYTHON} names ${python}, which can't be started: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      const printed = Buffer.concat(said).toString('utf8');
      if (code === 0) resolve(printed);
      else reject(new Error(`${python} ${args.join(' ')} ended with ${code}: ${printed.slice(-2000)}`));
    });
  });
}
