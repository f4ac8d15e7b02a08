import { z } from 'zod';
import type { IndexBody } from './product-index.js';

/** Where picture heads are kept: one document per product index, `_id` = the concrete index name. */
export const HEAD_INDEX = 'fuserank_heads';

/**
 * One head: a linear map from the text space to the picture space.
 * `matrix` is base64 of float32 little-endian, row-major, (`text_dims` + 1) × `image_dims`, the last row an offset; `sha256` is over those bytes.
 */
const headDocumentSchema = z.strictObject({
  index: z.string(),
  text_encoder: z.string(),
  image_encoder: z.string(),
  text_dims: z.number().int().min(1),
  image_dims: z.number().int().min(1),
  matrix: z.string(),
  sha256: z.string(),
  created: z.string(),
  /** How it was judged when it was fitted: held-out figures by name. */
  quality: z.record(z.string(), z.number()).default({}),
});
export type HeadDocument = z.output<typeof headDocumentSchema>;

/** Body that creates the head index. Matrices are only ever read whole, by id, so nothing but the names is indexed. */
export function headIndexBody(): IndexBody {
  const keyword = { type: 'keyword' };
  return {
    settings: { index: { number_of_shards: 1, auto_expand_replicas: '0-1' } },
    mappings: {
      dynamic: false,
      properties: { index: keyword, text_encoder: keyword, image_encoder: keyword, sha256: keyword, created: { type: 'date' } },
    },
  };
}

/** @throws Error naming the members at fault */
export function readHeadDocument(source: unknown): HeadDocument {
  const parsed = headDocumentSchema.safeParse(source);
  if (!parsed.success) throw new Error(`a document of ${HEAD_INDEX} is broken: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
