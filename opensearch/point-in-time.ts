import { z } from 'zod';
import type { EngineClient } from './connection.js';
import { askEngine, indexPath } from './engine-request.js';

/** A document as a page of a stream gives it. */
export interface StreamedHit {
  id: string;
  sort: unknown[];
  /** Doc values by field; empty where none were asked for. */
  fields: Record<string, unknown[] | undefined>;
  source: Record<string, unknown>;
}

export interface StreamOptions {
  query: Record<string, unknown>;
  /** From the coarsest; a tie-break is added. */
  sort: readonly object[];
  docvalues?: readonly (string | { field: string; format: string })[];
  /** Members of `_source` to read; none by default. */
  source?: readonly string[] | true;
  page?: number;
  signal?: AbortSignal | undefined;
}

const KEEP_ALIVE = '5m';
const PAGE = 5_000;

const record = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
// Not z.record: it would copy each member of millions of documents.
const members = z.custom<Record<string, unknown>>(record).default({});
const values = z.custom<Record<string, unknown[]>>(record).default({});
const pageSchema = z.object({
  pit_id: z.string().optional(),
  hits: z.object({
    hits: z.array(z.object({ _id: z.string(), sort: z.array(z.unknown()).default([]), fields: values, _source: members })),
  }),
});

/** One moment of an index: what is written or deleted later is not seen. Close it. */
export class PointInTime {
  private constructor(
    private readonly client: EngineClient,
    private id: string,
    private readonly tieBreak: string,
  ) {}

  /** Null when there is no such index. */
  static async open(client: EngineClient, index: string): Promise<PointInTime | null> {
    const path = indexPath(index, '_search', 'point_in_time');
    const answer = await askEngine(client, { method: 'POST', path, query: { keep_alive: KEEP_ALIVE }, expect: [404] });
    if (answer.status === 404) return null;
    const { pit_id: id } = z.object({ pit_id: z.string() }).parse(answer.body);
    return new PointInTime(client, id, await chooseTieBreak(client));
  }

  /** Every matching document once, in order, page by page. */
  async *stream(options: StreamOptions): AsyncGenerator<StreamedHit[]> {
    const size = options.page ?? PAGE;
    for (let after: unknown[] | undefined; ;) {
      options.signal?.throwIfAborted();
      const answer = await askEngine(this.client, {
        method: 'POST',
        path: '/_search',
        body: {
          size,
          pit: { id: this.id, keep_alive: KEEP_ALIVE },
          query: options.query,
          sort: [...options.sort, this.tieBreak],
          _source: options.source === undefined ? false : options.source === true ? true : [...options.source],
          ...(options.docvalues === undefined ? {} : { docvalue_fields: [...options.docvalues] }),
          track_total_hits: false,
          ...(after === undefined ? {} : { search_after: after }),
        },
      });
      const { pit_id, hits } = pageSchema.parse(answer.body);
      this.id = pit_id ?? this.id;
      const page = hits.hits.map(({ _id, sort, fields, _source }) => ({ id: _id, sort, fields, source: _source }));
      if (page.length > 0) yield page;
      after = page.at(-1)?.sort;
      if (page.length < size || after === undefined) return;
    }
  }

  async close(): Promise<void> {
    const body = { pit_id: [this.id] };
    await askEngine(this.client, { method: 'DELETE', path: '/_search/point_in_time', body, expect: [404] });
  }
}

/** `_shard_doc` costs nothing and came with OpenSearch 3.3; before, ids break ties. */
async function chooseTieBreak(client: EngineClient): Promise<string> {
  const { body } = await askEngine(client, { method: 'GET', path: '/' });
  const { version } = z.object({ version: z.object({ number: z.string() }) }).parse(body);
  const [major = 0, minor = 0] = version.number.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 3) ? '_shard_doc' : '_id';
}

/** The same for one stream. @throws nothing for an index that is not there: it has no documents */
export async function* streamIndex(client: EngineClient, index: string, options: StreamOptions): AsyncGenerator<StreamedHit[]> {
  const moment = await PointInTime.open(client, index);
  if (moment === null) return;
  try {
    yield* moment.stream(options);
  } finally {
    await moment.close();
  }
}
