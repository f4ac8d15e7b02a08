import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { loadCommandConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { wholeNumber } from '../../config/whole-number.js';
import { openArtefact } from '../../models/artefact.js';
import { artefactsFolder, locateRanker } from '../../models/named-ranker.js';
import { measureRankerCosts } from '../../models/ranker-cost.js';
import { proveRanker } from '../../models/ranker-proof.js';
import { proveTextEncoder } from '../../models/text-encoder-proof.js';
import { listModels, renderModelList } from './model-list.js';
import { DEFAULT_BOUNDS } from './promotion-gate.js';
import { promote, renderOutcome } from './promotion.js';
import { rollBack } from './roll-back.js';
import { registerFitTextCommand } from './text-fit/command.js';
import type { ReadProductTexts } from './text-fit/text-fit.js';
import { registerTrainingCommands } from './training/command.js';
import { readAdminToken, type AdminDoor } from './sidecar-notice.js';

const GATE_FAILED = 4;

interface ConfigFlags {
  readonly config?: string;
  readonly opensearch?: string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface ChangeFlags extends ConfigFlags {
  readonly profile: string;
  readonly admin?: string;
  readonly tokenFile?: string;
}

interface PromoteFlags extends ChangeFlags {
  readonly index?: string;
  readonly queries?: string;
  readonly judgments?: string;
  readonly template?: string;
  readonly statistics?: string;
  readonly metric: string;
  readonly minDifference: number;
  readonly maxHarm: number;
  readonly maxCost: number;
  readonly minQueries: number;
  readonly seed: number;
  readonly force?: string;
}

/** Flags that do not go together. */
class FlagsRefused extends Error {
  override readonly name = 'FlagsRefused';
  readonly exitCode = 2;
}

const EXAMPLES = `Examples:
  fuserank model list
  fuserank model verify ./fusion-tuned-1
  fuserank model promote ./fusion-tuned-1 --profile shop-main --queries held-out.ndjson --judgments held-out.csv
  fuserank model rollback --profile shop-main

`;

/**
 * `fuserank model`: rankers as files, and which of them ranks; text encoders that are fitted to a shop.
 * @param readTexts reads products as the indexer does
 */
export function registerModelCommand(program: Command, readTexts: ReadProductTexts): void {
  const model = program
    .command('model')
    .summary('rankers: list, prove, train, tune, promote, roll back; fit a text encoder')
    .addHelpText('before', EXAMPLES);

  connected(model.command('list').summary('the rankers there are, and which profile uses which')).action(async (flags: ConfigFlags) => {
    const list = await listModels(loadCommandConfig(flags));
    print(flags.json === true ? `${JSON.stringify(list, null, 2)}\n` : renderModelList(list));
  });

  model
    .command('inspect')
    .argument('<model>', 'folder of an artefact, or the name of one that comes with the product')
    .summary('the manifest of a ranker')
    .action(async (name: string) => {
      const { id, folder, manifest } = await openArtefact(await findModel(name));
      print(`${JSON.stringify({ id, folder, ...manifest }, null, 2)}\n`);
    });

  model
    .command('verify')
    .argument('<model>', 'folder of an artefact, or the name of one that comes with the product')
    .summary('prove a ranker or text encoder: its bytes, its columns, what it was exported from, its behaviour')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 proved · 4 a proof failed\n')
    .action(async (name: string, flags: { json?: boolean }) => {
      const folder = await findModel(name);
      const steps = await ((await isTextEncoder(folder)) ? proveTextEncoder(folder) : proveRanker(folder));
      const passed = steps.every((step) => step.passed);
      if (flags.json === true) print(`${JSON.stringify({ passed, steps })}\n`);
      else print(steps.map((step) => `${step.passed ? 'passed' : 'FAILED'} ${step.name}: ${step.detail}\n`).join(''));
      if (!passed) process.exitCode = GATE_FAILED;
    });

  model
    .command('bench')
    .argument('[models...]', 'folders of artefacts, or names of those that come with the product', ['builtin'])
    .summary('CPU of one list of 200 candidates with 50 events')
    .option('--against <model>', 'what the others are told as multiples of, such as a LambdaMART of your own', 'builtin')
    .option('--json', 'print one JSON object')
    .action(async (names: string[], flags: { against: string; json?: boolean }) => {
      const folders = await Promise.all([...new Set([flags.against, ...names])].map(findModel));
      const costs = await measureRankerCosts([...new Set(folders)]);
      const [rival] = costs;
      if (flags.json === true) print(`${JSON.stringify(costs)}\n`);
      else
        for (const { id, cpuMs } of costs)
          print(`${cpuMs.toFixed(2)} ms CPU  ${(cpuMs / (rival?.cpuMs ?? 1)).toFixed(2)} × ${flags.against}  ${id}\n`);
    });

  registerPromote(model);
  changing(model.command('rollback').summary('make the version before the current one rank again'))
    .addHelpText(
      'after',
      '\nExit codes: 0 ok · 2 there is none, or it cannot be opened · 5 the running sidecar did not take it; nothing has changed\n',
    )
    .action(async (flags: ChangeFlags) => {
      const config = loadCommandConfig(flags);
      const done = await rollBack({ config, profile: flags.profile, door: await doorOf(flags, config) });
      print(
        flags.json === true
          ? `${JSON.stringify(done)}\n`
          : `profile ${done.profile} ranks by ${done.to} again, as before ${done.from}\n${done.sidecar}\n`,
      );
    });
  registerTrainingCommands(model);
  registerFitTextCommand(model, readTexts);
}

function registerPromote(model: Command): void {
  changing(
    model
      .command('promote')
      .argument('<candidate>', 'folder of an artefact')
      .summary('make a ranker the one of a profile, where it earns it')
      .description(
        'Proves the artefact, measures its CPU, asks a held-out query set of the engine, the current ranker and the candidate, and switches the profile only where every check passes.',
      ),
  )
    .option('--queries <file>', 'query set that the candidate was not trained on')
    .option('--judgments <file>', 'judgments of it')
    .option('--index <name>', 'index or alias to ask (default: index.alias of the configuration)')
    .option('--template <template>', 'search template, as in evaluate')
    .option('--statistics <name>', 'item statistics to ask with (default: behaviour.statistics)')
    .option('--metric <name>', 'what decides', 'ndcg@10')
    .option(
      '--min-difference <number>',
      'lower end of the 95 % interval against the current ranker',
      readNumber,
      DEFAULT_BOUNDS.minDifference,
    )
    .option('--max-harm <share>', 'queries that may fall more than .05 below the engine’s order, 0 to 1', readShare, DEFAULT_BOUNDS.maxHarm)
    .option('--max-cost <ratio>', 'CPU against the current ranker', readNumber, DEFAULT_BOUNDS.maxCostRatio)
    .option('--min-queries <number>', 'queries that it takes at least', wholeNumber(1), DEFAULT_BOUNDS.minQueries)
    .option('--seed <number>', 'of the bootstrap', wholeNumber(0), 20)
    .option('--force <reason>', 'promote although a check failed; the reason is kept')
    .addHelpText(
      'after',
      '\nExit codes: 0 promoted · 2 usage or configuration · 4 the gate stays shut, the report says why · 5 the engine can’t be reached, or the running sidecar did not take it; nothing has changed\n',
    )
    .action(async (candidate: string, flags: PromoteFlags) => {
      if ((flags.queries === undefined) !== (flags.judgments === undefined))
        throw new FlagsRefused('--queries and --judgments go together');
      const config = loadCommandConfig(flags);
      const seeing =
        flags.statistics === undefined ? config : { ...config, behaviour: { ...config.behaviour, statistics: flags.statistics } };
      const { queries, judgments } = flags;
      const outcome = await promote({
        config: seeing,
        profile: flags.profile,
        candidate: await findModel(candidate),
        alias: flags.index ?? config.index.alias,
        questions: queries === undefined || judgments === undefined ? null : { queries, judgments, template: flags.template ?? null },
        metric: flags.metric,
        bounds: { minDifference: flags.minDifference, maxHarm: flags.maxHarm, maxCostRatio: flags.maxCost, minQueries: flags.minQueries },
        seed: flags.seed,
        force: flags.force ?? null,
        door: await doorOf(flags, config),
        tell: (line) => void (flags.quiet === true || process.stderr.write(`${line}\n`)),
      });
      print(flags.json === true ? `${JSON.stringify(outcome)}\n` : `${renderOutcome(outcome)}report: ${outcome.report}\n`);
      if (!outcome.promoted) process.exitCode = GATE_FAILED;
    });
}

function connected(command: Command): Command {
  return command
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'nothing on stderr but errors');
}

function changing(command: Command): Command {
  return connected(command)
    .requiredOption('--profile <name>', 'profile of the configuration; its ranker is a folder of versions')
    .option('--admin <url>', 'admin port of the running sidecar, or none (default: http://127.0.0.1: and server.adminPort)')
    .option('--token-file <file>', 'its token of scope admin (default: $FUSERANK_ADMIN_TOKEN)');
}

async function doorOf(flags: ChangeFlags, config: Config): Promise<AdminDoor> {
  if (flags.admin === 'none') return { url: null, token: null };
  const url = flags.admin ?? `http://127.0.0.1:${config.server.adminPort}`;
  return { url: url.replace(/\/$/, ''), token: await readAdminToken(flags.tokenFile ?? null) };
}

/** A folder, else one of the product's own by its name or as `builtin`. @throws ArtefactMismatch */
async function findModel(name: string): Promise<string> {
  const folder = resolve(name);
  if (existsSync(folder)) return folder;
  const own = join(artefactsFolder, name);
  if (/^[\w.-]+$/.test(name) && existsSync(own)) return own;
  const place = await locateRanker(name);
  if (place.kind === 'artefact') return place.folder;
  throw new FlagsRefused(`${name} is one column of the feature set, no model; name the folder of an artefact`);
}

/** A folder that cannot be opened is left to the proof, which says why. */
async function isTextEncoder(folder: string): Promise<boolean> {
  const artefact = await openArtefact(folder).catch(() => null);
  return artefact?.manifest.kind === 'text-encoder';
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('a number is needed.');
  return value;
}

function readShare(text: string): number {
  const value = readNumber(text);
  if (value < 0 || value > 1) throw new InvalidArgumentError('a share from 0 to 1 is needed.');
  return value;
}

function print(text: string): void {
  process.stdout.write(text);
}
