import { productFieldRolesSchema, productIndexMetaSchema } from '../../mappings/product-index.js';
import type { IndexStamp } from '../../sidecar/walk/index-stamp.js';

const roles = productFieldRolesSchema.parse({ id: 'id', text: ['title', 'brand'], brand: 'brand' });
const encoder = { id: 'e', dims: 2, normalised: true, preprocessing: 'p' };
/** Of an index with text and picture vectors that was made by the indexer. */
export const shopStamp: IndexStamp = {
  concrete: ['shop-v1'],
  meta: productIndexMetaSchema.parse({
    version: 1,
    roles,
    vector_fields: ['title'],
    language: 'english',
    engine: 'lucene',
    encoders: { text: encoder, image: encoder },
    cosine_stats: {
      'query_text:item_text': null,
      'query_image:item_image': null,
      'query_head:item_image': null,
      'item_text:item_text': null,
      'item_image:item_image': null,
    },
    head: null,
  }),
  roles,
  hasRankKey: true,
};
