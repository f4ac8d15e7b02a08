import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import type { z } from 'zod';
import { ubiEventSchema, type UbiEvent } from '../../mappings/ubi-event.js';
import { openCatalogueBytes, splitLines } from '../catalogue/catalogue-bytes.js';

/** A line that is no event. */
export interface RejectedLine {
  input: string;
  /** 1-based. */
  line: number;
  /** The line as it came, cut after RAW_LIMIT characters. */
  raw: string;
  reason: string;
}

export type EventLine = { kind: 'event'; input: string; line: number; raw: string; event: UbiEvent } | ({ kind: 'reject' } & RejectedLine);

const RAW_LIMIT = 2_000;

/**
 * UBI 1.3 events, one JSON object a line, gzip unpacked; empty lines are passed over.
 * @param inputs files, or `-` for stdin
 * @throws CatalogueUnreadable when an input as a whole can't be read
 */
export async function* readEventLines(inputs: readonly string[], stdin?: Readable): AsyncGenerator<EventLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const input of inputs) {
    let line = 0;
    for await (const bytes of splitLines(openCatalogueBytes(input, stdin))) {
      line += 1;
      if (bytes === null) yield { kind: 'reject', input, line, raw: '', reason: 'the line is longer than 16 MB' };
      else if (bytes.length > 0) yield readLine(bytes, decoder, { input, line });
    }
  }
}

function readLine(bytes: Buffer, decoder: TextDecoder, place: { input: string; line: number }): EventLine {
  const reject = (raw: string, reason: string): EventLine => ({ kind: 'reject', ...place, raw: raw.slice(0, RAW_LIMIT), reason });
  let raw: string;
  try {
    raw = decoder.decode(bytes);
  } catch {
    return reject(bytes.toString('latin1'), 'not UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (error) {
    return reject(raw, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = ubiEventSchema.safeParse(value);
  if (parsed.success) return { kind: 'event', ...place, raw: raw.slice(0, RAW_LIMIT), event: parsed.data };
  return reject(raw, describeIssues(parsed.error));
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.length === 0 ? 'the line' : path.map(String).join('.')}: ${message}`).join('; ');
}
