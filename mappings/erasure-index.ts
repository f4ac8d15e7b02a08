import { z } from 'zod';
import type { IndexBody } from './product-index.js';

/** Fields of the index by which the instances of the sidecar tell each other what was erased. */
export const ERASURE = { kind: 'kind', user: 'user', at: 'at', key: 'key' } as const;

/** Id of the document that holds the key of the hashes, and of the one that says when expired events were last deleted. */
export const KEY_ID = 'key';
export const EXPIRY_ID = 'expiry';

/** Somebody was erased: by a keyed hash, never by the id. */
export const tombstoneSchema = z.object({ [ERASURE.user]: z.string().min(1), [ERASURE.at]: z.iso.datetime() });
export const keySchema = z.object({ [ERASURE.key]: z.string().min(16) });
export const expirySchema = z.object({ [ERASURE.at]: z.iso.datetime() });

export function erasureIndexBody(): IndexBody {
  return {
    settings: { index: { number_of_shards: 1, auto_expand_replicas: '0-2', refresh_interval: '1s' } },
    mappings: {
      dynamic: false,
      properties: {
        [ERASURE.kind]: { type: 'keyword' },
        [ERASURE.user]: { type: 'keyword' },
        [ERASURE.at]: { type: 'date' },
        [ERASURE.key]: { type: 'keyword', index: false, doc_values: false },
      },
    },
  };
}
