import { Option, type Command } from 'commander';
import { wholeNumber } from '../../config/whole-number.js';
import type { PairedTest } from '../significance/paired-comparison.js';
import { parseRule } from './gate.js';
import { checkMetric } from './line-metric.js';
import { describeAsJson } from './report/json.js';
import { parseReportOrder, writeReport } from './report/report-file.js';
import { renderTerminal } from './report/terminal.js';
import { compareRuns } from './run-comparison.js';

const DEFAULT_METRICS = ['ndcg@10', 'ndcg_lin@10', 'mrr', 'judged@10'];
const GATE_FAILED = 4;
const DEFAULT_SEED = 20;
const DEFAULT_LISTS = 20;

interface CompareFlags {
  readonly metric?: readonly string[];
  readonly test: PairedTest;
  readonly seed: number;
  readonly failIf?: readonly string[];
  readonly report?: readonly string[];
  readonly lists: number;
  readonly json?: boolean;
}

const EXAMPLES = `Examples:
  fuserank compare before.ndjson after.ndjson
  fuserank compare before.ndjson after.ndjson --report html=report.html --report md=comment.md
  fuserank compare before.ndjson after.ndjson --fail-if "ndcg@10<-0.01" --fail-if "losses>0.1:>5%" --report junit=gate.xml
  fuserank compare before.ndjson after.ndjson --metric ndcg_lin@10 --fail-if "ndcg_lin@10[head]<0" --json
`;

/** `fuserank compare A B`: is run B better than run A, for whom is it worse, and how sure is that? */
export function registerCompareCommand(program: Command): void {
  program
    .command('compare')
    .summary('two runs of one query set: which is better, for whom worse, how sure')
    .argument('<a>', 'the run to beat')
    .argument('<b>', 'the run that is asked about')
    .option('--metric <names>', `repeat or separate by commas; the first leads (default: ${DEFAULT_METRICS.join(', ')})`, collectNames)
    .addOption(new Option('--test <name>', 'what gives p').choices(['randomization', 't']).default('randomization'))
    .option('--seed <number>', 'of the bootstrap and the randomisation', wholeNumber(0), DEFAULT_SEED)
    .option(
      '--fail-if <rule>',
      'exit 4 where it holds: METRIC<NUMBER, METRIC[TAG]<NUMBER, losses>NUMBER:>SHARE%, failed>COUNT, holes>SHARE%; repeat',
      collect,
    )
    .option('--report <kind=file>', 'html, md, junit or json; repeat', collect)
    .option('--lists <number>', 'worst and best queries that are shown with their lists', wholeNumber(0), DEFAULT_LISTS)
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nExit codes: 0 ok · 2 usage · 4 the gate failed, or queries failed · 6 a run cannot be read or compared\n')
    .action(async (a: string, b: string, flags: CompareFlags) => {
      process.exitCode = await runCompare(a, b, flags);
    });
}

async function runCompare(a: string, b: string, flags: CompareFlags): Promise<number> {
  const metrics = [...new Set((flags.metric ?? DEFAULT_METRICS).map(checkMetric))];
  const orders = (flags.report ?? []).map(parseReportOrder);
  const comparison = await compareRuns({
    a,
    b,
    metrics,
    test: flags.test,
    seed: flags.seed,
    rules: (flags.failIf ?? []).map(parseRule),
    lists: flags.lists,
  });
  for (const order of orders) await writeReport(comparison, order);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(describeAsJson(comparison, { perQuery: false }))}\n` : renderTerminal(comparison),
  );
  return comparison.gate.passed ? 0 : GATE_FAILED;
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

function collectNames(value: string, previous: readonly string[] = []): string[] {
  return [...previous, ...value.split(',').map((name) => name.trim())];
}
