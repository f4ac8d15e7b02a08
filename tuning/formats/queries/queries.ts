import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ImportReport, Origin } from '../import-report.js';

const text = z.string().min(1);
const id = z.union([text, z.int().transform(String)], { error: 'must be a text that is not empty, or a whole number' });

/** What a shopper did before, as `ext.fuserank.history` takes it, oldest first. */
const historySchema = z.array(
  z.object({
    object_id: id,
    action_name: z.string().min(1).max(100).default('click'),
    /** Seconds before the search. */
    age_s: z.number().nonnegative().default(0),
  }),
);

/** A query of a query set, as it may stand in a file. */
const writtenQuerySchema = z
  .object({
    query_id: id.optional(),
    query: z.string().nullish(),
    /** File or address of a picture. */
    image: text.optional(),
    user_id: id.optional(),
    session_id: id.optional(),
    history: historySchema.max(200).optional(),
    tags: z.array(text).optional(),
  })
  .refine(({ query, image }) => (query ?? '').trim() !== '' || image !== undefined, { error: 'neither query nor image' });

/** A query to evaluate. `query` is null only where `image` is there. */
export interface EvaluatedQuery {
  readonly query_id: string;
  readonly query: string | null;
  readonly image?: string;
  readonly user_id?: string;
  readonly session_id?: string;
  readonly history?: z.output<typeof historySchema>;
  readonly tags: readonly string[];
}

/**
 * The id of a query that was given none: `q` and 12 hexadecimal digits of the SHA-256 of what it asks, so that queries and judgments which
 * are converted apart still meet, whatever is added between them.
 */
export function deriveQueryId(asked: {
  readonly query: string | null;
  readonly image?: string | undefined;
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
}): string {
  const { query, image, user_id, session_id } = asked;
  const bare = image === undefined && user_id === undefined && session_id === undefined;
  const text = bare ? (query ?? '') : JSON.stringify([query, image, user_id, session_id]);
  return `q${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}

/** Gathers queries: checks each, gives it an id where it has none, and takes an id once. */
export class QueryCollection {
  readonly #queries: EvaluatedQuery[] = [];
  readonly #places = new Map<string, Origin>();
  readonly #report: ImportReport;

  constructor(report: ImportReport) {
    this.#report = report;
  }

  add(value: unknown, origin: Origin): void {
    const parsed = writtenQuerySchema.safeParse(value);
    if (!parsed.success) {
      const reasons = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
      return this.#report.reject(origin, reasons.join('; '));
    }
    const { query_id: given, query, image, user_id, session_id, history, tags } = parsed.data;
    const asked = {
      query: (query ?? '').trim() === '' ? null : (query ?? null),
      ...(image === undefined ? {} : { image }),
      ...(user_id === undefined ? {} : { user_id }),
      ...(session_id === undefined ? {} : { session_id }),
    };
    const query_id = given ?? deriveQueryId(asked);
    const first = this.#places.get(query_id);
    if (first) {
      const place = first.line === null ? (first.at ?? 'before') : `line ${first.line}`;
      return this.#report.reject(
        origin,
        given === undefined ? `the same query stands at ${place}` : `query_id "${query_id}" stands at ${place}`,
      );
    }
    this.#places.set(query_id, origin);
    this.#queries.push({ query_id, ...asked, ...(history === undefined ? {} : { history }), tags: tags ?? [] });
  }

  finish(): EvaluatedQuery[] {
    return this.#queries;
  }
}
