import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { wholeNumber } from '../../config/whole-number.js';
import { parseMetrics } from '../metrics/metric-name.js';
import { MetricError, type Metric } from '../metrics/metric.js';
import { showProgress } from '../progress-line.js';
import { evaluateRun } from './evaluated-run.js';
import type { EvaluationProgress } from './evaluation.js';
import { describeAsJson, renderReport, type RunReport } from './run-report.js';
import { ContenderRefused, type Contender } from './search-door.js';

interface EvaluateFlags {
  readonly index?: string;
  readonly queries: string;
  readonly judgments: string;
  readonly out: string;
  readonly config: string;
  readonly template?: string;
  readonly profile?: string;
  readonly ranker?: string;
  readonly blend?: number;
  readonly url?: string;
  readonly opensearch?: string[];
  readonly metrics?: string;
  readonly depth: number;
  readonly legs?: boolean;
  readonly groupField?: string;
  readonly allowUnknown?: boolean;
  readonly concurrency: number;
  readonly rps?: number;
  readonly stopAfter: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Finished, but some queries failed: the figures leave them out. */
const EXIT_REJECTS = 3;

const EXAMPLES = `
Examples:
  fuserank evaluate --index products --queries queries.ndjson --judgments judgments.csv --config first-phase --out engine.run
  fuserank evaluate --index products --queries queries.ndjson --judgments judgments.csv --out ranked.run
  fuserank evaluate --index products --queries q.csv --judgments qrels.txt --template search.mustache --out draft.run --json

The run file is append-only: the same command goes on where it was cut off. Compare two of them with: fuserank compare A B
`;

/** `fuserank evaluate`: a query set against judgments, through the real path, into a run file. */
export function registerEvaluateCommand(program: Command): void {
  program
    .command('evaluate')
    .summary('ask a query set, measure the answers against judgments')
    .requiredOption('--queries <file>', 'query set: NDJSON or CSV, - for stdin')
    .requiredOption('--judgments <file>', 'judgments in any format that convert reads')
    .requiredOption('--out <run>', 'run file to write, or to go on with')
    .option('--index <name>', 'index or alias to search (default: index.alias of the configuration)')
    .option(
      '--config <what>',
      'first-phase: the engine as it is; fuserank: the sidecar; FILE: the sidecar with this configuration',
      'fuserank',
    )
    .option('--template <template>', 'search template: a mustache file here, or one stored in the engine; parameters query, size, from')
    .option('--profile <name>', 'the profile to evaluate')
    .option(
      '--ranker <ranker>',
      'another ranker than the profile’s: builtin, first-phase, shuffle, popularity, co-visitation… (docs/reference/rankers.md), or a folder',
    )
    .option('--blend <dial>', 'weight of the model against the engine, 0 to 1, instead of the profile’s', numberWithin(0, 1))
    .option('--url <sidecar>', 'ask this running sidecar instead of starting one')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--metrics <list>', 'what to measure (default: ndcg@10,ndcg_lin@10,mrr,recall@DEPTH,judged@10)')
    .option('--depth <hits>', 'hits to ask for and keep', wholeNumber(1, 10_000), 100)
    .option('--legs', 'keep what each retriever found: could ranking have won?')
    .option('--group-field <field>', 'field to count exposure by')
    .option('--allow-unknown', 'count judged documents that the index lacks as not found, instead of refusing them')
    .option('--concurrency <number>', 'searches at once', wholeNumber(1), 2)
    .option('--rps <number>', 'searches a second at most', numberWithin(0.001, 100_000))
    .option('--stop-after <number>', 'stop after so many failures in a row', wholeNumber(1), 20)
    .option('--seed <number>', 'kept in the run', wholeNumber(0), 1)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EvaluateFlags) => {
      const report = await evaluate(flags);
      process.stdout.write(flags.json ? `${JSON.stringify(describeAsJson(report))}\n` : renderReport(report));
      if (report.summary.failed > 0) process.exitCode = EXIT_REJECTS;
    });
}

async function evaluate(flags: EvaluateFlags): Promise<RunReport> {
  const metrics = parseMetrics(flags.metrics ?? defaultMetrics(flags.depth)); // before anything is asked
  refuseUnknownNeeds(metrics);
  const contender = contenderOf(flags);
  const config = readConfig(flags);
  const progress = showProgress({
    quiet: flags.quiet ?? false,
    describe: ({ done, total }: EvaluationProgress) => `${done} of ${total} queries`,
  });
  return evaluateRun({
    config,
    alias: flags.index ?? config.index.alias,
    contender,
    queries: flags.queries,
    judgments: flags.judgments,
    out: flags.out,
    template: flags.template ?? null,
    metrics,
    depth: flags.depth,
    legs: flags.legs ?? false,
    groupField: flags.groupField ?? null,
    allowUnknown: flags.allowUnknown ?? false,
    concurrency: flags.concurrency,
    rps: flags.rps ?? null,
    stopAfter: flags.stopAfter,
    seed: flags.seed,
    onProgress: progress.update,
  }).finally(progress.end);
}

/** The index gives the size of the catalogue; vectors and popularity nobody gives yet. */
function refuseUnknownNeeds(metrics: readonly Metric[]): void {
  const [metric] = metrics.filter(({ needs }) => needs.some((need) => need !== 'catalogueSize'));
  if (metric)
    throw new MetricError(`${metric.name} needs ${metric.needs.join(', ')}, which evaluate does not read yet; leave it out of --metrics`);
}

function defaultMetrics(depth: number): string {
  const k = Math.min(10, depth);
  return `ndcg@${k},ndcg_lin@${k},mrr,recall@${depth},judged@${k}`;
}

function contenderOf(flags: EvaluateFlags): Contender {
  const given = (['profile', 'ranker', 'blend', 'url'] as const).filter((flag) => flags[flag] !== undefined);
  if (flags.config === 'first-phase') {
    if (given.length > 0) throw new ContenderRefused(`--${given.join(' and --')} goes with the sidecar, not with --config first-phase`);
    return { kind: 'first-phase' };
  }
  if (flags.url !== undefined && flags.ranker !== undefined) {
    throw new ContenderRefused(
      '--ranker needs a sidecar started here: leave --url out, or name a profile of the running one with --profile',
    );
  }
  return {
    kind: 'fuserank',
    url: flags.url ?? null,
    profile: flags.profile ?? null,
    ranker: flags.ranker ?? null,
    blend: flags.blend ?? null,
  };
}

function readConfig(flags: EvaluateFlags): Config {
  const named = flags.config === 'first-phase' || flags.config === 'fuserank' ? undefined : flags.config;
  const file = named ?? findConfigFile(process.cwd());
  // A sidecar that runs passes reading on: whoever can reach it need not reach the engine.
  const nodes = flags.opensearch ?? (flags.url === undefined ? undefined : [flags.url]);
  return loadConfig({
    ...(file === undefined ? {} : { file }),
    env: process.env,
    flags: nodes === undefined ? {} : { opensearch: { nodes } },
  });
}

function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`a number from ${least} to ${most} is needed.`);
    }
    return value;
  };
}
