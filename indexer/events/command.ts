import { open, type FileHandle } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../../config/load.js';
import { MOMENT_WANTED, parseMoment } from '../../config/moment.js';
import type { Config } from '../../config/schema.js';
import { BulkRefused } from '../bulk-writer.js';
import { CatalogueUnreadable } from '../catalogue/catalogue-bytes.js';
import { awaitInterruption } from '../interruption.js';
import { showProgress } from '../report/progress-line.js';
import { describeCount, describeRated } from '../report/quantity.js';
import { exportEvents, OutputRefused } from './event-export.js';
import { importEvents, type ErrorBudget, type ImportReport } from './event-import.js';
import type { RejectedLine } from './event-lines.js';

/** Public exit codes; errors that name their own come with them. */
const EXIT = { ok: 0, rejects: 3, refused: 5, input: 6 } as const;

interface EventFlags {
  readonly config?: string;
  readonly opensearch?: string[];
  readonly events?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}
interface ImportFlags extends EventFlags {
  readonly maxErrors?: ErrorBudget;
  readonly rejects?: string;
}
interface ExportFlags extends EventFlags {
  readonly out: string;
  readonly user?: string;
  readonly since?: Date;
  readonly until?: Date;
}

const IMPORT_EXAMPLES = `\
Examples:
  fuserank events import events.ndjson                       into behaviour.events; the same file twice counts once
  zcat 2026-01-*.ndjson.gz | fuserank events import - --max-errors 1%
  fuserank events import old.ndjson.gz --events shop_events --rejects rejects.ndjson

A line is a UBI 1.3 event:
  {"action_name":"click","timestamp":"2026-01-31T12:00:00Z","user_id":"u1","event_attributes":{"object":{"object_id":"sku-1"}}}

`;
const IMPORT_CODES = `
Exit codes: 0 ok, 2 usage or configuration, 3 finished with rejects, 5 the engine can't be reached or refuses, 6 not one event or
an input that can't be read: nothing written, 7 more rejects than --max-errors.
`;
const EXPORT_EXAMPLES = `\
Examples:
  fuserank events export > events.ndjson
  fuserank events export --since 2026-01-01 --out january.ndjson.gz
  fuserank events export --user u1                           all that is stored of one shopper

`;

/** `fuserank events`: UBI events in and out. */
export function registerEventsCommand(program: Command): void {
  const events = program.command('events').summary('UBI events in and out').description('Stores events of shoppers, and gives them back.');
  withEngine(events.command('import'))
    .summary('store UBI events from files')
    .description('Checks each line against UBI 1.3 and stores what holds under an id made of its content.')
    .argument('<file...>', 'NDJSON, also gzip; - for stdin')
    .option('--max-errors <n|p%>', 'give up beyond so many rejected lines (default: never)', readBudget)
    .option('--rejects <file>', 'where all rejects are listed, a JSON object a line: input, line, raw, reason')
    .option('--json', 'the report as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText('before', IMPORT_EXAMPLES)
    .addHelpText('after', IMPORT_CODES)
    .action(async (inputs: string[], flags: ImportFlags) => {
      process.exitCode = await runImport(inputs, flags);
    });
  withEngine(events.command('export'))
    .summary('write stored events as NDJSON, the oldest first')
    .description('Writes events as they are stored, one JSON object a line, sorted by time.')
    .option('--out <file>', 'where to, gzip by a name that ends in .gz; - is stdout', '-')
    .option('--user <id>', 'only events that name this id as user, client or session')
    .option('--since <time>', 'only events at or after: a date or date-time', readMoment)
    .option('--until <time>', 'only events before', readMoment)
    .option('--quiet', 'no report')
    .addHelpText('before', EXPORT_EXAMPLES)
    .action(async (flags: ExportFlags) => {
      const count = await exportEvents({ ...flags, config: configOf(flags) });
      if (flags.quiet !== true) process.stderr.write(`${describeCount(count, 'event')} written\n`);
    });
}

function withEngine(command: Command): Command {
  return command
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine (default http://127.0.0.1:9200)')
    .option('--events <index>', 'index of the events (default: behaviour.events)');
}

function configOf(flags: EventFlags): Config {
  return loadConfig({
    file: flags.config ?? findConfigFile(process.cwd()),
    flags: {
      ...(flags.opensearch === undefined ? {} : { opensearch: { nodes: flags.opensearch } }),
      ...(flags.events === undefined ? {} : { behaviour: { events: flags.events } }),
    },
  });
}

async function runImport(inputs: string[], flags: ImportFlags): Promise<number> {
  const config = configOf(flags);
  const rejects = flags.rejects === undefined ? null : await openRejectFile(flags.rejects);
  const stop = awaitInterruption('stopping; what is stored stays, and importing the same file again stores only the rest', ['SIGINT']);
  const progress = showProgress(process.stderr, {
    quiet: flags.quiet ?? false,
    describe: ({ lines, rejected, seconds }: { lines: number; rejected: number; seconds: number }) =>
      `${describeRated(lines, 'line', lines / Math.max(seconds, 0.001))} · ${rejected} rejected · ${seconds.toFixed(0)} s`,
  });
  try {
    const report = await importEvents({
      inputs,
      config,
      budget: flags.maxErrors,
      signal: stop.signal,
      onProgress: progress.update,
      onReject: (reject) => rejects?.appendFile(`${JSON.stringify(reject)}\n`),
    });
    progress.end();
    const file = flags.rejects ?? null;
    process.stdout.write(flags.json === true ? `${JSON.stringify({ ...report, rejects_file: file })}\n` : renderImport(report, file));
    return report.rejected > 0 ? EXIT.rejects : EXIT.ok;
  } catch (error) {
    progress.end();
    if (stop.signal.aborted) return stop.exitCode();
    if (!(error instanceof CatalogueUnreadable) && !(error instanceof BulkRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof BulkRefused ? EXIT.refused : EXIT.input;
  } finally {
    stop.forget();
    await rejects?.close();
  }
}

/** @throws OutputRefused before anything is stored */
async function openRejectFile(path: string): Promise<FileHandle> {
  return open(path, 'w').catch((cause: unknown) => {
    throw new OutputRefused(`cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
}

function renderImport(report: ImportReport, file: string | null): string {
  const { written, existing, rejected, rejects, without_product, without_shopper, lines, seconds } = report;
  const more = rejected - rejects.length;
  return [
    `${describeCount(lines, 'line')}: ${describeCount(written, 'event')} stored in ${report.index}${report.created ? ', which was made' : ''}, ` +
      `${existing} there already, ${rejected} rejected; ${seconds.toFixed(1)} s`,
    ...(without_product > 0 ? [`  note: ${describeCount(without_product, 'event')} without a product`] : []),
    ...(without_shopper > 0 ? [`  note: ${describeCount(without_shopper, 'event')} without user_id, client_id and session_id`] : []),
    ...rejects.map(describeReject),
    ...(more > 0 ? [`  … and ${more} more${file === null ? '; list them all with --rejects FILE' : `, all in ${file}`}`] : []),
    '',
  ].join('\n');
}

function describeReject({ input, line, raw, reason }: RejectedLine): string {
  return `  ${input}:${line}  ${reason}  ${raw.length > 80 ? `${raw.slice(0, 80)}…` : raw}`;
}

function readBudget(text: string): ErrorBudget {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(number);
  if (percent === '%' && value <= 100) return { share: value / 100 };
  if (percent === '' && Number.isInteger(value)) return { count: value };
  throw new InvalidArgumentError('must be a whole number, or a share such as 1%');
}

export function readMoment(text: string): Date {
  const moment = parseMoment(text);
  if (moment === null) throw new InvalidArgumentError(MOMENT_WANTED);
  return moment;
}
