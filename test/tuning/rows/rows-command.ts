import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { vi } from 'vitest';
import { z } from 'zod';
import { registerRowsCommand } from '../../../tuning/rows/command.js';
import { rowsHeaderSchema, type RowsHeader } from '../../../tuning/rows/training-row.js';
import type { House } from '../../house.js';

const reportSchema = z.object({
  lists: z.number(),
  rows: z.number(),
  positives: z.number(),
  dropped: z.record(z.string(), z.number()),
  file: z.string(),
});
export type ExportReport = z.output<typeof reportSchema>;

const rowSchema = z
  .object({
    list_id: z.string(),
    query_id: z.string().nullable(),
    item_id: z.string(),
    label: z.number(),
    position: z.number().nullable(),
    variant: z.string().nullable(),
  })
  .catchall(z.number());
export type ReadRow = z.output<typeof rowSchema>;

/** Runs `fuserank rows …` as a person would, against the house; gives what it printed on stdout and on stderr. */
export async function runRows(house: House, ...words: string[]): Promise<{ stdout: string; stderr: string }> {
  const program = new Command().exitOverride();
  registerRowsCommand(program);
  const printed = { stdout: '', stderr: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed.stdout += String(text)) !== '');
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (printed.stderr += String(text)) !== '');
  vi.stubEnv('FUSERANK_BEHAVIOUR_EVENTS', house.config.behaviour.events);
  vi.stubEnv('FUSERANK_BEHAVIOUR_QUERIES', house.config.behaviour.queries);
  vi.stubEnv('FUSERANK_BEHAVIOUR_STATISTICS', house.config.behaviour.statistics);
  try {
    await program.parseAsync(['rows', ...words, '--opensearch', house.node.url], { from: 'user' });
  } finally {
    vi.unstubAllEnvs();
    out.mockRestore();
    err.mockRestore();
  }
  return printed;
}

/** `fuserank rows export` with --json; gives the report. */
export async function exportRows(house: House, ...words: string[]): Promise<ExportReport> {
  return reportSchema.parse(JSON.parse((await runRows(house, 'export', '--json', ...words)).stdout));
}

/** Header and rows of an NDJSON file. */
export async function readRows(path: string): Promise<{ header: RowsHeader; rows: ReadRow[] }> {
  const bytes = await readFile(path);
  const [first = '', ...lines] = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trim().split('\n');
  return { header: rowsHeaderSchema.parse(JSON.parse(first)), rows: lines.map((line) => rowSchema.parse(JSON.parse(line))) };
}

/** Values of a row in the header's order of columns. */
export function columnsOf(row: ReadRow, header: RowsHeader): number[] {
  return header.columns.map((name) => row[name] ?? Number.NaN);
}

/** The float32 bits of values, to compare them by. */
export function bitsOf(values: readonly number[]): string {
  return Buffer.from(Float32Array.from(values).buffer).toString('hex');
}
