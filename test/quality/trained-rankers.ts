import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { builtinFolder } from '../../models/named-ranker.js';
import type { ColumnSet } from './column-sets.js';
import { hashFile, stampRanker } from './file-stamp.js';
import { keepWork, readKeptWork, type WorkStamp } from './kept-work.js';
import type { MeasuredPack } from './measured-pack.js';
import { runProgram } from './own-command.js';
import type { TrainingRows } from './training-rows.js';

const scripts = join(packageRoot, 'models', 'training');

/** What is trained on: null = all lists. */
export interface TrainingSize {
  readonly lists: number | null;
  readonly seed: number;
}

/** LambdaMART on the columns of a set, as an artefact in the pack's folder. @returns that folder; null where nothing may be trained and it is not there */
export async function trainLambdaMart(
  pack: MeasuredPack,
  { rows, set, size }: { rows: TrainingRows; set: ColumnSet; size: TrainingSize },
): Promise<string | null> {
  const script = join(scripts, 'train_lambdamart.py');
  const stamp = { columns: set.columns, script: await hashFile(script) };
  return keepArtefact(pack, { name: `lambdamart-${set.key}`, rows, size, stamp }, (folder) =>
    runProgram(rows.python, [script, '--rows', rows.inputs, '--columns', set.columns.join(','), '--out', folder, ...sizeWords(size)], {
      cwd: scripts,
    }),
  );
}

/** The shipped network, trained on on the pack's lists: `fuserank model tune`. @returns the artefact's folder; null as above */
export async function tuneShipped(pack: MeasuredPack, { rows, size }: { rows: TrainingRows; size: TrainingSize }): Promise<string | null> {
  const stamp = { from: await stampRanker('builtin'), script: await hashFile(join(scripts, 'tune.py')) };
  return keepArtefact(pack, { name: 'fusion-tuned', rows, size, stamp }, (folder) =>
    runProgram(process.execPath, [
      join(packageRoot, 'dist', 'fuserank.js'),
      'model',
      'tune',
      '--from',
      builtinFolder,
      '--rows',
      rows.inputs,
      '--out',
      folder,
      ...sizeWords(size),
    ]),
  );
}

async function keepArtefact(
  pack: MeasuredPack,
  of: { name: string; rows: TrainingRows; size: TrainingSize; stamp: WorkStamp },
  train: (folder: string) => Promise<string>,
): Promise<string | null> {
  const { name, rows, size, stamp } = of;
  const folder = join(pack.folder, `${name}-${size.lists ?? 'all'}-${size.seed}`);
  const kept = {
    file: `${folder}.json`,
    stamp: { ...stamp, size, rows: rows.stamp },
    result: z.object({}),
    isThere: () => existsSync(join(folder, 'manifest.json')),
  };
  if (pack.run.present) return (await readKeptWork(kept)) === null ? null : folder;
  await keepWork({
    ...kept,
    make: async () => {
      await rm(folder, { recursive: true, force: true });
      const started = performance.now();
      const said = await train(folder);
      pack.run.tell(
        `${pack.alias}: ${name}, ${size.lists ?? 'all'} lists, seed ${size.seed}: ${((performance.now() - started) / 1000).toFixed(0)} s: ${said.trim().split('\n').at(-1) ?? ''}`,
      );
      return {};
    },
  });
  return folder;
}

function sizeWords({ lists, seed }: TrainingSize): string[] {
  return [...(lists === null ? [] : ['--lists', String(lists)]), '--seed', String(seed)];
}
