import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../../config/load.js';
import { BulkRefused } from '../bulk-writer.js';
import { readMoment } from '../events/command.js';
import { AliasConflict } from '../index-lifecycle.js';
import { awaitInterruption } from '../interruption.js';
import { showProgress } from '../report/progress-line.js';
import type { Slice } from './shopper-stream.js';
import { describeStatisticsProgress, renderStatisticsReport } from './statistics-report.js';
import { computeStatistics } from './statistics-run.js';

/** Public exit codes; errors that name their own come with them. */
const EXIT = { ok: 0, usage: 2, refused: 5 } as const;

interface StatisticsFlags {
  readonly alias: string;
  readonly config?: string;
  readonly opensearch?: string[];
  readonly events?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly into?: string;
  readonly slice?: Slice;
  readonly full?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `\
Examples:
  fuserank statistics --alias products                                   what came since the last run, into behaviour.statistics
  fuserank statistics --alias products --full                            everything anew: after erasures, or a new catalogue
  fuserank statistics --alias products --until 2026-01-31 --into shop_statistics_train
                                                                         as they stood then, for training rows
  fuserank statistics --alias products --until 2026-01-31T04:00:00Z --slice 1/4
                                                                         a quarter of the shoppers; whoever ends last merges

`;

const CODES = `
Exit codes: 0 ok (also when other slices are waited for), 2 usage or configuration, 5 the engine can't be reached or refuses,
6 no events, or none that counts: nothing written, 8 another run is under way.
`;

/** `fuserank statistics`: events into the item statistics that rankers read. */
export function registerStatisticsCommand(program: Command): void {
  program
    .command('statistics')
    .summary('co-visitation, popularity and rates of products from events')
    .description('Counts what shoppers did with the products of a catalogue and writes it behind an alias, in a new version each time.')
    .requiredOption('--alias <name>', 'alias of the catalogue')
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine (default http://127.0.0.1:9200)')
    .option('--events <index>', 'index of the events (default: behaviour.events)')
    .option('--since <time>', 'leave out what is older: a date or date-time (default: nothing)', readMoment)
    .option('--until <time>', 'leave out what happened at or after (default: now)', readMoment)
    .option('--into <name>', 'alias of the statistics (default: behaviour.statistics)')
    .option('--slice <i/n>', 'count one of n parts of the shoppers, 1/n to n/n; needs --until', readSlice)
    .option('--full', 'count anew what is counted already')
    .option('--json', 'the report as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', CODES)
    .action(async (flags: StatisticsFlags) => {
      process.exitCode = await runStatisticsCommand(flags);
    });
}

async function runStatisticsCommand(flags: StatisticsFlags): Promise<number> {
  const fault = findFlagFault(flags);
  if (fault !== null) {
    process.stderr.write(`${fault}\n`);
    return EXIT.usage;
  }
  const config = loadConfig({
    file: flags.config ?? findConfigFile(process.cwd()),
    flags: {
      ...(flags.opensearch === undefined ? {} : { opensearch: { nodes: flags.opensearch } }),
      ...(flags.events === undefined ? {} : { behaviour: { events: flags.events } }),
    },
  });
  const stop = awaitInterruption('stopping; the statistics stay as they were. Once more to stop at once');
  const progress = showProgress(process.stderr, { quiet: flags.quiet ?? false, describe: describeStatisticsProgress });
  try {
    const report = await computeStatistics({ ...flags, config, signal: stop.signal, onProgress: progress.update });
    progress.end();
    process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : renderStatisticsReport(report));
    return EXIT.ok;
  } catch (error) {
    progress.end();
    if (stop.signal.aborted) return stop.exitCode();
    if (!(error instanceof AliasConflict) && !(error instanceof BulkRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof BulkRefused ? EXIT.refused : EXIT.usage;
  } finally {
    stop.forget();
  }
}

function findFlagFault({ since, until, slice }: StatisticsFlags): string | null {
  if (until !== undefined && until.getTime() > Date.now()) return '--until lies in the future: events may yet come before it';
  if (since !== undefined && since.getTime() >= (until?.getTime() ?? Date.now())) return '--since must be earlier than --until';
  if (slice !== undefined && slice.of > 1 && until === undefined)
    return '--slice needs --until, the same for all slices: else no two of them would count until the same moment';
  return null;
}

function readSlice(text: string): Slice {
  const [, part, parts] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const slice = { index: Number(part) - 1, of: Number(parts) };
  if (slice.index >= 0 && slice.index < slice.of) return slice;
  throw new InvalidArgumentError('must be like 2/4: the second of four slices');
}
