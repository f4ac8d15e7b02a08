import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { isJsonObject, type JsonObject } from '../json/value.js';
import { BadSearchOption } from './search-options.js';

/** A search that carries `ext.ubi` (UBI 1.3), as far as it is ours to take down or to answer. */
export interface UbiCall {
  /** `ext.ubi` does not go to the engine: we answer in its plugin's stead. */
  readonly held: boolean;
  /** The search is to be taken down with the order that was shown. */
  readonly recorded: boolean;
  /** Given, else made here, as the plugin does. */
  readonly queryId: string;
  readonly userQuery: string | null;
  readonly application: string | null;
  readonly clientId: string | null;
  /** Field of `_source` that names a hit; null: its `_id`. */
  readonly objectIdField: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What is stored is text; the plugin refuses a search for a number here, which says no less as text. */
const attribute = z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]);
const short = z.string().max(100).nullish();

const blockSchema = z.object({
  query_id: short,
  user_query: z.string().max(10_000).nullish(),
  client_id: z.union([z.string().max(100), z.int().transform(String)]).nullish(),
  application: short,
  object_id_field: short,
  query_attributes: z.record(z.string(), attribute).nullish(),
});

/**
 * Null where the search has no `ext.ubi`, or where that is the plugin's business alone (`behaviour.ubiQueries:
 * passthrough`). Without consent it is nobody's: held back, answered, and not taken down.
 * Throws `BadSearchOption` for a block that is not UBI's.
 */
export function readUbiCall(
  body: JsonObject,
  { consent, mode }: { consent: 'full' | 'none'; mode: Config['behaviour']['ubiQueries'] },
): UbiCall | null {
  if (!isJsonObject(body.ext) || body.ext.ubi === undefined) return null;
  if (mode === 'passthrough' && consent === 'full') return null;
  const parsed = blockSchema.safeParse(body.ext.ubi);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BadSearchOption(`${['ext.ubi', ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message ?? 'not understood'}`);
  }
  const block = parsed.data;
  return {
    held: mode === 'own' || consent === 'none',
    recorded: consent === 'full',
    queryId: block.query_id ?? randomUUID(),
    userQuery: block.user_query ?? null,
    application: block.application ?? null,
    clientId: block.client_id ?? null,
    objectIdField: block.object_id_field ?? null,
    attributes: block.query_attributes ?? {},
  };
}
