import { createHash } from 'node:crypto';
import { z } from 'zod';

/** A member that is null says no more than one that is not there; pages send them alike. */
function absentWhenNull<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => value ?? undefined, schema.optional());
}

/**
 * Ids may come as numbers from shops that count their users; they are kept as text, as a keyword field stores them. Empty, as
 * UBI lets it be for somebody not signed in, is nobody.
 */
const id = z
  .union([z.string().max(100), z.int().transform(String)])
  .optional()
  .transform((value) => (value === '' ? undefined : value));
const named = z.preprocess((value) => value ?? undefined, id).optional();
const short = absentWhenNull(z.string().max(100));

const NO_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?$/;

/** RFC 3339, a date, or milliseconds since 1970; kept as RFC 3339 in UTC with milliseconds, the one form every UBI mapping reads. */
const timestamp = z
  .union([z.iso.datetime({ offset: true }), z.iso.date(), z.int().min(0).max(8.64e15)], {
    error: ({ input }) =>
      typeof input === 'string' && NO_ZONE.test(input)
        ? 'has no zone; end it with Z, or with an offset such as +02:00'
        : 'must be an RFC 3339 date-time such as 2026-01-31T12:00:00.000Z',
  })
  .transform((value) => new Date(value).toISOString());

/** Attributes may have no position, which UBI asks for: what is known without one is worth more than a refusal. */
const attributes = z.looseObject({
  position: absentWhenNull(z.looseObject({ ordinal: z.int().optional(), xy: z.looseObject({ x: z.number(), y: z.number() }).optional() })),
  object: absentWhenNull(
    z.looseObject({
      object_id: z.union([z.string().max(256), z.int()], {
        error: 'must be a string of at most 256 characters or an integer up to 2^53; write longer numbers as strings',
      }),
      object_id_type: short,
      object_id_field: short,
      internal_id: absentWhenNull(z.union([z.string().max(256), z.int()])),
    }),
  ),
});

/**
 * A UBI event (schema 1.3.0) as it arrives: its limits, read more widely where that loses nothing: integer ids, null for what
 * is absent, a timestamp in milliseconds, attributes without a position. Members we do not know are kept.
 */
export const ubiEventSchema = z.looseObject({
  action_name: z.string().min(1).max(100),
  timestamp,
  application: short,
  query_id: short,
  user_id: named,
  client_id: named,
  session_id: named,
  message_type: short,
  message: absentWhenNull(z.string().max(1024)),
  user_query: absentWhenNull(z.string()),
  event_attributes: absentWhenNull(attributes),
});
export type UbiEvent = z.output<typeof ubiEventSchema>;

/** How far a shopper's clock may run ahead of ours. A later event would outweigh all newer ones until its time has come. */
export const MOST_SKEW_MS = 600_000;

/** An event that is sent when it happens. */
export const arrivingEventSchema = ubiEventSchema.refine(({ timestamp: at }) => Date.parse(at) <= Date.now() + MOST_SKEW_MS, {
  path: ['timestamp'],
  error: 'lies more than 10 minutes ahead of the sidecar’s clock; send the time at which it happened',
});

/** Three bytes a character, it stays below the longest term that Lucene takes (32,766 bytes). */
const LONGEST_QUERY = 10_000;

/** A UBI query (schema 1.3.0) as it arrives, read as widely as an event. */
export const ubiQuerySchema = z.looseObject({
  user_query: z.string().max(LONGEST_QUERY),
  application: short,
  query_id: short,
  user_id: named,
  client_id: named,
  session_id: named,
  timestamp: absentWhenNull(timestamp),
  query_attributes: absentWhenNull(z.record(z.string(), z.unknown())),
  object_id_field: short,
  query_response_id: absentWhenNull(z.string().max(256)),
  query_response_hit_ids: absentWhenNull(z.array(z.union([z.string().max(256), z.int().transform(String)])).max(10_000)),
});
export type UbiQuery = z.output<typeof ubiQuerySchema>;

/** The ids by which a request or an event names its user; null or absent where it does not. */
export interface UserKeys {
  user?: string | null;
  client?: string | null;
  session?: string | null;
}

/** One user, by the strongest id there is. */
export interface UserKey {
  kind: 'user' | 'client' | 'session';
  id: string;
}

/**
 * user_id, else client_id, else session_id; null for nobody. Events carry the key they were made under: what a user did
 * while signed in is not read again by the client id of a device that others share.
 */
export function chooseUserKey({ user, client, session }: UserKeys): UserKey | null {
  if (user) return { kind: 'user', id: user };
  if (client) return { kind: 'client', id: client };
  if (session) return { kind: 'session', id: session };
  return null;
}

export function keyOfEvent(event: Pick<UbiEvent, 'user_id' | 'client_id' | 'session_id'>): UserKey | null {
  return chooseUserKey({ user: event.user_id ?? null, client: event.client_id ?? null, session: event.session_id ?? null });
}

/** The same record gives the same id, so that one sent twice, or read from index and memory, counts once. */
export function identifyRecord(record: UbiEvent | UbiQuery): string {
  return createHash('sha256').update(canonicalJson(record)).digest('base64url').slice(0, 27);
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
