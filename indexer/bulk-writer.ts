import { setTimeout as sleepFor } from 'node:timers/promises';
import { z } from 'zod';
import type { Config } from '../config/schema.js';
import type { EngineClient } from '../opensearch/connection.js';
import { describeRefusal, indexPath, nameFailure, type EngineAnswer } from '../opensearch/engine-request.js';

/** A document to be stored whole under its id. `origin` comes back with a rejection. */
export interface BulkDocument<Origin> {
  id: string;
  /** One JSON object, without line breaks outside its strings. */
  source: string;
  origin: Origin;
}

export interface WriteReport<Origin> {
  indexed: number;
  /** With the action `create`: documents whose id was there already, which were left as they were. */
  existing: number;
  /** Sendings of a document beyond its first. */
  retried: number;
  rejected: { id: string; reason: string; origin: Origin }[];
}

/** Sends one bulk body; a connection that breaks throws. */
export type SendBulk = (body: string) => Promise<EngineAnswer>;

/** The engine refuses bulk requests as such (authorisation, missing index): nothing more can be written. */
export class BulkRefused extends Error {
  override readonly name = 'BulkRefused';
}

export interface BulkOptions extends Readonly<Omit<Config['index']['bulk'], 'concurrency'>> {
  concurrency: number;
  /** `index` (default) stores over what is there, `create` leaves it. */
  action?: 'index' | 'create';
  /** Uniform in [0, 1); for the jitter. */
  random?: () => number;
  sleep?: (milliseconds: number) => Promise<unknown>;
}

const BASE_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** Statuses that mean "later", never "no". */
const BUSY = new Set([429, 503]);

const itemSchema = z.object({
  status: z.number(),
  error: z
    .object({
      type: z.string().optional(),
      reason: z.string().nullish(),
      caused_by: z.object({ reason: z.string().nullish() }).nullish(),
    })
    .optional(),
});
const bulkAnswerSchema = z.object({
  items: z.array(
    z
      .union([z.object({ index: itemSchema }), z.object({ create: itemSchema })])
      .transform((item) => ('index' in item ? item.index : item.create)),
  ),
});

/** Sends to `<index>/_bulk` with the client's own retries off: which part of a bulk is sent again is decided here. */
export function sendBulkTo(client: EngineClient, index: string): SendBulk {
  return async (body) => {
    const path = indexPath(index, '_bulk');
    try {
      const answer = await client.transport.request(
        { method: 'POST', path, bulkBody: body },
        { maxRetries: 0, ignore: [400, 401, 403, 404, 413, 429, 500, 502, 503, 504] },
      );
      return { status: answer.statusCode ?? 0, headers: answer.headers ?? {}, body: answer.body };
    } catch (error) {
      throw nameFailure(client, error, `POST ${path}`);
    }
  };
}

/**
 * Groups documents by count and bytes, keeps up to `concurrency` requests open, reads the status of every item. Only
 * what the engine was too busy for (429, 503) or what a broken connection left open is sent again, after a full-jitter
 * wait (uniform in 0 … min(30 s, 250 ms · 2^n); never less than Retry-After). A 413 halves the group and the byte limit.
 */
export class BulkWriter<Origin> {
  private group: BulkDocument<Origin>[] = [];
  private groupBytes = 0;
  private byteLimit: number;
  private readonly open = new Set<Promise<void>>();
  private failure: Error | null = null;
  private readonly report: WriteReport<Origin> = { indexed: 0, existing: 0, retried: 0, rejected: [] };

  constructor(
    private readonly send: SendBulk,
    private readonly options: BulkOptions,
  ) {
    this.byteLimit = options.bytes;
  }

  /** Resolves when there is room for more. @throws BulkRefused, or the connection's error when retries are used up */
  async add(document: BulkDocument<Origin>): Promise<void> {
    const bytes = this.sizeOf(document);
    if (this.group.length > 0 && (this.groupBytes + bytes > this.byteLimit || this.group.length >= this.options.docs))
      await this.dispatch();
    this.group.push(document);
    this.groupBytes += bytes;
  }

  /** Sends what is left and waits for all answers. */
  async finish(): Promise<WriteReport<Origin>> {
    if (this.group.length > 0) await this.dispatch();
    await Promise.all(this.open);
    this.throwFailure();
    return this.report;
  }

  private async dispatch(): Promise<void> {
    const group = this.group;
    this.group = [];
    this.groupBytes = 0;
    while (this.open.size >= this.options.concurrency) await Promise.race(this.open);
    this.throwFailure();
    const request = this.write(group, 0)
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.open.delete(request));
    this.open.add(request);
  }

  private throwFailure(): void {
    if (this.failure !== null) throw this.failure;
  }

  private async write(group: readonly BulkDocument<Origin>[], attempt: number): Promise<void> {
    let answer: EngineAnswer;
    try {
      answer = await this.send(group.map((document) => `${this.actionLine(document.id)}\n${document.source}\n`).join(''));
    } catch (error) {
      if (attempt >= this.options.retries) throw error;
      // Whole documents under fixed ids: sending what may have arrived already changes nothing.
      return this.writeLater(group, attempt, null);
    }
    if (answer.status === 413) return this.writeSmaller(group);
    if (BUSY.has(answer.status) || answer.status === 502 || answer.status === 504) {
      if (attempt >= this.options.retries)
        throw new BulkRefused(`the engine answered HTTP ${answer.status} ${attempt + 1} times; try again when it is less busy`);
      return this.writeLater(group, attempt, answer);
    }
    if (answer.status !== 200) throw new BulkRefused(`the engine refused to write: HTTP ${answer.status} ${describeRefusal(answer.body)}`);
    const busy = this.readItems(group, answer.body, attempt);
    if (busy.length > 0) await this.writeLater(busy, attempt, answer);
  }

  /** Counts each item; returns those to be sent again. */
  private readItems(group: readonly BulkDocument<Origin>[], body: unknown, attempt: number): BulkDocument<Origin>[] {
    const parsed = bulkAnswerSchema.safeParse(body);
    if (!parsed.success || parsed.data.items.length !== group.length) {
      throw new BulkRefused('the answer to a bulk request does not fit it; is there a proxy in between?');
    }
    const busy: BulkDocument<Origin>[] = [];
    parsed.data.items.forEach(({ status, error }, position) => {
      const document = group[position];
      if (document === undefined) return;
      if (status < 300) this.report.indexed += 1;
      else if (status === 409 && this.options.action === 'create') this.report.existing += 1;
      else if (BUSY.has(status) && attempt < this.options.retries) busy.push(document);
      else {
        const cause = error?.caused_by?.reason;
        this.reject(
          document,
          `engine: ${error?.type ?? `HTTP ${status}`}: ${error?.reason ?? 'no reason given'}${cause ? ` (${cause})` : ''}`,
        );
      }
    });
    return busy;
  }

  private async writeLater(group: readonly BulkDocument<Origin>[], attempt: number, answer: EngineAnswer | null): Promise<void> {
    const ceiling = Math.min(LONGEST_WAIT_MS, BASE_WAIT_MS * 2 ** attempt);
    const jittered = (this.options.random ?? Math.random)() * ceiling;
    await (this.options.sleep ?? sleepFor)(Math.max(jittered, readRetryAfter(answer?.headers['retry-after'], Date.now())));
    this.report.retried += group.length;
    await this.write(group, attempt + 1);
  }

  private async writeSmaller(group: readonly BulkDocument<Origin>[]): Promise<void> {
    const [only] = group;
    if (only !== undefined && group.length === 1)
      return this.reject(only, 'engine: HTTP 413: the document is larger than http.max_content_length');
    const bytes = group.reduce((sum, document) => sum + this.sizeOf(document), 0);
    this.byteLimit = Math.max(1, Math.min(this.byteLimit, Math.floor(bytes / 2)));
    const middle = Math.ceil(group.length / 2);
    this.report.retried += group.length;
    await this.write(group.slice(0, middle), 0);
    await this.write(group.slice(middle), 0);
  }

  private actionLine(id: string): string {
    return JSON.stringify({ [this.options.action ?? 'index']: { _id: id } });
  }

  private sizeOf(document: BulkDocument<Origin>): number {
    return Buffer.byteLength(this.actionLine(document.id)) + Buffer.byteLength(document.source) + 2;
  }

  private reject(document: BulkDocument<Origin>, reason: string): void {
    this.report.rejected.push({ id: document.id, reason, origin: document.origin });
  }
}

/** `Retry-After` in seconds or as an HTTP date → milliseconds from now, at most 30 s; 0 when absent or unreadable. */
export function readRetryAfter(value: unknown, now: number): number {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(0, wait), LONGEST_WAIT_MS) : 0;
}
