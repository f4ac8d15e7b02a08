import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../../config/load.js';
import { packageVersion } from '../../config/package-root.js';
import type { Config } from '../../config/schema.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { parseMetrics } from '../metrics/metric-name.js';
import { MetricError, type Metric } from '../metrics/metric.js';
import { summariseRun, type RunSummary } from '../metrics/run-summary.js';
import { openRun, RunWriter } from '../run/run-file.js';
import type { RunHeader } from '../run/run-line.js';
import { askQueries } from './evaluation.js';
import { readIndexFacts, type IndexFacts } from './index-facts.js';
import { plainQuestion, templateQuestion, type Question } from './question.js';
import { readQuestionSet } from './question-set.js';
import { openDoor, type Contender, type SearchDoor } from './search-door.js';

interface EvaluateFlags {
  readonly index?: string;
  readonly queries: string;
  readonly judgments: string;
  readonly out: string;
  readonly config: string;
  readonly template?: string;
  readonly profile?: string;
  readonly ranker?: string;
  readonly url?: string;
  readonly opensearch?: string[];
  readonly metrics: string;
  readonly depth: number;
  readonly groupField?: string;
  readonly concurrency: number;
  readonly rps?: number;
  readonly stopAfter: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Finished, but some queries failed: the figures leave them out. */
const EXIT_REJECTS = 3;
const PROGRESS_EVERY_MS = 10_000;

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
    .option('--ranker <ranker>', 'another ranker than the profile’s: builtin, first-phase, shuffle, or the folder of an artefact')
    .option('--url <sidecar>', 'ask this running sidecar instead of starting one')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--metrics <list>', 'what to measure', 'ndcg@10,ndcg_lin@10,mrr,recall@100,judged@10')
    .option('--depth <hits>', 'hits to ask for and keep', positive, 100)
    .option('--group-field <field>', 'field to count exposure by')
    .option('--concurrency <number>', 'searches at once', positive, 2)
    .option('--rps <number>', 'searches a second at most', positive)
    .option('--stop-after <number>', 'stop after so many failures in a row', positive, 20)
    .option('--seed <number>', 'kept in the run', Number, 1)
    .option('--json', 'print one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EvaluateFlags) => {
      const summary = await evaluate(flags);
      process.stdout.write(flags.json ? `${JSON.stringify(summary.json)}\n` : summary.text);
      if (summary.failed > 0) process.exitCode = EXIT_REJECTS;
    });
}

async function evaluate(flags: EvaluateFlags): Promise<{ json: object; text: string; failed: number }> {
  const metrics = parseMetrics(flags.metrics); // before anything is asked
  refuseUnknownNeeds(metrics);
  const config = readConfig(flags);
  const alias = flags.index ?? config.index.alias;
  const engine = connectEngine(config.opensearch);
  try {
    const { version } = await probeEngine(engine);
    const facts = await readIndexFacts(engine, config, alias);
    const questions = await readQuestionSet(flags, packageVersion);
    const question = await openQuestion(engine, facts, flags.template ?? null);
    const door = await openDoor({ config, alias, contender: contenderOf(flags) });
    try {
      const run = await RunWriter.open(flags.out, describeRun({ flags, facts, questions, question, door, opensearch: version }));
      try {
        await askQueries(questions.queries, run, {
          door,
          question,
          grades: questions.grades,
          kept: { title: facts.titleField, image: facts.imageField, group: flags.groupField ?? null },
          depth: flags.depth,
          concurrency: flags.concurrency,
          rps: flags.rps ?? null,
          stopAfter: flags.stopAfter,
          folder: flags.queries === '-' ? process.cwd() : dirname(resolve(flags.queries)),
          ...(flags.quiet ? {} : { onProgress: reportProgress() }),
        });
      } finally {
        await run.close();
      }
    } finally {
      await door.close();
    }
    return await summarise(flags.out, { metrics, documents: facts.documents, unjudged: questions.unjudged });
  } finally {
    await engine.close();
  }
}

function describeRun(of: {
  flags: EvaluateFlags;
  facts: IndexFacts;
  questions: Awaited<ReturnType<typeof readQuestionSet>>;
  question: Question;
  door: SearchDoor;
  opensearch: string;
}): RunHeader {
  const { flags, facts, questions, question, door } = of;
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
  };
}

/** The index gives the size of the catalogue; vectors and popularity nobody gives yet. */
function refuseUnknownNeeds(metrics: readonly Metric[]): void {
  const [metric] = metrics.filter(({ needs }) => needs.some((need) => need !== 'catalogueSize'));
  if (metric)
    throw new MetricError(`${metric.name} needs ${metric.needs.join(', ')}, which evaluate does not read yet; leave it out of --metrics`);
}

/** From the file, as `compare` will see it. */
async function summarise(
  out: string,
  { metrics, documents, unjudged }: { metrics: readonly Metric[]; documents: number; unjudged: number },
): Promise<{ json: object; text: string; failed: number }> {
  const run = await openRun(out);
  let unranked = 0;
  async function* counted(): typeof run.lines {
    for await (const line of run.lines) {
      if (line.state !== 'failed' && line.reason !== undefined) unranked += 1;
      yield line;
    }
  }
  const wanted = new Map([...metrics, ...parseMetrics('judged@10')].map((metric) => [metric.name, metric]));
  const summary = await summariseRun(counted(), [...wanted.values()], { catalogueSize: documents });
  const asked = Object.fromEntries(metrics.map(({ name }) => [name, summary.metrics[name] ?? null]));
  const json = {
    metrics: asked,
    queries: summary.queries,
    failed: summary.failed,
    zero_results: summary.zeroResults,
    unranked,
    unjudged,
    'judged@10': summary.metrics['judged@10'] ?? null,
    run: out,
  };
  return { json, text: printSummary({ header: run.header, asked, summary, unranked, unjudged, out }), failed: summary.failed };
}

function printSummary(of: {
  header: RunHeader;
  asked: Readonly<Record<string, number | null>>;
  summary: RunSummary;
  unranked: number;
  unjudged: number;
  out: string;
}): string {
  const { header, asked, summary, unranked, unjudged, out } = of;
  const width = Math.max(...Object.keys(asked).map((name) => name.length));
  const rows = Object.entries(asked).map(
    ([name, value]) => `  ${name.padEnd(width)}  ${value === null ? '–' : value.toFixed(4)}  over ${summary.counted[name] ?? 0} queries`,
  );
  const notes = [
    summary.failed > 0 ? `${summary.failed} failed: they leave the means; the run says why` : null,
    summary.zeroResults > 0 ? `${summary.zeroResults} without a hit` : null,
    unranked > 0 ? `${unranked} answered in the engine's order; the run says why` : null,
    unjudged > 0 ? `${unjudged} without a judgment: no metric counts them` : null,
  ].filter((note) => note !== null);
  const who = `${header.name} on ${header.index.alias}${header.model === null ? '' : `, ${header.model}`}`;
  return [`${who}: ${summary.queries} queries`, ...rows, ...notes.map((note) => `  ${note}`), `run written to ${out}`, ''].join('\n');
}

async function openQuestion(engine: EngineClient, facts: IndexFacts, template: string | null): Promise<Question> {
  if (template === null) return plainQuestion(facts.roles);
  return templateQuestion(engine, { name: template, source: existsSync(template) ? readFileSync(template, 'utf8') : null });
}

function contenderOf(flags: EvaluateFlags): Contender {
  if (flags.config === 'first-phase') return { kind: 'first-phase' };
  return { kind: 'fuserank', url: flags.url ?? null, profile: flags.profile ?? null, ranker: flags.ranker ?? null };
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

/** On a terminal a line that renews itself; elsewhere a line now and then. */
function reportProgress(): (done: number, total: number) => void {
  let last = performance.now();
  return (done, total) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} queries${done === total ? '\n' : ''}`);
    else if (performance.now() - last > PROGRESS_EVERY_MS) {
      last = performance.now();
      process.stderr.write(`${done} of ${total} queries\n`);
    }
  };
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join()).digest('hex');
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0.');
  return value;
}
