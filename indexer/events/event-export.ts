import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Config } from '../../config/schema.js';
import { EVENT } from '../../mappings/behaviour-index.js';
import { connectEngine } from '../../opensearch/connection.js';
import { refreshIndex } from '../index-lifecycle.js';
import { streamIndex } from '../../opensearch/point-in-time.js';
import { findEventFields } from './event-fields.js';

export interface ExportOptions {
  config: Config;
  /** A file, gzip where its name ends in `.gz`, or `-` for stdout. */
  out: string;
  /** Only events that name this id as user, client or session. */
  user?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  stdout?: Writable | undefined;
  signal?: AbortSignal | undefined;
}

/** The output can't be written there. */
export class OutputRefused extends Error {
  override readonly name = 'OutputRefused';
  readonly exitCode = 2;
}

/**
 * Writes events as they are stored, a JSON object a line, the oldest first. A file appears when it is whole.
 * @returns how many
 * @throws EventsUnreadable, OutputRefused
 */
export async function exportEvents(options: ExportOptions): Promise<number> {
  const client = connectEngine(options.config.opensearch);
  const index = options.config.behaviour.events;
  try {
    const { shopper } = await findEventFields(client, index);
    await refreshIndex(client, index);
    const { user, since, until } = options;
    const named = user === undefined ? [] : [...shopper.values()].map((field) => ({ term: { [field]: { value: user } } }));
    const range = {
      ...(since === undefined ? {} : { gte: since.toISOString() }),
      ...(until === undefined ? {} : { lt: until.toISOString() }),
    };
    const filter = [
      ...(named.length === 0 ? [] : [{ bool: { should: named, minimum_should_match: 1 } }]),
      ...(Object.keys(range).length === 0 ? [] : [{ range: { [EVENT.timestamp]: range } }]),
    ];
    let count = 0;
    const lines = async function* (): AsyncGenerator<string> {
      const sort = [{ [EVENT.timestamp]: { order: 'asc', missing: '_last', unmapped_type: 'date' } }];
      for await (const page of streamIndex(client, index, {
        query: { bool: { filter } },
        sort,
        source: true,
        page: 2_000,
        signal: options.signal,
      })) {
        count += page.length;
        yield page.map(({ source }) => `${JSON.stringify(source)}\n`).join('');
      }
    };
    await writeLines(lines(), options);
    return count;
  } finally {
    await client.close();
  }
}

async function writeLines(lines: AsyncGenerator<string>, { out, stdout = process.stdout }: ExportOptions): Promise<void> {
  if (out === '-') return pipeline(Readable.from(lines), stdout, { end: false });
  const beside = `${out}.${randomUUID()}.part`;
  try {
    const file = createWriteStream(beside, { flags: 'wx' });
    if (out.endsWith('.gz')) await pipeline(Readable.from(lines), createGzip(), file);
    else await pipeline(Readable.from(lines), file);
    await rename(beside, out);
  } catch (cause) {
    await rm(beside, { force: true });
    if (!(cause instanceof Error) || !('syscall' in cause) || !('path' in cause)) throw cause;
    throw new OutputRefused(`cannot write ${out}: ${cause.message}`, { cause });
  }
}
