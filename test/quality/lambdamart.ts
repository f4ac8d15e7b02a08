import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import type { MeasuredPack } from './measured-pack.js';
import type { QualityRun } from './quality-run.js';

export interface TrainedRanker {
  /** As tables name it. */
  readonly name: string;
  readonly folder: string;
}

/** What was trained, and on how much. */
export interface Training {
  readonly rankers: readonly TrainedRanker[];
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
const COLUMN_SETS = [
  { name: 'columns without cosines', columns: 'no-cosines', folder: 'lambdamart-counts-1' },
  { name: 'columns with cosines', columns: 'all', folder: 'lambdamart-cosines-1' },
] as const;

const askedSchema = z.looseObject({ query_id: z.string(), history: z.array(z.looseObject({ object_id: z.string() })).default([]) });
const rowsReportSchema = z.looseObject({ lists: z.number(), rows: z.number() });

/**
 * LambdaMART on rows of other shoppers: their last event in the log is the target, and the statistics that its columns see end before it.
 * @param options.lastEvent when every shopper's last event was
 * @returns null where no Python is named
 */
export async function trainLambdaMart(run: QualityRun, pack: MeasuredPack, options: { lastEvent: Date }): Promise<Training | null> {
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
  const rankers: TrainedRanker[] = [];
  for (const { name, columns, folder: within } of COLUMN_SETS) {
    run.tell(`${pack.alias}: LambdaMART, ${name}`);
    const folder = join(pack.folder, within);
    await runPython(python, ['train_lambdamart.py', '--rows', rows, '--columns', columns, '--out', folder]);
    rankers.push({ name, folder });
  }
  return { rankers, lists: report.lists, rows: report.rows };
}

/** What the page says of it. */
export function describeTraining(training: Training | null): string[] {
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

function runPython(python: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { cwd: join(packageRoot, 'models', 'training'), stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', (cause) => reject(new Error(`${PYTHON} names ${python}, which can't be started: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${python} ${args.join(' ')} ended with ${code}: ${Buffer.concat(said).toString('utf8').slice(-2000)}`));
    });
  });
}
