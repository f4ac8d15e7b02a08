import { open } from 'node:fs/promises';
import { createGzip } from 'node:zlib';
import { printColumn } from '../../models/feature-set.js';
import type { RowSink } from './row-file.js';
import { ROW_MEMBERS, type RowsHeader, type TrainingRow } from './training-row.js';

/** One write a row would be slow. */
const PIECE_LENGTH = 256 * 1024;

/** NDJSON: the header, then a row a line with every column by its name. */
export async function openNdjsonRows(path: string, header: RowsHeader, { gzip }: { gzip: boolean }): Promise<RowSink> {
  const file = await open(path, 'w');
  const packer = gzip ? createGzip() : null;
  const packed = packer && pour(packer, (chunk) => file.writeFile(chunk));
  packed?.catch(() => undefined); // awaited at the end
  const names = header.columns.map((name) => JSON.stringify(name));
  let piece = `${JSON.stringify(header)}\n`;
  const flush = async (): Promise<void> => {
    const text = piece;
    piece = '';
    if (!packer) await file.writeFile(text);
    else if (!packer.write(text)) await Promise.race([new Promise((resolve) => packer.once('drain', resolve)), packed]);
  };
  return {
    write: async (row) => {
      piece += writeRowLine(row, names);
      if (piece.length > PIECE_LENGTH) await flush();
    },
    finish: async () => {
      await flush();
      packer?.end();
      await packed;
      await file.sync();
      await file.close();
    },
    abandon: async () => {
      packer?.destroy();
      await file.close().catch(() => undefined);
    },
  };
}

function writeRowLine(row: TrainingRow, names: readonly string[]): string {
  const members = ROW_MEMBERS.map((name) => `"${name}":${JSON.stringify(row[name])}`);
  const values = names.map((name, place) => `${name}:${printColumn(row.columns[place] ?? 0)}`);
  return `{${[...members, ...values].join(',')}}\n`;
}

async function pour(from: AsyncIterable<unknown>, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  for await (const chunk of from) if (Buffer.isBuffer(chunk)) await write(chunk);
}
