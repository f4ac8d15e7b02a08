import { z } from 'zod';

const momentSchema = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** An RFC 3339 date-time, or a date, which is its first moment in UTC; null for anything else. */
export function parseMoment(text: string): Date | null {
  const parsed = momentSchema.safeParse(text);
  return parsed.success ? new Date(parsed.data) : null;
}

/** What a flag that is no moment is answered. */
export const MOMENT_WANTED = 'must be a date such as 2026-01-31, or a date-time such as 2026-01-31T12:00:00Z';
