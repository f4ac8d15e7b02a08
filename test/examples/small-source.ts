import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { convert, type Adapter, type AdapterOptions } from '../../docs/examples/kit/adapter.js';
import { readJudgments, readQuerySet } from '../../tuning/convert/conversion.js';
import { ESCI_GAINS } from '../../tuning/formats/judgments/judgment-table.js';
import { idOfJudged } from '../../tuning/formats/judgments/judgments.js';
import type { EvaluatedQuery } from '../../tuning/formats/queries/queries.js';

/** The moment from which the tests count. */
export const NOW = new Date('2026-03-10T12:00:00.000Z');

/** A folder that goes with the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fuserank-examples-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files by name; those that end in .gz are packed, objects are written as JSON lines. */
export async function writeSource(files: Readonly<Record<string, string | Buffer | readonly object[]>>): Promise<string> {
  const folder = await makeFolder();
  for (const [name, content] of Object.entries(files)) {
    const bytes = bytesOf(content);
    await writeFile(join(folder, name), name.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
  return folder;
}

function bytesOf(content: string | Buffer | readonly object[]): Buffer {
  if (typeof content === 'string') return Buffer.from(content);
  return Buffer.isBuffer(content) ? content : Buffer.from(content.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** What a conversion left behind, read by the readers that the commands use. */
export interface ConvertedFolder {
  readonly folder: string;
  readonly files: readonly string[];
  readonly remarks: readonly string[];
  readonly products: readonly Record<string, unknown>[];
  readonly events: readonly Record<string, unknown>[];
  readonly queries: readonly EvaluatedQuery[];
  /** `query document grade`. */
  readonly judgments: readonly string[];
}

export async function convertSource(
  adapter: Adapter,
  source: string,
  options: Partial<Omit<AdapterOptions, 'source' | 'output'>> = {},
): Promise<ConvertedFolder> {
  const folder = join(await makeFolder(), 'out');
  const { adapted } = await convert(adapter, { source, output: folder, now: NOW, ...options });
  const request = async (name: string): Promise<Parameters<typeof readQuerySet>[0]> => {
    const text = existsSync(join(folder, name)) ? await readFile(join(folder, name), 'utf8') : '';
    return { input: name, text, from: 'auto', gains: ESCI_GAINS, version: 'test', now: NOW };
  };
  const files = (await readdir(folder)).sort();
  const queries = files.includes('queries.ndjson') ? await readQuerySet(await request('queries.ndjson')) : null;
  const judgments = files.includes('judgments.csv') ? await readJudgments(await request('judgments.csv')) : null;
  return {
    folder,
    files,
    remarks: adapted.remarks,
    products: await readLines(join(folder, 'products.ndjson')),
    events: await readLines(join(folder, 'events.ndjson')),
    queries: queries?.queries ?? [],
    judgments: (judgments?.judgments.queries ?? []).flatMap((judged) =>
      [...judged.grades].map(([document, grade]) => `${idOfJudged(judged)} ${document} ${grade}`),
    ),
  };
}

/** The message of a conversion that must fail, after which nothing may lie in its folder. */
export async function refusalOf(adapter: Adapter, source: string, options: Partial<AdapterOptions> = {}): Promise<string> {
  const folder = join(await makeFolder(), 'out');
  await mkdir(folder);
  try {
    await convert(adapter, { source, output: folder, now: NOW, ...options });
  } catch (error) {
    const left = await readdir(folder);
    if (left.length > 0) throw new Error(`half-written: ${left.join(', ')}`, { cause: error });
    if (error instanceof Error && 'exitCode' in error && error.exitCode === 6) return error.message.replaceAll(`${source}/`, '');
    throw error;
  }
  throw new Error('the source was taken');
}

async function readLines(file: string): Promise<Record<string, unknown>[]> {
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
}
