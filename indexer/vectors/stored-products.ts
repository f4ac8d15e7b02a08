import { z } from 'zod';
import { PRODUCT } from '../../mappings/product-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { splitContentHash, type ContentHash } from './content-hash.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';

const hashesAnswer = z.object({
  hits: z.object({
    hits: z.array(z.object({ _id: z.string(), fields: z.record(z.string(), z.array(z.unknown())).optional() })),
  }),
});

/** Content hashes of those ids that the index holds, from doc values: no `_source` is read. */
export async function readContentHashes(client: EngineClient, index: string, ids: readonly string[]): Promise<Map<string, ContentHash>> {
  if (ids.length === 0) return new Map();
  const answer = await askEngine(client, {
    method: 'POST',
    path: indexPath(index, '_search'),
    query: { request_cache: 'false' },
    body: {
      query: { bool: { filter: [{ terms: { [PRODUCT.rankKey]: ids } }] } },
      size: ids.length,
      _source: false,
      track_total_hits: false,
      docvalue_fields: [PRODUCT.contentHash],
    },
  });
  const hashes = new Map<string, ContentHash>();
  for (const hit of hashesAnswer.parse(answer.body).hits.hits) {
    const joined = hit.fields?.[PRODUCT.contentHash]?.[0];
    const hash = typeof joined === 'string' ? splitContentHash(joined) : null;
    if (hash) hashes.set(hit._id, hash);
  }
  return hashes;
}

export interface StoredVectors {
  text: Float32Array | null;
  image: Float32Array | null;
}

const vector = z
  .array(z.number())
  .optional()
  .transform((values) => (values ? Float32Array.from(values) : null));
const vectorsAnswer = z.object({
  docs: z.array(
    z.object({
      _id: z.string(),
      _source: z.object({ [PRODUCT.textVector]: vector, [PRODUCT.imageVector]: vector }).optional(),
    }),
  ),
});

/** Vectors of the ids as the index holds them. */
export async function readStoredVectors(client: EngineClient, index: string, ids: readonly string[]): Promise<Map<string, StoredVectors>> {
  if (ids.length === 0) return new Map();
  const answer = await askEngine(client, {
    method: 'POST',
    path: indexPath(index, '_mget'),
    query: { _source_includes: `${PRODUCT.textVector},${PRODUCT.imageVector}` },
    body: { ids },
  });
  const stored = new Map<string, StoredVectors>();
  for (const { _id, _source } of vectorsAnswer.parse(answer.body).docs) {
    if (_source) stored.set(_id, { text: _source[PRODUCT.textVector], image: _source[PRODUCT.imageVector] });
  }
  return stored;
}
