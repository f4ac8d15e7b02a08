import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';
import { packageVersion } from '../../config/package-root.js';
import { wholeNumber } from '../../config/whole-number.js';
import { describeReject, type ImportReport } from '../formats/import-report.js';
import { readText } from '../formats/input-lines.js';
import { ESCI_GAINS, type EsciGains } from '../formats/judgments/judgment-table.js';
import { MIN_IMPRESSIONS } from '../formats/ubi/click-judgments.js';
import { convertText, readJudgments, readQuerySet, type ConversionReport, type ReadingRequest } from './conversion.js';
import { writeWholeFile } from './whole-file.js';

/** Public exit codes; 2 (usage) and 6 (input invalid, nothing written) come with the errors. */
const EXIT = { ok: 0, rejects: 3 } as const;

/** Rejects that a report shows; `--rejects` lists all. */
const SHOWN_REJECTS = 20;

interface ConvertFlags {
  readonly from: string;
  readonly to: string;
  readonly queries?: string;
  readonly judgments?: string;
  readonly gains?: EsciGains;
  readonly tagsFrom?: string;
  readonly minImpressions: number;
  readonly index: string;
  readonly name: string;
  readonly docColumn: string;
  readonly rejects?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `\
Examples:
  fuserank convert --to trec ratings.csv judgments.qrels                     Quepid's ratings for trec_eval
  fuserank convert --to quepid --queries queries.csv esci.csv ratings.csv    labels by query id, with the texts of another file
  fuserank convert --to srw ratings.csv - | curl -XPUT localhost:9200/_plugins/_search_relevance/judgments \\
      -H content-type:application/json -d @-                                 into the Search Relevance Workbench
  fuserank convert --to queries --tags-from source queries.csv queries.ndjson
  fuserank convert --to run --queries queries.ndjson --judgments judgments.qrels other.trec other.ndjson
  cat ubi_queries.ndjson ubi_events.ndjson | fuserank convert --from ubi --to quepid - clicks.csv     what clicks say of products
  fuserank convert --from ubi --to queries ubi_queries.ndjson queries.ndjson         what is searched for, most often first

`;

const FORMATS = `
Formats (--from and --to):
  judgments  quepid         CSV query,docid,rating (also query,doc_id,rating)
             srw, srw-csv   Search Relevance Workbench: IMPORT_JUDGMENT JSON, CSV
             trec           qrels: query 0 document grade
             esci           CSV query_id,product_id,grade with E, S, C, I (--gains)
             rank-eval      body of _rank_eval (--index)
             ranx           {"query": {"document": grade}}; ranx-qrels where it could be a run
  queries    queries        NDJSON {query_id?, query, image?, user_id?, session_id?, history?, tags?}
             queries-csv    the same as columns
             srw            query set of the workbench
  runs       run            what fuserank evaluate writes
             trec           query Q0 document rank score tag
             ranx           {"query": {"document": score}}; ranx-run where it could be judgments
  rows       svmrank        grade qid:1 1:0.5 # document, with names in header comments; becomes judgments too
  log        ubi            NDJSON of ubi_queries and ubi_events, read alone: its searches become queries (ubi-queries),
                            its clicks over expected clicks judgments (ubi-judgments, --min-impressions)

Judgments become queries and rows as well. --from auto (the default) tells a format by its content.

Exit codes: 0 ok, 2 usage, 3 written with rejects, 6 input invalid and nothing written.
`;

/** `fuserank convert`: judgments, queries, runs and rows from one format into another. */
export function registerConvertCommand(program: Command): void {
  program
    .command('convert')
    .summary('judgments, queries, runs, training rows and UBI logs from one format into another')
    .description('Reads IN (gzip is unpacked), checks every line, and writes OUT whole or not at all. - is stdin or stdout.')
    .argument('<in>', 'file, or - for stdin')
    .argument('<out>', 'file, or - for stdout')
    .requiredOption('--to <format>', 'what to write')
    .option('--from <format>', 'what is read', 'auto')
    .option('--queries <file>', 'query set that gives texts to ids, and ids to texts')
    .option('--judgments <file>', 'judgments that give grades to the hits of a run')
    .option('--gains <gains>', 'grades that ESCI labels stand for (default: E=1,S=0.1,C=0.01,I=0)', readGains)
    .option('--tags-from <column>', 'column of a query set that becomes a tag')
    .option('--min-impressions <n>', 'of a query and a product that clicks of a UBI log shall judge', wholeNumber(1), MIN_IMPRESSIONS)
    .option('--index <name>', 'index that rank-eval ratings name', 'products')
    .option('--name <name>', 'name of a document of the workbench', 'fuserank')
    .option('--doc-column <name>', 'header of the documents in quepid CSV: docid or doc_id', readDocColumn, 'docid')
    .option('--rejects <file>', 'where all rejects are listed, a JSON object a line: line, at, raw, reason')
    .option('--json', 'the report as one JSON object')
    .option('--quiet', 'no report')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', FORMATS)
    .action(async (input: string, output: string, flags: ConvertFlags) => {
      process.exitCode = await runConvert(input, output, flags);
    });
}

async function runConvert(input: string, output: string, flags: ConvertFlags): Promise<number> {
  const base = {
    gains: flags.gains ?? ESCI_GAINS,
    tagsFrom: flags.tagsFrom ?? null,
    minImpressions: flags.minImpressions,
    version: packageVersion,
    now: new Date(),
  };
  const queries = flags.queries === undefined ? null : await readBeside(flags.queries, base, readQuerySet);
  const judgments = flags.judgments === undefined ? null : await readBeside(flags.judgments, base, readJudgments);
  const converted = await convertText({
    ...base,
    input: input === '-' ? 'stdin' : input,
    text: await readText(input),
    from: flags.from,
    to: flags.to,
    queries: queries?.queries ?? null,
    judgments: judgments?.judgments ?? null,
    writing: { index: flags.index, name: flags.name, documentColumn: flags.docColumn },
  });
  const { report } = converted;
  await writeWholeFile(output, converted.output);
  if (flags.rejects !== undefined) {
    await writeWholeFile(
      flags.rejects,
      report.rejects.map((reject) => `${JSON.stringify(reject)}\n`),
    );
  }
  // Data on stdout, all else on stderr.
  const stream = output === '-' ? process.stderr : process.stdout;
  if (flags.json) {
    const shown = { input, output, ...report, rejects: report.rejects.slice(0, SHOWN_REJECTS), rejects_file: flags.rejects ?? null };
    stream.write(`${JSON.stringify(shown)}\n`);
  } else if (!flags.quiet) stream.write(renderReport(report, flags.rejects ?? null));
  return report.rejected > 0 ? EXIT.rejects : EXIT.ok;
}

/** A second file: what it refuses is told, and does not stop the conversion. */
async function readBeside<Content extends { report: ImportReport }>(
  file: string,
  base: Omit<ReadingRequest, 'text' | 'input' | 'from'>,
  read: (request: ReadingRequest) => Promise<Content>,
): Promise<Content> {
  const content = await read({ ...base, input: file, text: await readText(file), from: 'auto' });
  for (const reject of content.report.rejects.slice(0, SHOWN_REJECTS)) process.stderr.write(`${file}: ${describeReject(reject)}\n`);
  return content;
}

function renderReport({ from, to, kind, accepted, rejected, rejects, notes }: ConversionReport, file: string | null): string {
  const things = kind === 'run' ? 'queries of a run' : kind;
  const more = rejects.length - SHOWN_REJECTS;
  const lines = [
    `${accepted} ${things} read as ${from}, written as ${to}${rejected === 0 ? '' : `, ${rejected} rejected`}`,
    ...notes.map(
      ({ text, count, line }) => `  note: ${text}${count > 1 ? ` (${count} times)` : ''}${line === null ? '' : `, line ${line}`}`,
    ),
    ...rejects.slice(0, SHOWN_REJECTS).map((reject) => `  ${describeReject(reject)}`),
    ...(more > 0 ? [`  … and ${more} more${file === null ? '; list them all with --rejects FILE' : ''}`] : []),
    ...(file === null || rejected === 0 ? [] : [`  all rejects: ${file}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function readGains(text: string): EsciGains {
  const parts = text.split(',').map((part) => /^\s*([esci])\s*=\s*([\d.]+)\s*$/i.exec(part));
  const given = Object.fromEntries(parts.flatMap((part) => (part ? [[(part[1] ?? '').toUpperCase(), Number(part[2])]] : [])));
  const gains = z.object({ E: z.number(), S: z.number(), C: z.number(), I: z.number() }).safeParse(given);
  if (gains.success && parts.every((part) => part !== null)) return gains.data;
  throw new InvalidArgumentError('give all four, for example E=1,S=0.1,C=0.01,I=0');
}

function readDocColumn(text: string): string {
  if (text === 'docid' || text === 'doc_id') return text;
  throw new InvalidArgumentError('must be docid or doc_id');
}
