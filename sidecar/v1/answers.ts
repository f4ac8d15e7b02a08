import { z } from 'zod';

const explanation = z.record(z.string(), z.unknown()).describe('The arithmetic of the item, as docs/reference/search.md has it');

/** What every ranked answer says of how it came about. */
const outcome = {
  took: z.int().describe('Milliseconds'),
  applied: z.boolean().describe('Whether the model ordered the items'),
  reason: z.string().optional().describe('Why it did not; the items are in the order of the first phase then'),
  model: z.string().optional(),
};

export const rankAnswer = z.object({
  ...outcome,
  items: z.array(
    z.object({
      id: z.string(),
      score: z.number().nullable().describe('What the items are ordered by; null where nothing is known to score'),
      rank: z.int().describe('Place in the answer, from 0'),
      known: z.enum(['index', 'fields', 'no']).describe('Where the product is known from; no = nowhere, and it comes last'),
      explain: explanation.optional(),
    }),
  ),
});
export type RankItemsAnswer = z.output<typeof rankAnswer>;

export const pageAnswer = z.object({
  ...outcome,
  sources: z.array(z.enum(['text', 'image', 'behaviour', 'history', 'popular', 'any'])).describe('Where the candidates come from'),
  items: z.array(
    z.object({
      id: z.string(),
      index: z.string(),
      rank: z.int().describe('Place in the whole list, from 0'),
      score: z.number().nullable().describe('Of the first phase, dealt out in the order of the list'),
      fields: z.record(z.string(), z.unknown()),
      explain: explanation.optional(),
    }),
  ),
});
export type PageAnswer = z.output<typeof pageAnswer>;
export type PageSource = PageAnswer['sources'][number];

const vectors = z
  .array(z.array(z.number()).nullable())
  .describe('Unit vectors in the order asked; null = a text without a word that the encoder knows');
const encoder = z.object({ id: z.string(), dims: z.int() });

export const embedAnswer = z.object({
  took: z.int().describe('Milliseconds'),
  texts: vectors,
  images: vectors,
  encoders: z.object({ text: encoder, image: encoder }),
});
export type EmbedAnswer = z.output<typeof embedAnswer>;

export const errorAnswer = z.object({
  error: z.object({
    root_cause: z.array(z.object({ type: z.string(), reason: z.string() })),
    type: z.string(),
    reason: z.string(),
  }),
  status: z.int(),
});
