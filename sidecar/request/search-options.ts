import { z } from 'zod';
import { diversitySchema, exclusionSchema, pinSchema, type Diversity, type Exclusion, type Pin } from '../../config/list-rules.js';
import type { Config } from '../../config/schema.js';
import { asList, isJsonObject, nonEmptyString, type Json, type JsonObject } from '../json/value.js';
import { describeFault } from './member-fault.js';
import { headerOf, type SearchCall } from './search-call.js';
import { textAtPath } from './text-path.js';

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
  /** In place of the profile's; null = as the profile says. */
  readonly pins: readonly Pin[] | null;
  readonly exclude: readonly Exclusion[] | null;
  /** The same; undefined = as the profile says. */
  readonly diversity: Diversity | null | undefined;
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
const MAX_PICTURE_TEXT = 7_000_000;

/**
 * A JPEG, PNG, WebP or GIF in base64, not decoded yet. A page's `data:` address holds one, too: behind the comma.
 */
export const pictureText = z
  .base64({ error: ({ input }) => pictureFault(input) })
  .max(MAX_PICTURE_TEXT, 'is over 5 MB; send a smaller picture');

/** Why this is no picture in base64, as such or as a `value`. */
export function pictureFault(picture: unknown): string {
  const input = typeof picture === 'object' && picture !== null && 'value' in picture ? picture.value : picture;
  if (typeof input !== 'string') return 'must be a picture in base64';
  if (input.startsWith('data:')) return 'is a data: address; send what stands behind "base64,"';
  return input.length > MAX_PICTURE_TEXT ? 'is over 5 MB; send a smaller picture' : 'is not base64';
}

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
  query_image: z.strictObject({ format: z.literal('base64'), value: pictureText }).optional(),
  consent: z.enum(['full', 'none']).optional(),
  profile: z.string().optional(),
  window: z.number().int().min(1).max(1000).optional(),
  blend: z.number().min(0).max(1).optional(),
  budget_ms: z.number().min(0).max(60_000).optional(),
  pins: z.array(pinSchema).max(50).optional(),
  exclude: z.array(exclusionSchema).max(50).optional(),
  diversity: diversitySchema.optional(),
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

const HEADER_NAMES: Readonly<Record<string, string>> = {
  user: 'X-Fuserank-User',
  session: 'X-Fuserank-Session',
  profile: 'X-Fuserank-Profile',
  consent: 'X-Fuserank-Consent',
  budgetMs: 'X-Fuserank-Budget-Ms',
  explain: 'X-Fuserank-Explain',
};

/** Reads the block, the header twins (the block wins) and the aliases that stacks already send. */
export function parseSearchOptions(body: JsonObject, call: SearchCall, config: Config): SearchOptions {
  const ext = isJsonObject(body.ext) ? body.ext : {};
  const block = parse(searchBlockSchema, ext.fuserank ?? body.fuserank ?? {}, (path) => ['ext.fuserank', path].filter(Boolean).join('.'));
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
    (name) => HEADER_NAMES[name] ?? 'X-Fuserank headers',
  );
  const aliases = readAliases(ext, body);
  const consent = block.consent ?? header.consent ?? config.behaviour.consentDefault;
  const withConsent = consent === 'full';
  const user = withConsent ? (block.user_id ?? header.user ?? aliases.user) : null;
  const client = withConsent ? (block.client_id ?? aliases.client) : null;
  const session = withConsent ? (block.session_id ?? header.session ?? aliases.session) : null;
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
    pins: block.pins ?? null,
    exclude: block.exclude ?? null,
    diversity: block.diversity,
    explain: block.explain ?? (header.explain !== undefined && header.explain !== 'false' && header.explain !== '0'),
    ext: block.ext ?? false,
    legs: block.legs ?? false,
    dryRun: block.dry_run ?? false,
    identity: JSON.stringify([
      user,
      client,
      session,
      block.history ?? null,
      queryText,
      block.query_image?.value ?? null,
      { pins: block.pins, exclude: block.exclude, diversity: block.diversity }, // null is not the same as unsaid
    ]),
  };
}

/** The ids by which a search names its shopper. */
export function namesOfShopper({ user, client, session }: Pick<SearchOptions, 'user' | 'client' | 'session'>): string[] {
  return [user, client, session].filter((name) => name !== null);
}

interface ReadAliases {
  readonly user: string | null;
  readonly client: string | null;
  readonly session: string | null;
  readonly queryId: string | null;
  readonly queryText: string | null;
}

/** `ext.personalize_request_parameters`, `ext.rerank`, `ext.ltr_rerank_context`, `ext.ubi`, `sltr` params: read, never removed. */
function readAliases(ext: JsonObject, body: JsonObject): ReadAliases {
  const personalize = isJsonObject(ext.personalize_request_parameters) ? ext.personalize_request_parameters : {};
  const rerankBlock = isJsonObject(ext.rerank) && isJsonObject(ext.rerank.query_context) ? ext.rerank.query_context : {};
  const ltr = isJsonObject(ext.ltr_rerank_context) ? ext.ltr_rerank_context : {};
  const ubi = isJsonObject(ext.ubi) ? ext.ubi : {};
  const sltr =
    asList(body.rescore)
      .map(sltrParams)
      .find((params) => params !== null) ?? {};
  const path = nonEmptyString(rerankBlock.query_text_path);
  return {
    user: idOf(personalize.user_id) ?? idOf(ltr.user_id) ?? idOf(sltr.user_id),
    client: idOf(ubi.client_id) ?? idOf(ltr.client_id),
    session: idOf(ltr.session_id),
    queryId: idOf(ubi.query_id),
    queryText:
      nonEmptyString(rerankBlock.query_text) ??
      (path === null ? null : textAtPath(body, path)) ??
      nonEmptyString(ltr.query_text) ??
      nonEmptyString(ubi.user_query) ??
      nonEmptyString(sltr.keywords) ??
      nonEmptyString(sltr.query_text),
  };
}

/** An id in another system's block, by the rule of our own: absent or absurdly long is nobody. */
function idOf(value: Json | undefined): string | null {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : null;
  const text = nonEmptyString(value);
  return text === null || text.length > 256 ? null : text;
}

function sltrParams(rescore: unknown): JsonObject | null {
  const parsed = z
    .object({ query: z.object({ rescore_query: z.object({ sltr: z.object({ params: z.record(z.string(), z.json()) }) }) }) })
    .safeParse(rescore);
  return parsed.success ? parsed.data.query.rescore_query.sltr.params : null;
}

/** @param nameOf what the client calls a place, by its dotted path */
function parse<T extends z.ZodType>(schema: T, value: unknown, nameOf: (path: string) => string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadSearchOption(issue ? describeFault(issue, { value, schema }, nameOf) : 'not understood');
}
