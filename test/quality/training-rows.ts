import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FEATURE_SET_HASH } from '../../models/feature-set.js';
import { hashFile } from './file-stamp.js';
import { keepWork, type WorkStamp } from './kept-work.js';
import type { MeasuredPack } from './measured-pack.js';

/** Rows to train on, with all that a network is fed, and how many. */
export interface TrainingRows {
  readonly python: string;
  /** Folder of all that a network is fed, the columns among it. */
  readonly inputs: string;
  readonly lists: number;
  readonly rows: number;
  /** Of whatever they were made of. */
  readonly stamp: WorkStamp;
}

/** Shoppers that are drawn for training; those that are evaluated are taken out of them. */
const DRAWN = 6_000;
const SEED = 7;
const COMPARED_EVENTS = 49;
const DAY_MS = 86_400_000;
const PYTHON = 'FUSERANK_PYTHON';
/** As the page shows it. */
export const PYTHON_VARIABLE = `${PYTHON}=<python with models/training/requirements-tune.txt and -lambdamart.txt>`;

const askedSchema = z.looseObject({ query_id: z.string(), history: z.array(z.looseObject({ object_id: z.string() })).default([]) });
const rowsReportSchema = z.looseObject({ lists: z.number(), rows: z.number(), inputs: z.string() });

/**
 * Rows of other shoppers: their last event in the log is the target, and the statistics that its columns see end before it.
 * @returns null where no Python is named
 */
export async function exportTrainingRows(pack: MeasuredPack): Promise<TrainingRows | null> {
  const python = process.env[PYTHON];
  if (!python) return null;
  const file = join(pack.folder, 'train-rows.ndjson.gz');
  const events = await hashFile(join(pack.folder, 'events.ndjson'));
  const stamp: WorkStamp = {
    ...{ ...pack.seen, events, drawn: DRAWN, seed: SEED, columns: FEATURE_SET_HASH },
    evaluated: pack.questions.stamps.queries.sha256,
  };
  const { result } = await keepWork({
    file: `${file}.json`,
    stamp,
    result: rowsReportSchema,
    isThere: ({ inputs }) => existsSync(inputs),
    make: () => makeRows(pack, file),
  });
  return { python, stamp, ...result };
}

async function makeRows(pack: MeasuredPack, file: string): Promise<z.output<typeof rowsReportSchema>> {
  // The last event that the log knows was a day before.
  const since = new Date(pack.now.getTime() - DAY_MS).toISOString();
  const statistics = `${pack.alias}-statistics-before`;
  pack.run.tell(`${pack.alias}: training rows`);
  await pack.command('statistics', '--alias', pack.alias, '--until', since, '--into', statistics, '--quiet');
  const files = { queries: join(pack.folder, 'train.ndjson'), judgments: join(pack.folder, 'train.csv') };
  await pack.command(
    ...['rows', 'derive', '--index', pack.alias, '--since', since, '--until', pack.now.toISOString()],
    ...['--limit', String(DRAWN), '--seed', String(SEED), '--queries', files.queries, '--judgments', files.judgments, '--quiet'],
  );
  await leaveOutEvaluated(files, pack);
  const printed = await pack.command(
    ...['rows', 'export', '--from', 'judgments', '--index', pack.alias, '--queries', files.queries, '--judgments', files.judgments],
    ...['--statistics', statistics, '--out', file, '--inputs', '--json', '--quiet'],
  );
  return rowsReportSchema.parse(JSON.parse(printed));
}

/** What the page says of what was trained. */
export function describeTraining(training: TrainingRows | null): string[] {
  if (training === null) {
    return [
      `What is trained in the pack was left out: name in \`${PYTHON}\` a Python that has models/training/requirements-tune.txt and -lambdamart.txt.`,
    ];
  }
  return [
    `What is trained in the pack learnt from ${training.lists.toLocaleString('en')} lists (${training.rows.toLocaleString('en')} rows) of other shoppers, or from 500 or 2,000 of them drawn by the seed: ` +
      'their last event is the target, the statistics that their rows see end before it, and a tenth of the lists is held out of the fit to stop it by. ' +
      'LambdaMART: `models/training/train_lambdamart.py`; tuning: `fuserank model tune --from fusion-base`.',
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
