import { closeSync, fsyncSync, openSync } from 'node:fs';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { RowSink } from './row-file.js';
import type { RowsHeader, TrainingRow } from './training-row.js';

/** Rows held in memory, and written together. */
const GROUP_ROWS = 32_768;

type Leaf = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

const MEMBERS: readonly Leaf[] = [
  { name: 'list_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'query_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'item_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'label', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'position', type: 'INT32', repetition_type: 'OPTIONAL' },
  { name: 'variant', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];

/** Parquet with the columns as floats, snappy, in row groups; the header as JSON under the key `fuserank_rows`. */
export function openParquetRows(path: string, header: RowsHeader): Promise<RowSink> {
  const columns = header.columns.map((name): Leaf => ({ name, type: 'FLOAT', repetition_type: 'REQUIRED' }));
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: [{ name: 'rows', num_children: MEMBERS.length + columns.length }, ...MEMBERS, ...columns],
    kvMetadata: [{ key: 'fuserank_rows', value: JSON.stringify(header) }],
    createdBy: `fuserank version ${header.versions.fuserank}`,
  });
  let rows: TrainingRow[] = [];
  const flush = async (): Promise<void> => {
    const group = rows;
    rows = [];
    if (group.length === 0) return;
    await writer.write({
      columnData: [
        { name: 'list_id', data: group.map((row) => row.list_id) },
        { name: 'query_id', data: group.map((row) => row.query_id) },
        { name: 'item_id', data: group.map((row) => row.item_id) },
        { name: 'label', data: Float64Array.from(group, (row) => row.label) },
        { name: 'position', data: group.map((row) => row.position) },
        { name: 'variant', data: group.map((row) => row.variant) },
        ...header.columns.map((name, place) => ({ name, data: Float32Array.from(group, (row) => row.columns[place] ?? 0) })),
      ],
      rowGroupSize: GROUP_ROWS,
    });
  };
  return Promise.resolve({
    write: async (row) => {
      if (rows.push(row) >= GROUP_ROWS) await flush();
    },
    finish: async () => {
      await flush();
      await writer.finish();
      syncFile(path);
    },
    abandon: () => Promise.resolve(),
  });
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
