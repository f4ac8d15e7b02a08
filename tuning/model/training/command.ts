import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { wholeNumber } from '../../../config/whole-number.js';
import { artefactsFolder, builtinFolder } from '../../../models/named-ranker.js';
import { proveRanker } from '../../../models/ranker-proof.js';
import { inputsFolderOf } from '../../rows/inputs-folder.js';
import { findPython, runAloud, trainingFolder, TrainingFailed, TrainingUnable, type Trainer } from './python-room.js';

interface TrainFlags {
  readonly rows: string;
  readonly out: string;
  readonly kind: 'lambdamart' | 'fusion' | 'fusion-tuned' | 'fusion-large';
  readonly columns?: string;
  readonly config?: string;
  readonly epochs?: number;
  readonly device?: string;
  readonly trees?: number;
  readonly leaves?: number;
  readonly rate?: number;
  readonly seed?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface TuneFlags extends Omit<TrainFlags, 'kind' | 'columns' | 'trees' | 'leaves' | 'config' | 'device'> {
  readonly from: string;
  readonly lists?: number;
  readonly patience?: number;
  readonly freeze?: readonly string[];
}

const CODES = `
A Python environment is made in the cache folder on first use, or FUSERANK_PYTHON names one that has what is needed.
Exit codes: 0 ok · 2 usage, or no Python that can train · 4 what came out fails its proof · 6 the rows can't be trained on
`;
const GATE_FAILED = 4;

/** `fuserank model train` and `fuserank model tune`: they start models/training. */
export function registerTrainingCommands(model: Command): void {
  shared(model.command('train').summary('a new ranker on a shop’s own rows'))
    .addOption(
      new Option('--kind <kind>', 'what is trained')
        .choices(['lambdamart', 'fusion', 'fusion-tuned', 'fusion-large'])
        .default('lambdamart'),
    )
    .option('--columns <names>', 'lambdamart: all, no-cosines, or names with commas between (default: all)')
    .option('--trees <number>', 'lambdamart: at most (default: 300)', wholeNumber(1))
    .option('--leaves <number>', 'lambdamart: of a tree at most (default: 31)', wholeNumber(2))
    .option('--config <file>', 'fusion-tuned, fusion-large: choices of network and training, JSON (default: those of the kind)')
    .option('--epochs <number>', 'fusion-tuned, fusion-large: at most (default: the file’s)', wholeNumber(1))
    .option('--device <name>', 'fusion-tuned, fusion-large: cpu, cuda, or auto: a GPU where there is one (default: auto)')
    .addHelpText('after', `\nExample:\n  fuserank model train --rows rows.ndjson.gz --out lambdamart-1\n${CODES}`)
    .action(async (flags: TrainFlags) => {
      if (flags.kind === 'fusion-tuned' || flags.kind === 'fusion-large') {
        requireInputs(flags.rows);
        const words = [
          ...['--kind', flags.kind === 'fusion-tuned' ? 'tuned' : 'large', '--from', findStart('fusion-base'), '--rows', flags.rows],
          ...[...numbers(flags, ['rate', 'epochs', 'seed']), ...given('config', flags.config), ...given('device', flags.device)],
        ];
        return runTrainer({ trainer: 'own-vectors', script: 'train_tuned.py', words, flags });
      }
      if (flags.kind === 'fusion') {
        requireInputs(flags.rows);
        const words = ['--from', findStart('fusion-base'), '--fresh', '--rows', flags.rows, ...numbers(flags, ['rate', 'seed'])];
        return runTrainer({ trainer: 'fusion', script: 'tune.py', words, flags });
      }
      await requireRows(flags.rows);
      const words = ['--rows', flags.rows, ...numbers(flags, ['trees', 'leaves', 'rate', 'seed']), ...given('columns', flags.columns)];
      await runTrainer({ trainer: 'lambdamart', script: 'train_lambdamart.py', words, flags });
    });

  shared(model.command('tune').summary('a shipped ranker, trained on on a shop’s own lists'))
    .option('--from <model>', 'what to start from: fusion-base, or the folder of an artefact', 'fusion-base')
    .option('--lists <number>', 'use so many lists (default: all)', wholeNumber(1))
    .option('--epochs <number>', 'at most (default: 8)', wholeNumber(1))
    .option('--patience <number>', 'epochs without a better held-out order that end it (default: none end it)', wholeNumber(1))
    .option('--freeze <parts...>', 'parts that keep their weights: attention, context, crosses, gate')
    .addHelpText('after', `\nExample:\n  fuserank model tune --from fusion-base --rows rows.ndjson.gz --out fusion-tuned-1\n${CODES}`)
    .action(async (flags: TuneFlags) => {
      requireInputs(flags.rows);
      const words = [
        ...['--from', findStart(flags.from), '--rows', flags.rows],
        ...numbers(flags, ['lists', 'epochs', 'patience', 'rate', 'seed']),
        ...(flags.freeze === undefined ? [] : ['--freeze', ...flags.freeze]),
      ];
      await runTrainer({ trainer: 'fusion', script: 'tune.py', words, flags });
    });
}

function shared(command: Command): Command {
  return command
    .requiredOption('--rows <file>', 'what rows export wrote; for tune with --inputs')
    .requiredOption('--out <folder>', 'artefact to write; its name is NAME-VERSION, such as fusion-tuned-1', readArtefactName)
    .option('--rate <number>', 'learning rate', readRate)
    .option('--seed <number>', 'draws what is held out, and the order (default: 1)', wholeNumber(0))
    .option('--json', 'print one JSON object')
    .option('--quiet', 'nothing on stderr but errors');
}

/** Runs a trainer into a folder beside the wanted one, proves what came out, and moves it there. @throws TrainingUnable, TrainingFailed */
async function runTrainer(work: {
  trainer: Trainer;
  script: string;
  words: readonly string[];
  flags: Pick<TrainFlags, 'out' | 'json' | 'quiet'>;
}): Promise<void> {
  const { trainer, script, words, flags } = work;
  const out = resolve(flags.out);
  if (existsSync(out)) throw new TrainingUnable(`${out} is there already; name another version`);
  const last: string[] = [];
  const tell = (line: string): void => {
    last.push(line);
    if (flags.quiet !== true) process.stderr.write(`${line}\n`);
  };
  const python = await findPython(trainer, tell);
  const env = { ...process.env, OMP_NUM_THREADS: process.env['OMP_NUM_THREADS'] ?? '1', PYTHONUNBUFFERED: '1' };
  const code = await runAloud(python, [join(trainingFolder, script), ...words, '--out', out], tell, env);
  if (code !== 0) {
    await rm(out, { recursive: true, force: true });
    const said = flags.quiet === true ? `:\n${last.slice(-5).join('\n')}` : '';
    throw new TrainingFailed(`training ended with exit code ${code}${said}; nothing is written`);
  }
  const proof = await proveRanker(out);
  const failed = proof.filter(({ passed }) => !passed);
  if (failed.length > 0) process.exitCode = GATE_FAILED;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ folder: out, proof })}\n`
      : `${proof.map(({ name, passed, detail }) => `${passed ? 'passed' : 'FAILED'} ${name}: ${detail}\n`).join('')}${out}\n`,
  );
}

/** A folder, a name of the product's own, or such a name without its version. */
function findStart(name: string): string {
  if (existsSync(resolve(name))) return resolve(name);
  if (name === 'fusion-base' || name === 'builtin') return builtinFolder;
  const own = join(artefactsFolder, basename(name));
  if (existsSync(join(own, 'manifest.json'))) return own;
  throw new TrainingUnable(`there is no ranker ${name} to start from; name fusion-base, or the folder of an artefact`);
}

async function requireRows(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) === null)
    throw new TrainingFailed(`there are no rows ${file}; export them: fuserank rows export … --out ${file}`);
}

function requireInputs(rows: string): void {
  const folder = existsSync(join(rows, 'header.json')) ? rows : inputsFolderOf(rows);
  if (!existsSync(join(folder, 'header.json'))) {
    throw new TrainingFailed(`there is no ${folder}; tuning needs what a network is fed: fuserank rows export … --out ${rows} --inputs`);
  }
}

function numbers<Name extends string>(flags: Readonly<Partial<Record<Name, number>>>, names: readonly Name[]): string[] {
  return names.flatMap((name) => given(name, flags[name]?.toString()));
}

function given(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`--${name}`, value];
}

export function readArtefactName(text: string): string {
  if (/^[\w.-]+-[\w.]+$/.test(basename(text))) return text;
  throw new InvalidArgumentError('the folder’s name must be NAME-VERSION, such as fusion-tuned-1.');
}

function readRate(text: string): number {
  const rate = Number(text);
  if (!(rate > 0 && rate < 10)) throw new InvalidArgumentError('a number above 0 is needed.');
  return rate;
}
