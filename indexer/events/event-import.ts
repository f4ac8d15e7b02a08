import type { Readable } from 'node:stream';
import type { Config } from '../../config/schema.js';
import { EVENT, eventsIndexBody } from '../../mappings/behaviour-index.js';
import { identifyRecord, keyOfEvent } from '../../mappings/ubi-event.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { BulkWriter, sendBulkTo } from '../bulk-writer.js';
import { refreshIndex } from '../index-lifecycle.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';
import { readEventLines, type RejectedLine } from './event-lines.js';

/** More lines were rejected than allowed. */
export class TooManyRejects extends Error {
  override readonly name = 'TooManyRejects';
  readonly exitCode = 7;
}

/** Not one line is an event. */
export class NoEvents extends Error {
  override readonly name = 'NoEvents';
  readonly exitCode = 6;
}

/** Rejects that are borne: so many, or such a share of the lines (0–1). */
export type ErrorBudget = { count: number } | { share: number };

export interface ImportOptions {
  inputs: readonly string[];
  config: Config;
  budget?: ErrorBudget | undefined;
  stdin?: Readable | undefined;
  signal?: AbortSignal | undefined;
  onReject?: (reject: RejectedLine) => Promise<unknown> | undefined;
  onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  lines: number;
  rejected: number;
  seconds: number;
}

export interface ImportReport {
  index: string;
  /** Whether this run made the index. */
  created: boolean;
  lines: number;
  written: number;
  /** Events that the index, or an earlier line, held already. */
  existing: number;
  rejected: number;
  /** The first of them. */
  rejects: RejectedLine[];
  /** Stored, and of no use to a history: they name no product, or no shopper. */
  without_product: number;
  without_shopper: number;
  seconds: number;
}

export const SHOWN_REJECTS = 20;
/** A share says little before so many lines. */
const SHARE_FROM_LINES = 1_000;

/**
 * Stores events under ids made from their content: the same event twice, here or through a sidecar, is stored once.
 * @throws NoEvents, TooManyRejects (what was read before is stored), CatalogueUnreadable, BulkRefused
 */
export async function importEvents(options: ImportOptions): Promise<ImportReport> {
  const { config, inputs, signal } = options;
  const index = config.behaviour.events;
  const started = performance.now();
  const client = connectEngine(config.opensearch);
  const report = { lines: 0, rejected: 0, rejects: [] as RejectedLine[], without_product: 0, without_shopper: 0 };
  const reject = async (line: RejectedLine): Promise<void> => {
    report.rejected += 1;
    if (report.rejects.length < SHOWN_REJECTS) report.rejects.push(line);
    await options.onReject?.(line);
  };
  try {
    let writer: { created: boolean; bulk: BulkWriter<Omit<RejectedLine, 'reason'>> } | null = null;
    for await (const entry of readEventLines(inputs, options.stdin)) {
      signal?.throwIfAborted();
      report.lines += 1;
      if (entry.kind === 'reject') {
        const { input, line, raw, reason } = entry;
        await reject({ input, line, raw, reason });
        checkBudget(options.budget, report, SHARE_FROM_LINES);
      } else {
        const { event, input, line, raw } = entry;
        writer ??= await openWriter(client, index, config.index.bulk);
        await writer.bulk.add({ id: identifyRecord(event), source: JSON.stringify(event), origin: { input, line, raw } });
        if (event.event_attributes?.object === undefined) report.without_product += 1;
        if (keyOfEvent(event) === null) report.without_shopper += 1;
      }
      options.onProgress?.({ lines: report.lines, rejected: report.rejected, seconds: (performance.now() - started) / 1000 });
    }
    if (writer === null) throw new NoEvents(explainNone(inputs, report.rejects));
    const { indexed, existing, rejected } = await writer.bulk.finish();
    for (const { origin, reason } of rejected) await reject({ ...origin, reason });
    await refreshIndex(client, index);
    checkBudget(options.budget, report, 0);
    return { index, created: writer.created, ...report, written: indexed, existing, seconds: (performance.now() - started) / 1000 };
  } finally {
    await client.close();
  }
}

async function openWriter(
  client: EngineClient,
  index: string,
  bulk: Config['index']['bulk'],
): Promise<{ created: boolean; bulk: BulkWriter<Omit<RejectedLine, 'reason'>> }> {
  const found = await askEngine(client, { method: 'HEAD', path: indexPath(index), expect: [404] });
  // Another process may make it in the same moment; the loser of that race is told 400 and goes on with the winner's.
  const made =
    found.status === 404
      ? await askEngine(client, { method: 'PUT', path: indexPath(index), body: eventsIndexBody(), expect: [400] })
      : null;
  return { created: made?.status === 200, bulk: new BulkWriter(sendBulkTo(client, index), { ...bulk, action: 'create' }) };
}

function checkBudget(budget: ErrorBudget | undefined, { lines, rejected }: { lines: number; rejected: number }, fromLines: number): void {
  if (budget === undefined) return;
  const over = 'count' in budget ? rejected > budget.count : lines >= fromLines && rejected > budget.share * lines;
  if (!over) return;
  const allowed = 'count' in budget ? String(budget.count) : `${budget.share * 100} %`;
  throw new TooManyRejects(`${rejected} of ${lines} lines were rejected, more than --max-errors ${allowed}; mend them, or allow more`);
}

function explainNone(inputs: readonly string[], rejects: readonly RejectedLine[]): string {
  const [first] = rejects;
  const why = first === undefined ? 'there are no lines' : `${first.input}:${first.line}: ${first.reason}`;
  return `not one event in ${inputs.join(', ')}; nothing was written. ${why}. An event is a JSON object a line: {"${EVENT.actionName}", "${EVENT.timestamp}", "${EVENT.userId}", "event_attributes": {"object": {"object_id"}}}`;
}
