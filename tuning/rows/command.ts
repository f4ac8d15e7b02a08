import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadCommandConfig } from '../../config/load.js';
import { MOMENT_WANTED, parseMoment } from '../../config/moment.js';
import { wholeNumber } from '../../config/whole-number.js';
import type { Config } from '../../config/schema.js';
import { connectEngine, probeEngine } from '../../opensearch/connection.js';
import { showProgress } from '../progress-line.js';
import { writeWholeFile } from '../convert/whole-file.js';
import { readIndexFacts } from '../evaluate/index-facts.js';
import { writeCsvRow } from '../formats/csv-table.js';
import { deriveFromEvents, exportRows, type AskedRows, type DerivedRange, type RowsOrigin } from './export.js';
import { inputsFolderOf } from './inputs-folder.js';
import { describeDrops, type RowsReport } from './labelled-lists.js';
import { ROW_SOURCES, type RowSource } from './training-row.js';

interface ConnectionFlags {
  readonly config?: string;
  readonly opensearch?: string[];
  readonly index?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface DerivationFlags {
  readonly since?: Date;
  readonly until?: Date;
  readonly limit?: number;
  readonly seed?: number;
}

interface ExportFlags extends ConnectionFlags, DerivationFlags {
  readonly from: RowSource;
  readonly out: string;
  readonly log?: string[];
  readonly events?: string;
  readonly queries?: string;
  readonly judgments?: string;
  readonly statistics?: string;
  readonly template?: string;
  readonly profile?: string;
  readonly concurrency?: number;
  readonly unjudged?: 'zero' | 'drop';
  readonly keepUnlabelled?: boolean;
  readonly inputs?: boolean;
}

type DeriveFlags = ConnectionFlags & DerivationFlags & { readonly since: Date; readonly queries: string; readonly judgments: string };

/** Flags do not belong together. */
class FlagsRefused extends Error {
  override readonly name = 'FlagsRefused';
  readonly exitCode = 2;
}

const ASKED = ['index', 'profile', 'template', 'statistics', 'concurrency', 'inputs'] as const;
/** Flags that a source needs, and those that it takes beside. */
const FLAGS: Readonly<
  Record<RowSource, { readonly needs: readonly (keyof ExportFlags)[]; readonly takes: readonly (keyof ExportFlags)[] }>
> = {
  log: { needs: ['log'], takes: ['events', 'index'] },
  ubi: { needs: ['since'], takes: ['until', ...ASKED] },
  sequences: { needs: ['since'], takes: ['until', 'limit', 'seed', ...ASKED] },
  judgments: { needs: ['queries', 'judgments'], takes: ['unjudged', ...ASKED] },
};
const OF_SOURCES = ['log', 'events', 'since', 'until', 'limit', 'seed', 'queries', 'judgments', 'unjudged', ...ASKED] as const;

const EXPORT_EXAMPLES = `Examples:
  fuserank rows export --from log --log /var/log/fuserank --out rows.parquet                  what was served, labelled by its clicks
  fuserank rows export --from judgments --index products --queries queries.ndjson --judgments judgments.csv --out rows.ndjson.gz
  fuserank rows export --from ubi --index products --since 2026-01-01 --statistics stats_2025 --out rows.parquet
  fuserank rows export --from sequences --index products --since 2026-01-01 --statistics none --limit 2000 --out rows.parquet

`;

const EXPORT_CODES = `
Exit codes: 0 ok, 2 usage or configuration, 5 the engine can't be reached, 6 an input can't be used, statistics that know the future, or not
one list gave rows, 7 stopped after 20 searches in a row that were not ranked. After any but 0 nothing is written.
`;

const DERIVE_EXAMPLES = `Examples:
  fuserank rows derive --index products --since 2026-01-01 --queries derived.ndjson --judgments derived.csv
  fuserank evaluate --index products --queries derived.ndjson --judgments derived.csv --out ranked.run

`;

/** `fuserank rows`: training rows, computed by the code that serves. */
export function registerRowsCommand(program: Command): void {
  const rows = program
    .command('rows')
    .summary('training rows, computed by the same code that serves')
    .addHelpText('before', `${EXPORT_EXAMPLES.trimEnd()}\n${DERIVE_EXAMPLES.replace(/^Examples:\n/, '')}`);
  const exporting = rows
    .command('export')
    .summary('rows from the feature log, UBI logs, sequences or judgments')
    .description(
      'Writes one row a candidate with every column of the feature set, whole or not at all, and reports what was left out and why.',
    )
    .addOption(new Option('--from <source>', 'where lists come from').choices(ROW_SOURCES).makeOptionMandatory())
    .requiredOption('--out <file>', 'rows to write: .parquet, .ndjson or .ndjson.gz')
    .option('--log <path...>', 'log: folder of observability.featureLog, or files of it')
    .option('--events <file>', 'log: UBI events as NDJSON, instead of those in behaviour.events')
    .option('--queries <file>', 'judgments: query set, NDJSON or CSV')
    .option('--judgments <file>', 'judgments: in any format that convert reads')
    .option('--unjudged <how>', 'judgments: a candidate that nobody judged is label zero, or drop (default: zero)', readUnjudged)
    .option('--since <time>', 'ubi, sequences: searches or targets from this moment on', readMoment)
    .option('--until <time>', 'ubi, sequences: and before this one (default: now)', readMoment)
    .option('--limit <number>', 'sequences: at most so many shoppers, drawn by seed', wholeNumber(1))
    .option('--seed <number>', 'sequences: draws shoppers and words (default: 1)', wholeNumber(0))
    .option('--statistics <name>', 'item statistics to compute columns with, or none (default: behaviour.statistics)')
    .option('--template <template>', 'search template instead of the plain search, as in evaluate')
    .option('--profile <name>', 'the profile whose window, legs and signals are asked with')
    .option('--concurrency <number>', 'searches at once (default: 2)', wholeNumber(1))
    .option('--inputs', 'also write what a network is fed, into a folder beside the rows: OUT.inputs')
    .option('--keep-unlabelled', 'keep lists in which nothing has a label above 0')
    .addHelpText('before', EXPORT_EXAMPLES)
    .addHelpText('after', EXPORT_CODES)
    .action(async (flags: ExportFlags) => {
      const config = loadCommandConfig(flags);
      const progress = showProgress({
        quiet: flags.quiet ?? false,
        describe: ({ lists, rows: written }: RowsReport) => `${lists} lists, ${written} rows`,
      });
      const report = await exportRows({
        config,
        origin: originOf(flags, config),
        out: flags.out,
        inputs: flags.inputs ?? false,
        labelling: { unjudged: flags.unjudged ?? 'zero', keepUnlabelled: flags.keepUnlabelled ?? false },
        tell: (note) => void process.stderr.write(`${note}\n`),
        onList: progress.update,
      }).finally(progress.end);
      const inputs = flags.inputs === true ? inputsFolderOf(flags.out) : null;
      const files = inputs === null ? flags.out : `${flags.out}, inputs to ${inputs}`;
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ ...report, file: flags.out, ...(inputs === null ? {} : { inputs }) })}\n`
          : `${describeReport(report)}\nrows written to ${files}\n`,
      );
    });
  connected(exporting);

  const deriving = rows
    .command('derive')
    .summary('a query set and judgments from what shoppers turned to next')
    .description('Each shopper’s last product is the target, the events before it are the history, its narrowest category is the query.')
    .requiredOption('--since <time>', 'targets from this moment on', readMoment)
    .requiredOption('--queries <file>', 'query set to write, NDJSON with inline histories')
    .requiredOption('--judgments <file>', 'judgments to write, CSV')
    .option('--until <time>', 'and before this one (default: now)', readMoment)
    .option('--limit <number>', 'at most so many shoppers, drawn by seed', wholeNumber(1))
    .option('--seed <number>', 'draws shoppers and words (default: 1)', wholeNumber(0))
    .addHelpText('before', DERIVE_EXAMPLES)
    .action(async (flags: DeriveFlags) => {
      const report = await derive(flags);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ ...report, files: { queries: flags.queries, judgments: flags.judgments } })}\n`
          : `${report.queries} derived queries written to ${flags.queries}, their targets to ${flags.judgments}\n`,
      );
    });
  connected(deriving);
}

function connected(command: Command): void {
  command
    .option('--index <name>', 'index or alias of the catalogue (default: index.alias of the configuration; log: all of them)')
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--json', 'the report as one JSON object')
    .option('--quiet', 'no progress');
}

async function derive(flags: DeriveFlags): Promise<{ queries: number; dropped: Record<string, number>; earliest_target: string }> {
  const config = loadCommandConfig(flags);
  const engine = connectEngine(config.opensearch);
  try {
    await probeEngine(engine);
    const facts = await readIndexFacts(engine, config, flags.index ?? config.index.alias);
    const { questions, dropped } = await deriveFromEvents(engine, { config, facts, range: rangeOf(flags) });
    await writeWholeFile(
      flags.queries,
      questions.map(({ query }) => `${JSON.stringify(query)}\n`),
    );
    await writeWholeFile(flags.judgments, [
      writeCsvRow(['query_id', 'query', 'docid', 'rating']),
      ...questions.map(({ query, target }) => writeCsvRow([query.query_id, query.query ?? '', target, '1'])),
    ]);
    const earliest = questions.reduce((least, { targetMs }) => Math.min(least, targetMs), Number.POSITIVE_INFINITY);
    return { queries: questions.length, dropped, earliest_target: new Date(earliest).toISOString() };
  } finally {
    await engine.close();
  }
}

/** @throws FlagsRefused */
function originOf(flags: ExportFlags, config: Config): RowsOrigin {
  const { needs, takes } = FLAGS[flags.from];
  const missing = needs.find((name) => flags[name] === undefined);
  if (missing !== undefined) throw new FlagsRefused(`--from ${flags.from} needs --${missing}`);
  const odd = OF_SOURCES.find((name) => flags[name] !== undefined && !needs.includes(name) && !takes.includes(name));
  if (odd !== undefined) throw new FlagsRefused(`--${odd} says nothing to --from ${flags.from}; leave it out`);
  const asked: AskedRows = {
    index: flags.index ?? config.index.alias,
    profile: flags.profile ?? null,
    template: flags.template ?? null,
    statistics: flags.statistics ?? null,
    concurrency: flags.concurrency ?? 2,
  };
  const range = rangeOf(flags);
  switch (flags.from) {
    case 'log':
      return { from: 'log', log: flags.log ?? [], eventFile: flags.events ?? null, index: flags.index ?? null };
    case 'judgments':
      return { from: 'judgments', queries: flags.queries ?? '', judgments: flags.judgments ?? '', ...asked };
    case 'ubi':
      return { from: 'ubi', since: range.since, until: range.until, ...asked };
    case 'sequences':
      return { from: 'sequences', ...range, ...asked };
  }
}

function rangeOf(flags: DerivationFlags): DerivedRange {
  const since = flags.since?.getTime() ?? 0;
  const until = flags.until?.getTime() ?? Date.now();
  if (until <= since) throw new FlagsRefused('--until must be later than --since');
  return { since, until, limit: flags.limit ?? null, seed: flags.seed ?? 1 };
}

function describeReport(report: RowsReport): string {
  const dropped = Object.keys(report.dropped).length === 0 ? '' : `; left out: ${describeDrops(report)}`;
  return `${report.lists} lists, ${report.rows} rows, ${report.positives} with a label above 0${dropped}`;
}

function readMoment(text: string): Date {
  const moment = parseMoment(text);
  if (moment === null) throw new InvalidArgumentError(MOMENT_WANTED);
  return moment;
}

function readUnjudged(text: string): 'zero' | 'drop' {
  if (text === 'zero' || text === 'drop') return text;
  throw new InvalidArgumentError('must be zero or drop.');
}
