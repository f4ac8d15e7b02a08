import { createWriteStream, type WriteStream } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { findConfigFile, loadConfig } from '../config/load.js';
import { wholeNumber } from '../config/whole-number.js';
import type { Config } from '../config/schema.js';
import { UnsafeVectors } from '../mappings/vector-safety.js';
import { ArtefactMismatch } from '../models/artefact.js';
import { ModelFolderUnreadable } from '../models/model-folder.js';
import { ModelUnreadable } from '../models/onnx-session.js';
import { BulkRefused } from './bulk-writer.js';
import type { CatalogueFormat } from './catalogue.js';
import { CatalogueUnreadable } from './catalogue/catalogue-bytes.js';
import { FieldMapError, readFieldMapFile, type FieldMapInput } from './catalogue/field-map.js';
import { AliasConflict, IndexRefused } from './index-lifecycle.js';
import { IndexMismatch } from './lifecycle/index-plan.js';
import type { IndexReport, ListedReject } from './report/index-report.js';
import { indexCatalogue } from './indexing-run.js';
import { PictureFolderMissing } from './picture.js';
import { awaitInterruption } from './interruption.js';
import { describeIndexProgress, showProgress } from './report/progress-line.js';
import { renderReport } from './report/report-table.js';

export { readProductTexts } from './product-texts.js';

/** Public exit codes of `fuserank index`; an unreachable engine (5) is told by the caller of all commands. */
const EXIT = { ok: 0, usage: 2, rejects: 3, gate: 4, refused: 5, input: 6 } as const;

interface IndexFlags {
  config?: string;
  opensearch?: string[];
  alias?: string;
  map?: string;
  idField?: string;
  textFields?: string;
  vectorFields?: string;
  imageField?: string;
  imageFolder?: string;
  videoField?: string;
  priceField?: string;
  ratingField?: string;
  ratingCountField?: string;
  brandField?: string;
  categoryField?: string;
  groupField?: string;
  keywordFields?: string;
  language?: string;
  format?: CatalogueFormat;
  textEncoder?: string;
  imageEncoder?: string;
  limit?: number;
  dryRun?: boolean;
  restart?: boolean;
  inPlace?: boolean;
  forceSwap?: boolean;
  dlq?: string;
  json?: boolean;
  quiet?: boolean;
}

const EXAMPLES = `\
Examples:
  fuserank index products.csv --alias products --id-field sku --text-fields title,brand --image-field image --image-folder photos
  fuserank index products.jsonl.gz --alias products --id-field id --text-fields title,description --price-field price
  fuserank index feed.jsonl --alias products --id-field sku --text-fields name --image-field '{images[0]}.jpg' --image-folder images
  zcat dump.jsonl.gz | fuserank index - --alias products --map fields.yaml --json

A second run over the same catalogue embeds and writes nothing. Exit codes: 0 ok, 2 usage or configuration, 3 finished with
rejects, 4 a gate failed (the alias was not moved), 5 the engine cannot be reached or refuses, 6 input invalid.
`;

/** `fuserank index`: a catalogue into an index behind an alias. Report on stdout, everything else on stderr. */
export function registerIndexCommand(program: Command): void {
  program
    .command('index')
    .summary('bring a catalogue, its texts and its pictures into OpenSearch')
    .description(
      'Reads products (NDJSON, CSV, TSV, also gzip; - for stdin), embeds their texts and pictures, and writes them behind an alias.',
    )
    .argument('<input...>', 'files, or - for stdin')
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine (default http://127.0.0.1:9200)')
    .option('--alias <name>', 'alias that searches use; versions are <name>-v1, <name>-v2 … (default: index.alias)')
    .option('--map <file>', 'field map in YAML or JSON; flags win over it')
    .option('--id-field <field>', 'product id (default: index.id)')
    .option('--text-fields <a,b>', 'searched texts, the most telling first')
    .option('--vector-fields <a,b>', 'texts that are embedded (default: the first of --text-fields)')
    .option('--image-field <field>', "picture: address or file name; a pattern such as '{images[0]}.jpg' works")
    .option('--image-folder <dir>', 'where picture files lie')
    .option('--video-field <field>', 'video; accepted and not looked at')
    .option('--price-field <field>', 'price, a number')
    .option('--rating-field <field>', 'mean rating, a number')
    .option('--rating-count-field <field>', 'number of ratings')
    .option('--brand-field <field>', 'brand')
    .option('--category-field <field>', 'category, one or a list from broad to narrow')
    .option('--group-field <field>', 'what the variants of one product share; collapse on group_key')
    .option('--keyword-fields <a,b>', 'further fields to filter by')
    .option('--language <analyzer>', 'analyzer of the text fields (default: english)')
    .option('--format <format>', 'ndjson, csv or tsv (default: told by name and content)', readFormat)
    .option('--text-encoder <path>', 'builtin, or a folder in Transformers.js layout')
    .option('--image-encoder <path>', 'builtin, or a folder in Transformers.js layout')
    .option('--limit <n>', 'products at most, for a try', wholeNumber(1))
    .option('--dry-run', 'read, compare and count; embed and write nothing')
    .option('--restart', 'build a new version from nothing')
    .option('--in-place', 'only update the live version: the input is a part of the catalogue')
    .option('--force-swap', 'move the alias though a gate failed')
    .option('--dlq <file>', 'where rejects are listed, a JSON object a line (default: <alias>.rejects.ndjson, made at the first reject)')
    .option('--json', 'the report as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText('before', EXAMPLES)
    .action(async (inputs: string[], flags: IndexFlags) => {
      process.exitCode = await runIndexCommand(inputs, flags);
    });
}

async function runIndexCommand(inputs: readonly string[], flags: IndexFlags): Promise<number> {
  const config = indexConfig(flags);
  const alias = flags.alias ?? config.index.alias;
  const stop = awaitInterruption('stopping after what is under way; once more to stop at once');
  const rejects = openRejectFile(flags.dlq ?? `${alias}.rejects.ndjson`);
  const progress = showProgress(process.stderr, { quiet: flags.quiet ?? false, describe: describeIndexProgress });
  try {
    const report = await indexCatalogue({
      inputs,
      config,
      alias,
      maps: [...(flags.map === undefined ? [] : [readFieldMapFile(flags.map)]), mapFromFlags(flags)],
      imageFolder: flags.imageFolder,
      format: flags.format,
      limit: flags.limit,
      dryRun: flags.dryRun ?? false,
      restart: flags.restart ?? false,
      inPlace: flags.inPlace ?? false,
      forceSwap: flags.forceSwap ?? false,
      onProgress: progress.update,
      onReject: rejects.take,
      signal: stop.signal,
    });
    progress.end();
    const file = await rejects.close();
    const finished = { ...report, rejects: { ...report.rejects, file } };
    process.stdout.write(flags.json === true ? `${JSON.stringify(finished)}\n` : renderReport(finished));
    return finished.aborted ? stop.exitCode() : exitCodeOf(finished);
  } catch (error) {
    progress.end();
    await rejects.close();
    const code = exitCodeOfError(error);
    if (code === null || !(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return code;
  } finally {
    stop.forget();
  }
}

function exitCodeOf(report: IndexReport): number {
  if (report.gateFaults.length > 0 && !report.live) return EXIT.gate;
  return report.rejects.count > 0 ? EXIT.rejects : EXIT.ok;
}

function exitCodeOfError(error: unknown): number | null {
  const usage = [
    ...[FieldMapError, PictureFolderMissing, AliasConflict, IndexMismatch, IndexRefused, UnsafeVectors],
    ...[ModelFolderUnreadable, ArtefactMismatch, ModelUnreadable],
  ];
  if (usage.some((kind) => error instanceof kind)) return EXIT.usage;
  if (error instanceof CatalogueUnreadable) return EXIT.input;
  return error instanceof BulkRefused ? EXIT.refused : null;
}

/** Flag > environment > file > default. */
function indexConfig(flags: IndexFlags): Config {
  const encoders = {
    ...(flags.textEncoder === undefined ? {} : { text: { path: flags.textEncoder } }),
    ...(flags.imageEncoder === undefined ? {} : { image: { path: flags.imageEncoder } }),
  };
  return loadConfig({
    file: flags.config ?? findConfigFile(process.cwd()),
    flags: {
      ...(flags.opensearch === undefined ? {} : { opensearch: { nodes: flags.opensearch } }),
      ...(flags.language === undefined ? {} : { index: { language: flags.language } }),
      ...(Object.keys(encoders).length === 0 ? {} : { encoders }),
    },
  });
}

function mapFromFlags(flags: IndexFlags): FieldMapInput {
  return {
    id: flags.idField,
    text: flags.textFields,
    vector: flags.vectorFields,
    image: flags.imageField,
    video: flags.videoField,
    price: flags.priceField,
    rating: flags.ratingField,
    ratingCount: flags.ratingCountField,
    brand: flags.brandField,
    category: flags.categoryField,
    group: flags.groupField,
    keywords: flags.keywordFields,
  };
}

/** Opened at the first reject, so that a clean run leaves no file. `close` gives its name, or null. */
function openRejectFile(path: string): { take: (reject: ListedReject) => void; close: () => Promise<string | null> } {
  let file: WriteStream | null = null;
  return {
    take(reject) {
      file ??= createWriteStream(path);
      file.write(`${JSON.stringify(reject)}\n`);
    },
    close: () =>
      new Promise((resolve, refuse) => {
        if (file === null) resolve(null);
        else file.on('error', refuse).end(() => resolve(path));
      }),
  };
}

function readFormat(text: string): CatalogueFormat {
  if (text === 'ndjson' || text === 'csv' || text === 'tsv') return text;
  throw new InvalidArgumentError('must be ndjson, csv or tsv');
}
