import { z } from 'zod';

/** One hit of an evaluated answer, best first in its line. */
export const runHitSchema = z.object({
  id: z.string(),
  /** The answer's own; null where it has none. */
  score: z.number().nullable(),
  /** From the judgments; null = not judged. Fractions are used as they are. */
  grade: z.number().nullable(),
  title: z.string().optional(),
  /** Address or path of its picture, for reports. */
  image: z.string().optional(),
  /** Value of the field that exposure is counted by. */
  group: z.string().optional(),
  /** Shares of the score by part, where the run was told to keep them. */
  parts: z.record(z.string(), z.number()).optional(),
});

/** One query of a run. With its grades beside it, every metric can be computed from this line alone. */
export const runLineSchema = z.object({
  query_id: z.string(),
  query: z.string().nullable(),
  image: z.string().optional(),
  user_id: z.string().optional(),
  tags: z.array(z.string()).default([]),
  /** Events known of the user when it was asked; null = not known. */
  history_length: z.int().nonnegative().nullable().default(null),
  state: z.enum(['ok', 'zero-results', 'failed']),
  /** Why it failed, or why it was not ranked. */
  reason: z.string().optional(),
  hits: z.array(runHitSchema),
  /** All grades that the judgments hold for this query, in falling order. */
  judged: z.array(z.number()),
  /** Ids by leg (`first_phase`, `text`, `image`), best first, where the run was told to keep them. */
  legs: z.record(z.string(), z.array(z.string())).optional(),
  /** Grade by document id of all that is judged for this query, where legs are kept: they hold documents that the list lacks. */
  judgments: z.record(z.string(), z.number()).optional(),
  latency_ms: z.number().nonnegative().nullable(),
});

/** First line of a run file: what was asked, of what, with what. Hashes are sha256 in hex. */
export const runHeaderSchema = z.object({
  fuserank_run: z.literal(1),
  name: z.string(),
  created: z.string(),
  /** Hits asked for per query. */
  depth: z.int().positive(),
  configuration: z.object({ kind: z.enum(['first-phase', 'fuserank', 'template', 'imported']), name: z.string(), sha256: z.string() }),
  index: z.object({ alias: z.string(), concrete: z.array(z.string()) }),
  /** `name-version@sha8`; null where no model took part. */
  model: z.string().nullable(),
  queries: z.object({ sha256: z.string(), count: z.int().nonnegative() }),
  judgments: z.object({ sha256: z.string(), count: z.int().nonnegative() }),
  versions: z.object({ fuserank: z.string(), opensearch: z.string() }),
  seed: z.int(),
  /** Ids of each leg that lines keep at most; absent where they keep none. */
  legs: z.int().positive().optional(),
  /** Field whose value hits keep as their group. */
  group_field: z.string().optional(),
});

export type RunHit = z.output<typeof runHitSchema>;
export type RunLine = z.output<typeof runLineSchema>;
export type RunHeader = z.output<typeof runHeaderSchema>;
