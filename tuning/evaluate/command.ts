import { createHash } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../../config/load.js';
import { packageVersion } from '../../config/package-root.js';
import type { Config } from '../../config/schema.js';
import { wholeNumber } from '../../config/whole-number.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { pictureFolder } from '../asked-query.js';
import { cutoffOf, parseMetric, parseMetrics } from '../metrics/metric-name.js';
import { MetricError, type Metric } from '../metrics/metric.js';
import { showProgress } from '../progress-line.js';
import { RunWriter } from '../run/run-file.js';
import type { RunHeader } from '../run/run-line.js';
import { askQueries, type EvaluationProgress } from './evaluation.js';
import { readIndexFacts, type IndexFacts } from './index-facts.js';
import { describeUnknownDocuments, findUnknownDocuments } from './judged-documents.js';
import { openQuestion, type Question } from './question.js';
import { readQuestionSet, type QuestionSet } from './question-set.js';
import { describeAsJson, renderReport, reportRun, type RunReport } from './run-report.js';
import { ContenderRefused, openDoor, type Contender, type SearchDoor } from './search-door.js';

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
  const named = parseMetrics(flags.metrics ?? defaultMetrics(flags.depth)); // before anything is asked
  refuseUnknownNeeds(named);
  const contender = contenderOf(flags);
  const config = readConfig(flags);
  const alias = flags.index ?? config.index.alias;
  const engine = connectEngine(config.opensearch);
  try {
    const { version } = await probeEngine(engine);
    const facts = await readIndexFacts(engine, config, alias);
    const questions = await readQuestionSet(flags, packageVersion);
    const unknown = await checkDocuments(engine, flags, questions, alias);
    const question = await openQuestion(engine, facts.roles, flags.template ?? null);
    let metrics: readonly Metric[] = named;
    const door = await openDoor({ config, alias, contender });
    try {
      const legs = flags.legs === true || named.some(({ reads }) => reads === 'legs') ? (door.window ?? flags.depth) : null;
      metrics = withLegs(named, legs);
      requireDepth(metrics, { depth: flags.depth, legs });
      const run = await RunWriter.open(flags.out, describeRun({ flags, facts, questions, question, door, legs, opensearch: version }));
      const progress = showProgress({
        quiet: flags.quiet ?? false,
        describe: ({ done, total }: EvaluationProgress) => `${done} of ${total} queries`,
      });
      try {
        await askQueries(questions.queries, run, {
          door,
          question,
          grades: questions.grades,
          kept: { title: facts.titleField, image: facts.imageField, group: flags.groupField ?? null },
          depth: flags.depth,
          legs: legs !== null,
          concurrency: flags.concurrency,
          rps: flags.rps ?? null,
          stopAfter: flags.stopAfter,
          folder: pictureFolder(flags.queries),
          onProgress: progress.update,
        });
      } finally {
        progress.end();
        await run.close();
      }
    } finally {
      await door.close();
    }
    return await reportRun(flags.out, { metrics, documents: facts.documents, unjudged: questions.unjudged, unknown });
  } finally {
    await engine.close();
  }
}

function describeRun(of: {
  flags: EvaluateFlags;
  facts: IndexFacts;
  questions: QuestionSet;
  question: Question;
  door: SearchDoor;
  /** Ids kept of each leg at most; null = none. */
  legs: number | null;
  opensearch: string;
}): RunHeader {
  const { flags, facts, questions, question, door, legs } = of;
  const plain = flags.template === undefined;
  return {
    fuserank_run: 1,
    name: plain ? door.name : `${door.name}, ${question.name}`,
    created: new Date().toISOString(),
    depth: flags.depth,
    configuration: {
      kind: plain ? (flags.config === 'first-phase' ? 'first-phase' : 'fuserank') : 'template',
      name: plain ? door.name : question.name,
      sha256: hashOf([door.sha256, question.sha256]),
    },
    index: { alias: facts.alias, concrete: [...facts.concrete] },
    model: door.model,
    queries: questions.stamps.queries,
    judgments: questions.stamps.judgments,
    versions: { fuserank: packageVersion, opensearch: of.opensearch },
    seed: flags.seed,
    ...(legs === null ? {} : { legs }),
    ...(flags.groupField === undefined ? {} : { group_field: flags.groupField }),
  };
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

/** Kept legs are measured: how much of what is relevant the retrievers found at all. */
function withLegs(metrics: readonly Metric[], legs: number | null): readonly Metric[] {
  return legs === null || metrics.some(({ reads }) => reads === 'legs') ? metrics : [...metrics, parseMetric(`leg_recall@${legs}`)];
}

/** A metric that looks deeper than the answers go would silently be another one. */
function requireDepth(metrics: readonly Metric[], { depth, legs }: { depth: number; legs: number | null }): void {
  for (const metric of metrics) {
    const [kept, remedy] = metric.reads === 'legs' ? [legs ?? 0, 'a leg is kept as deep as the window'] : [depth, '--depth asks for more'];
    const looksAt = cutoffOf(metric) ?? 0;
    if (looksAt > kept) throw new MetricError(`${metric.name} looks at ${looksAt} hits, but ${kept} are kept; ${remedy}`);
  }
}

/** How many judged documents the index does not hold. @throws InputInvalid with their lines, unless they are allowed */
async function checkDocuments(
  engine: EngineClient,
  flags: EvaluateFlags,
  { queries, grades }: QuestionSet,
  index: string,
): Promise<number> {
  const judged = [...new Set(queries.flatMap((query) => [...grades(query).keys()]))];
  const unknown = await findUnknownDocuments(engine, index, judged);
  if (unknown.length === 0 || flags.allowUnknown === true) return unknown.length;
  throw await describeUnknownDocuments(unknown, { judged: judged.length, index, judgments: flags.judgments });
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

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join()).digest('hex');
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
