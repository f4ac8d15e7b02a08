import { z } from 'zod';
import type { Json } from '../json/value.js';
import { INDEX_EXPRESSION } from '../request/index-expression.js';
import { inlineHistory, objectId, pictureFault, pictureText, shopperId } from '../request/search-options.js';

/** A value that came out of JSON. */
const json = z.custom<Json>(() => true);
const jsonObject = z.record(z.string(), json);

export const indexName = z.string().min(1).max(1000).regex(INDEX_EXPRESSION, 'must be an index, an alias or several with commas');

/** A JPEG, PNG, WebP or GIF: base64, or as `ext.fuserank.query_image` has it. */
const picture = z
  .union([pictureText.min(1), z.strictObject({ format: z.literal('base64'), value: pictureText.min(1) })], {
    error: ({ input }) => pictureFault(input),
  })
  .describe('A JPEG, PNG, WebP or GIF in base64, at most 5 MB');

const words = z.string().trim().min(1).max(2000);

/** Whom a list is for. `history` is events sent along instead of recalled, oldest first. */
const shopper = {
  user: shopperId.optional(),
  client: shopperId.optional(),
  session: shopperId.optional(),
  history: inlineHistory.optional(),
  consent: z.enum(['full', 'none']).optional().describe('none is nobody: nothing is recalled'),
};

/** How it is ranked; what is not said is the profile's. */
const ranking = {
  profile: z.string().optional(),
  blend: z.number().min(0).max(1).optional(),
  budget_ms: z.number().min(0).max(60_000).optional(),
  explain: z.boolean().default(false),
};

const filter = z
  .union([jsonObject, z.array(jsonObject).max(50)])
  .optional()
  .describe('Clauses of the query DSL that every product must pass');

const size = z.number().int().min(1).max(200).default(24);
const from = z.number().int().min(0).max(1000).default(0);
const page = {
  filter,
  in_stock_only: z.boolean().default(false).describe('Only what passes the profile’s inStock'),
  fields: z
    .array(z.string().min(1))
    .max(200)
    .optional()
    .describe('Fields of a product that the answer holds, patterns too; all if not said'),
  size,
  from,
};

export const rankRequest = z.strictObject({
  index: indexName.optional().describe('If not said: the index of the profile'),
  query: words.optional(),
  query_image: picture.optional(),
  ...shopper,
  ...ranking,
  items: z
    .array(
      z.strictObject({
        id: objectId,
        score: z.number().optional().describe('First-phase score, higher is better'),
        fields: jsonObject.optional().describe('The product, where the index does not hold it'),
      }),
    )
    .min(1)
    .max(1000)
    .superRefine((items, context) => {
      const places = new Map<string, number>();
      for (const [place, { id }] of items.entries()) {
        const first = places.get(id);
        if (first === undefined) places.set(id, place);
        else context.addIssue({ code: 'custom', path: [place, 'id'], message: `is the id of items.${first}, too; send each item once` });
      }
    }),
});
export type RankItemsRequest = z.output<typeof rankRequest>;

const MODALITIES = ['text', 'image', 'both', 'behaviour'] as const;
const modality = z.enum(MODALITIES).optional().describe('If not said: by text and image, as far as the product has them');

export const similarRequest = z.strictObject({ modality, ...shopper, ...ranking, ...page });
export type SimilarRequest = z.output<typeof similarRequest>;

const flag = z.enum(['true', 'false', '']).transform((said) => said !== 'false');
const decimal = z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be a number');
const count = z.string().regex(/^\d{1,9}$/, 'must be a whole number');

/** The same in a URL, still to be read as a {@link similarRequest}. */
export const similarParameters = z
  .strictObject({
    modality,
    user: shopper.user,
    client: shopper.client,
    session: shopper.session,
    consent: shopper.consent,
    profile: ranking.profile,
    blend: decimal.optional().describe('0 to 1'),
    budget_ms: decimal.optional(),
    explain: flag.optional(),
    in_stock_only: flag.optional(),
    fields: z.string().optional().describe('Names with commas'),
    size: count.optional(),
    from: count.optional(),
  })
  .transform(({ fields, size: asked, from: start, blend, budget_ms: budget, ...rest }) => ({
    ...rest,
    ...(blend === undefined ? {} : { blend: Number(blend) }),
    ...(budget === undefined ? {} : { budget_ms: Number(budget) }),
    ...(fields === undefined ? {} : { fields: fields.split(',').filter((field) => field !== '') }),
    ...(asked === undefined ? {} : { size: Number(asked) }),
    ...(start === undefined ? {} : { from: Number(start) }),
  }));

export const recommendRequest = z.strictObject({
  ...shopper,
  ...ranking,
  ...page,
  exclude: z
    .enum(['nothing', 'bought', 'seen'])
    .default('bought')
    .describe('Of the shopper’s history: what was purchased, or all that was touched'),
});
export type RecommendRequest = z.output<typeof recommendRequest>;

export const imageSearchRequest = z.strictObject({
  image: picture,
  query: words.optional().describe('Words that go with the photo'),
  ...shopper,
  ...ranking,
  ...page,
});
export type ImageSearchRequest = z.output<typeof imageSearchRequest>;

const EMBEDDED = { texts: 64, images: 8 } as const;

export const embedRequest = z
  .strictObject({
    texts: z.array(z.string().max(10_000)).max(EMBEDDED.texts).default([]),
    images: z.array(picture).max(EMBEDDED.images).default([]),
    as: z.enum(['document', 'query']).default('document').describe('With query, encoders.text.queryPrompt goes before each text'),
  })
  .refine(({ texts, images }) => texts.length + images.length > 0, 'give texts or images');
export type EmbedCall = z.output<typeof embedRequest>;

/** The bytes of a picture, whichever way it was written. */
export function pictureBytes(value: z.output<typeof picture>): Buffer {
  return Buffer.from(typeof value === 'string' ? value : value.value, 'base64');
}

/** Who asks and how the list is to be ranked, as `ext.fuserank` says it. */
export function searchBlock(
  request: Pick<RankItemsRequest, 'user' | 'client' | 'session' | 'history' | 'consent' | 'profile' | 'blend' | 'budget_ms' | 'explain'>,
): Record<string, Json> {
  const { user, client, session, history, explain, ...same } = request;
  const { consent, profile, blend, budget_ms } = same;
  const block = { user_id: user, client_id: client, session_id: session, history, consent, profile, blend, budget_ms };
  const said = Object.entries(block).flatMap(([name, value]): [string, Json][] => (value === undefined ? [] : [[name, value]]));
  return { ...Object.fromEntries(said), ...(explain ? { explain } : {}) };
}
