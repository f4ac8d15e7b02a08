import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireRowFile, writeRowFile } from '../../../tuning/rows/row-file.js';
import { rowsHeaderSchema, type RowsHeader, type TrainingRow } from '../../../tuning/rows/training-row.js';

const header: RowsHeader = {
  fuserank_rows: 1,
  feature_set: 'a'.repeat(64),
  columns: ['first', 'second "quoted"'],
  source: 'log',
  statistics: { name: 'stats', until: '2026-01-01T00:00:00.000Z' },
  created: '2026-02-01T00:00:00.000Z',
  versions: { fuserank: '0.1.0', opensearch: null },
};

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'fuserank-rows-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, rows: Iterable<TrainingRow>): Promise<string> {
  const path = join(folder, name);
  await writeRowFile(path, header, async (sink) => {
    for (const row of rows) await sink.write(row);
  });
  return path;
}

/** Header and rows of a file, as members by name. */
async function read(path: string): Promise<{ header: RowsHeader; rows: Record<string, unknown>[] }> {
  if (path.endsWith('.parquet')) {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const written = metadata.key_value_metadata?.find(({ key }) => key === 'fuserank_rows')?.value ?? '';
    return { header: rowsHeaderSchema.parse(JSON.parse(written)), rows: await parquetReadObjects({ file }) };
  }
  const bytes = await readFile(path);
  const [first = '', ...lines] = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n').slice(0, -1);
  return {
    header: rowsHeaderSchema.parse(JSON.parse(first)),
    rows: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const float = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-0, 1.401298464324817e-45));
const row: fc.Arbitrary<TrainingRow> = fc.record({
  list_id: fc.string(),
  query_id: fc.option(fc.string()),
  item_id: fc.string({ unit: 'grapheme' }),
  label: fc.constantFrom(0, 0.01, 0.1, 1, 3),
  position: fc.option(fc.integer({ min: 0, max: 999 })),
  variant: fc.option(fc.constantFrom('shop@0.75', 'shop@1')),
  columns: fc.tuple(float, float).map((pair) => [...pair]),
});

describe.each(['rows.parquet', 'rows.ndjson', 'rows.ndjson.gz'])('%s', (name) => {
  it('gives back every row, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
        const found = await read(await write(name, rows));
        expect(found.header).toEqual(header);
        expect(found.rows).toHaveLength(rows.length);
        rows.forEach(({ columns, ...members }, place) => {
          const { first, [header.columns[1] ?? '']: second, ...others } = found.rows[place] ?? {};
          expect(others).toEqual(members);
          expect([first, second].map((value, at) => Object.is(value, columns[at]))).toEqual([true, true]);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the old file, and nothing beside it, where writing breaks off', async () => {
    await writeFile(join(folder, name), 'old');
    const one: TrainingRow = { list_id: 'l', query_id: null, item_id: 'i', label: 0, position: null, variant: null, columns: [0, 0] };
    const broken = writeRowFile(join(folder, name), header, async (sink) => {
      await sink.write(one);
      throw new Error('the engine went away');
    });
    await expect(broken).rejects.toThrow('the engine went away');
    expect(await readdir(folder)).toEqual([name]);
    expect(await readFile(join(folder, name), 'utf8')).toBe('old');
  });
});

describe('rows in Parquet', () => {
  it('are written group by group', async () => {
    const rows = Array.from({ length: 70_000 }, (_, place) => place);
    const path = await write(
      'many.parquet',
      rows.map((place) => ({
        list_id: `l${place >> 8}`,
        query_id: null,
        item_id: `i${place}`,
        label: 0,
        position: place,
        variant: null,
        columns: [place, -place],
      })),
    );
    const file = await asyncBufferFromFile(path);
    const { row_groups } = await parquetMetadataAsync(file);
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([32_768, 32_768, 4_464]);
    const read = await parquetReadObjects({ file, columns: ['item_id', 'position', 'first'] });
    expect(read[69_999]).toEqual({ item_id: 'i69999', position: 69_999, first: 69_999 });
  });
});

describe('a place that rows cannot be written to', () => {
  it('is refused before anything is asked, with the remedy', async () => {
    await expect(requireRowFile(join(folder, 'rows.csv'))).rejects.toThrow('.parquet, .ndjson or .ndjson.gz');
    await expect(requireRowFile(join(folder, 'none', 'rows.parquet'))).rejects.toThrow(
      `there is no folder ${join(folder, 'none')}; make it first`,
    );
    await expect(requireRowFile('/dev/null.parquet/x.parquet')).rejects.toMatchObject({ exitCode: 2 });
  });
});
