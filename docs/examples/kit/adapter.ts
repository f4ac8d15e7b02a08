import { pathToFileURL } from 'node:url';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { OutputFolder, type WrittenFile } from './output-folder.js';

/** Turns a data set as its makers published it into files that fuserank's commands read. */
export interface Adapter {
  /** Folder of the script below docs/examples; also the alias that the next commands name. */
  readonly name: string;
  /** What SOURCE holds, for the usage. */
  readonly source: string;
  /** Flags beside those that all adapters have. */
  readonly flags?: Readonly<Record<string, AdapterFlag>>;
  /** Reads everything, writes everything. @throws InputInvalid with file and line */
  adapt(run: AdapterRun): Promise<Adapted>;
}

export interface AdapterFlag {
  readonly about: string;
  /** Null: it may be left out and is then not there. */
  readonly default: string | null;
}

export interface AdapterRun {
  readonly source: string;
  readonly output: OutputFolder;
  /** Decides every draw: which shoppers are asked for, which queries get a word. */
  readonly seed: number;
  /** Shoppers that become queries at most; null = all. */
  readonly queries: number | null;
  /** The moment from which synthetic times are counted. */
  readonly now: Date;
  /** What was given, else the default, else null. */
  readonly flag: (name: string) => string | null;
}

export interface Adapted {
  /** Flags of `fuserank index` that fit products.ndjson. */
  readonly indexFlags: string;
  /** What must be known of the files, such as what was left out and why. */
  readonly remarks: readonly string[];
}

/** Options of a conversion that is not called from a shell. */
export interface AdapterOptions {
  readonly source: string;
  readonly output: string;
  readonly seed?: number;
  readonly queries?: number;
  readonly now?: Date;
  readonly flags?: Readonly<Record<string, string>>;
}

const USAGE = 2;
const COMMON: Readonly<Record<string, AdapterFlag>> = {
  seed: { about: 'decides every draw', default: '1' },
  queries: { about: 'shoppers that become queries at most, drawn by the seed (default: all)', default: null },
  now: { about: 'moment from which synthetic times count back, ISO 8601 (default: the clock)', default: null },
};

/** Converts, and moves the files to their places when all is whole. */
export async function convert(adapter: Adapter, options: AdapterOptions): Promise<{ files: WrittenFile[]; adapted: Adapted }> {
  const output = await OutputFolder.create(options.output);
  try {
    const adapted = await adapter.adapt({
      source: options.source,
      output,
      seed: options.seed ?? 1,
      queries: options.queries ?? null,
      now: options.now ?? new Date(),
      flag: (name) => options.flags?.[name] ?? adapter.flags?.[name]?.default ?? null,
    });
    return { files: await output.finish(), adapted };
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** Converts with the arguments of the shell, when `url` is the script that was called and not a module that another one reads. */
export async function runWhenCalled(url: string, adapter: Adapter): Promise<void> {
  const called = process.argv[1];
  if (called === undefined || pathToFileURL(called).href !== url) return;
  process.exitCode = await runAdapter(adapter, process.argv.slice(2));
}

/** @returns the exit code: 0; 2 usage; 6 the source can't be used, nothing was written */
export async function runAdapter(adapter: Adapter, args: readonly string[]): Promise<number> {
  const options = readArguments(adapter, args);
  if (options === null) return USAGE;
  try {
    const { files, adapted } = await convert(adapter, options);
    process.stdout.write(describe(adapter, { ...adapted, files, folder: options.output }));
    return 0;
  } catch (error) {
    if (!(error instanceof Error) || !('exitCode' in error) || typeof error.exitCode !== 'number') throw error;
    console.error(error.message);
    return error.exitCode;
  }
}

function readArguments(adapter: Adapter, args: readonly string[]): AdapterOptions | null {
  const known = { ...adapter.flags, ...COMMON };
  const options: ParseArgsConfig['options'] = Object.fromEntries(Object.keys(known).map((name) => [name, { type: 'string' }]));
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    const [source, output, ...rest] = positionals;
    if (values['help'] === true || source === undefined || output === undefined || rest.length > 0)
      throw new Error('name SOURCE and OUTPUT');
    const texts = Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
    const { seed = '1', queries, now, ...flags } = texts;
    return {
      source,
      output,
      seed: wholeNumber('--seed', seed),
      ...(queries === undefined ? {} : { queries: wholeNumber('--queries', queries) }),
      ...(now === undefined ? {} : { now: moment(now) }),
      flags,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(adapter, known)}`);
    return null;
  }
}

function usage({ name, source }: Adapter, flags: Readonly<Record<string, AdapterFlag>>): string {
  const lines = Object.entries(flags).map(
    ([flag, { about, default: value }]) => `  --${flag.padEnd(20)} ${about}${value === null ? '' : ` (default: ${value})`}`,
  );
  return [`usage: npx tsx docs/examples/${name}/adapter.ts SOURCE OUTPUT [flags]`, `  SOURCE: ${source}`, ...lines].join('\n');
}

/** What was written, and the commands that take it from here. */
function describe(
  { name }: Adapter,
  of: { indexFlags: string; remarks: readonly string[]; files: readonly WrittenFile[]; folder: string },
): string {
  const { indexFlags, remarks, files, folder } = of;
  const has = (file: string): boolean => files.some((written) => written.name === file);
  const asked = has('queries.ndjson') && has('judgments.csv');
  const written = files.map(({ path, lines }) => `wrote ${path}: ${lines.toLocaleString('en')} lines`);
  const next = [
    `npx fuserank index ${folder}/products.ndjson --alias ${name} ${indexFlags}`,
    ...(has('events.ndjson') ? [`npx fuserank events import ${folder}/events.ndjson`, `npx fuserank statistics --alias ${name}`] : []),
    ...(asked
      ? [
          `npx fuserank evaluate --index ${name} --queries ${folder}/queries.ndjson --judgments ${folder}/judgments.csv --out ${folder}/ranked.run`,
        ]
      : []),
  ];
  return [...written, ...remarks, '', 'next:', ...next.map((line) => `  ${line}`), ''].join('\n');
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0 || text.trim() === '') throw new Error(`${flag} ${text}: write a whole number from 0`);
  return number;
}

function moment(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new Error(`--now ${text}: write an ISO 8601 date such as 2026-01-31`);
  return date;
}
