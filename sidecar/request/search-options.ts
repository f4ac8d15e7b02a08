import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { asList, isJsonObject, nonEmptyString, type JsonObject } from '../json/value.js';
import { headerOf, type SearchCall } from './search-call.js';

/** A member of ours that can't be understood: answered 400 in the engine's shape, with the fix. */
export class BadSearchOption extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadSearchOption';
  }
}

/** What a search says of its shopper and of how it wants to be ranked: `ext.fuserank`, header twins, read aliases. */
export interface SearchOptions {
  readonly profile: string | null;
  readonly user: string | null;
  readonly client: string | null;
  readonly session: string | null;
  /** The id by which events name this search. */
  readonly queryId: string | null;
  readonly consent: 'full' | 'none';
  /** Events sent along instead of recalled; null = recall them. */
  readonly history: readonly InlineEvent[] | null;
  readonly queryText: string | null;
  /** Bytes of a picture to search by. */
  readonly queryImage: Buffer | null;
  readonly window: number | null;
  readonly blend: number | null;
  readonly budgetMs: number | null;
  readonly explain: boolean;
  /** Answer with the block `ext.fuserank`. */
  readonly ext: boolean;
  /** Name the ids that each retriever found in it, which asks for the block, too. */
  readonly legs: boolean;
  readonly dryRun: boolean;
  /** Equal for searches that must share a stored order. */
  readonly identity: string;
}

export interface InlineEvent {
  readonly objectId: string;
  readonly action: string;
  readonly ageSeconds: number;
}

/** Base64 of a 5 MB picture; a body of more than 8 MB is not read. */
export const MAX_PICTURE_TEXT = 7_000_000;

/** Null, empty or absurdly long: nobody. A stack that has no id must not lose its search over it. */
export const shopperId = z
  .union([z.string(), z.number().int().transform(String), z.null()])
  .transform((value) => (value === null || value === '' || value.length > 256 ? undefined : value));
/** An id that must be one. */
export const objectId = z.union([z.string().min(1).max(256), z.number().int().transform(String)]);

/** Events sent along, oldest first. */
export const inlineHistory = z
  .array(
    z.strictObject({
      object_id: objectId,
      action_name: z.string().min(1).max(100).default('click'),
      age_s: z.number().min(0).default(0),
    }),
  )
  .max(200);

export const searchBlockSchema = z.strictObject({
  user_id: shopperId.optional(),
  client_id: shopperId.optional(),
  session_id: shopperId.optional(),
  history: inlineHistory.optional(),
  query_id: shopperId.optional(),
  query_text: z.string().max(2000).optional(),
  query_image: z.strictObject({ format: z.literal('base64'), value: z.base64().max(MAX_PICTURE_TEXT) }).optional(),
  consent: z.enum(['full', 'none']).optional(),
  profile: z.string().optional(),
  window: z.number().int().min(1).max(1000).optional(),
  blend: z.number().min(0).max(1).optional(),
  budget_ms: z.number().min(0).max(60_000).optional(),
  explain: z.boolean().optional(),
  ext: z.boolean().optional(),
  legs: z.boolean().optional(),
  dry_run: z.boolean().optional(),
});

const headerSchema = z.object({
  user: shopperId.optional(),
  session: shopperId.optional(),
  profile: z.string().optional(),
  consent: z.enum(['full', 'none']).optional(),
  budgetMs: z.coerce.number().min(0).max(60_000).optional(),
  explain: z.enum(['true', 'false', '1', '0', '']).optional(),
});

/** Reads the block, the header twins (the block wins) and the aliases that stacks already send. */
export function parseSearchOptions(body: JsonObject, call: SearchCall, config: Config): SearchOptions {
  const ext = isJsonObject(body.ext) ? body.ext : {};
  const block = parse(searchBlockSchema, ext.fuserank ?? body.fuserank ?? {}, 'ext.fuserank');
  const header = parse(
    headerSchema,
    {
      user: headerOf(call, 'x-fuserank-user') ?? undefined,
      session: headerOf(call, 'x-fuserank-session') ?? undefined,
      profile: headerOf(call, 'x-fuserank-profile') ?? undefined,
      consent: headerOf(call, 'x-fuserank-consent') ?? undefined,
      budgetMs: headerOf(call, 'x-fuserank-budget-ms') ?? undefined,
      explain: headerOf(call, 'x-fuserank-explain') ?? undefined,
    },
    'X-Fuserank headers',
  );
  const aliases = readAliases(ext, body);
  const consent = block.consent ?? header.consent ?? config.behaviour.consentDefault;
  const withConsent = consent === 'full';
  const user = withConsent ? (block.user_id ?? header.user ?? aliases.user) : null;
  const client = withConsent ? (block.client_id ?? aliases.client) : null;
  const session = withConsent ? (block.session_id ?? header.session ?? null) : null;
  const history =
    withConsent && block.history
      ? block.history.map((event) => ({ objectId: event.object_id, action: event.action_name, ageSeconds: event.age_s }))
      : null;
  const queryText = block.query_text ?? aliases.queryText;
  return {
    profile: block.profile ?? header.profile ?? null,
    user,
    client,
    session,
    queryId: block.query_id ?? aliases.queryId,
    consent,
    history,
    queryText,
    queryImage: block.query_image ? Buffer.from(block.query_image.value, 'base64') : null,
    window: block.window ?? null,
    blend: block.blend ?? null,
    budgetMs: block.budget_ms ?? header.budgetMs ?? null,
    explain: block.explain ?? (header.explain !== undefined && header.explain !== 'false' && header.explain !== '0'),
    ext: block.ext ?? false,
    legs: block.legs ?? false,
    dryRun: block.dry_run ?? false,
    identity: JSON.stringify([user, client, session, block.history ?? null, queryText, block.query_image?.value ?? null]),
  };
}

/** `ext.personalize_request_parameters`, `ext.rerank`, `ext.ltr_rerank_context`, `ext.ubi`, `sltr` params: read, never removed. */
function readAliases(
  ext: JsonObject,
  body: JsonObject,
): { user: string | null; client: string | null; queryId: string | null; queryText: string | null } {
  const personalize = isJsonObject(ext.personalize_request_parameters) ? ext.personalize_request_parameters : {};
  const rerankBlock = isJsonObject(ext.rerank) && isJsonObject(ext.rerank.query_context) ? ext.rerank.query_context : {};
  const ltr = isJsonObject(ext.ltr_rerank_context) ? ext.ltr_rerank_context : {};
  const ubi = isJsonObject(ext.ubi) ? ext.ubi : {};
  const sltr =
    asList(body.rescore)
      .map(sltrParams)
      .find((params) => params !== null) ?? {};
  return {
    user: nonEmptyString(personalize.user_id) ?? nonEmptyString(ltr.user_id) ?? nonEmptyString(sltr.user_id),
    client: nonEmptyString(ubi.client_id),
    queryId: nonEmptyString(ubi.query_id),
    queryText:
      nonEmptyString(rerankBlock.query_text) ??
      nonEmptyString(ltr.query_text) ??
      nonEmptyString(ubi.user_query) ??
      nonEmptyString(sltr.keywords),
  };
}

function sltrParams(rescore: unknown): JsonObject | null {
  const parsed = z
    .object({ query: z.object({ rescore_query: z.object({ sltr: z.object({ params: z.record(z.string(), z.json()) }) }) }) })
    .safeParse(rescore);
  return parsed.success ? parsed.data.query.rescore_query.sltr.params : null;
}

function parse<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue ? [where, ...issue.path.map(String)].join('.') : where;
  throw new BadSearchOption(`${path}: ${issue?.message ?? 'not understood'}`);
}
