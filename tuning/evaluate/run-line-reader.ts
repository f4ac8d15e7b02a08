import { z } from 'zod';
import { parseJsonOrUndefined } from '../formats/json-document.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import type { RunHit, RunLine } from '../run/run-line.js';
import type { DoorAnswer } from './search-door.js';

/** Fields of a product that a run keeps beside its id. */
export interface KeptFields {
  readonly title: string | null;
  readonly image: string | null;
  /** What exposure is counted by. */
  readonly group: string | null;
}

const answerSchema = z.looseObject({
  timed_out: z.boolean().default(false),
  hits: z.looseObject({
    hits: z.array(z.looseObject({ _id: z.string(), _score: z.number().nullish(), _source: z.record(z.string(), z.unknown()).default({}) })),
  }),
  ext: z
    .looseObject({
      fuserank: z
        .looseObject({
          history_length: z.int().nonnegative().nullish(),
          legs: z.record(z.string(), z.array(z.string())).optional(),
        })
        .optional(),
    })
    .optional(),
});
const errorSchema = z.looseObject({ error: z.union([z.string(), z.looseObject({ reason: z.string() })]) });

/** Reasons for which the engine's order is the right answer also of a ranked search. */
const NOTHING_TO_RANK = /^skipped; reason=(no_hits|blend_zero)$/;

/** A line of the run from one answer. An answer that was not ranked says so in `reason`; any but a whole list is a failed query. */
export function readRunLine(
  query: EvaluatedQuery,
  answer: DoorAnswer,
  { grades, kept, legs }: { grades: ReadonlyMap<string, number>; kept: KeptFields; legs: boolean },
): RunLine {
  const json = parseJsonOrUndefined(answer.body.toString('utf8'));
  if (answer.status !== 200) return failedLine(query, { grades, reason: describeError(answer.status, json), latencyMs: answer.latencyMs });
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success || parsed.data.timed_out) {
    const reason = parsed.success ? 'the engine ran out of time: a part of the hits' : 'the answer is no list of hits';
    return failedLine(query, { grades, reason, latencyMs: answer.latencyMs });
  }
  const hits = parsed.data.hits.hits.map((hit): RunHit => ({
    id: hit._id,
    score: hit._score ?? null,
    grade: grades.get(hit._id) ?? null,
    ...member('title', hit._source, kept.title),
    ...member('image', hit._source, kept.image),
    ...member('group', hit._source, kept.group),
  }));
  const unranked = answer.label.startsWith('skipped') && !NOTHING_TO_RANK.test(answer.label);
  const told = parsed.data.ext?.fuserank;
  // The engine as it is has one retriever, and its list is the answer.
  const found = told?.legs ?? (answer.label.startsWith('applied') || unranked ? undefined : { first_phase: hits.map(({ id }) => id) });
  const known = asked(query, grades);
  return {
    ...known,
    history_length: told?.history_length ?? known.history_length,
    state: hits.length === 0 ? 'zero-results' : 'ok',
    ...(unranked ? { reason: answer.label } : {}),
    hits,
    ...(legs && found !== undefined ? { legs: found, judgments: Object.fromEntries(grades) } : {}),
    latency_ms: Math.round(answer.latencyMs * 100) / 100,
  };
}

/** A line for a query without an answer. */
export function failedLine(
  query: EvaluatedQuery,
  { grades, reason, latencyMs }: { grades: ReadonlyMap<string, number>; reason: string; latencyMs: number | null },
): RunLine {
  return { ...asked(query, grades), state: 'failed', reason, hits: [], latency_ms: latencyMs };
}

function asked(query: EvaluatedQuery, grades: ReadonlyMap<string, number>): Omit<RunLine, 'state' | 'hits' | 'latency_ms'> {
  return {
    query_id: query.query_id,
    query: query.query,
    ...(query.image === undefined ? {} : { image: query.image }),
    ...(query.user_id === undefined ? {} : { user_id: query.user_id }),
    tags: [...query.tags],
    history_length: query.history?.length ?? (query.user_id === undefined && query.session_id === undefined ? 0 : null),
    judged: [...grades.values()].sort((a, b) => b - a),
  };
}

function member<Name extends string>(name: Name, source: Record<string, unknown>, field: string | null): Partial<Record<Name, string>> {
  const value = field === null ? undefined : source[field];
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
  const member: Partial<Record<Name, string>> = {};
  if (text !== undefined) member[name] = text;
  return member;
}

function describeError(status: number, json: unknown): string {
  const parsed = errorSchema.safeParse(json);
  if (!parsed.success) return `status ${status}`;
  return `status ${status}: ${typeof parsed.data.error === 'string' ? parsed.data.error : parsed.data.error.reason}`;
}
