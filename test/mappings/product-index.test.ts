import { describe, expect, it } from 'vitest';
import {
  COSINE_PAIRS,
  OWN_SOURCE_FIELDS,
  PRODUCT,
  productIndexBody,
  productIndexMetaSchema,
  readProductIndexMeta,
  type ProductIndexMeta,
} from '../../mappings/product-index.js';
import { refuseUnsafeVectors, UnsafeVectors } from '../../mappings/vector-safety.js';

const stamp = (dims: number) => ({ id: `e${dims}@12345678`, dims, normalised: true as const, preprocessing: 'abc' });

function meta(changes: Partial<ProductIndexMeta> = {}): ProductIndexMeta {
  return productIndexMetaSchema.parse({
    version: 1,
    roles: {
      id: 'sku',
      text: ['title', 'brand'],
      price: 'price',
      brand: 'brand',
      group: 'parent',
      keywords: ['attributes.colour', 'size'],
    },
    vector_fields: ['title'],
    language: 'german',
    engine: 'lucene',
    encoders: { text: stamp(384), image: stamp(1525) },
    cosine_stats: { ...Object.fromEntries(COSINE_PAIRS.map((pair) => [pair, null])), 'item_text:item_text': [0.3, 0.1] },
    head: null,
    ...changes,
  });
}

describe('the product index', () => {
  it('maps what has a part, leaves the rest alone, and names the engine of every vector', () => {
    expect(productIndexBody({ meta: meta() }).mappings).toMatchObject({
      dynamic: false,
      properties: {
        title: { type: 'text', analyzer: 'german' },
        brand: { type: 'text', fields: { keyword: { type: 'keyword' } } },
        parent: { type: 'keyword' },
        attributes: { properties: { colour: { type: 'keyword' } } },
        price: { type: 'double' },
        rank_key: { type: 'keyword' },
        group_key: { type: 'keyword' },
        text_vector: { type: 'knn_vector', dimension: 384, method: { engine: 'lucene', space_type: 'cosinesimil' } },
        image_vector: { type: 'knn_vector', dimension: 1525 },
      },
    });
  });

  it('has no vector field without an encoder and no group field without a group', () => {
    const { roles } = meta();
    const { mappings } = productIndexBody({ meta: meta({ roles: { ...roles, group: null }, encoders: { text: null, image: null } }) });
    const names = Object.keys(mappings['properties'] as object);
    for (const absent of [PRODUCT.textVector, PRODUCT.imageVector, PRODUCT.groupKey]) expect(names).not.toContain(absent);
  });

  it('never excludes from _source, since a partial update would then delete the vectors', () => {
    expect(JSON.stringify(productIndexBody({ meta: meta() }))).not.toContain('excludes');
  });

  it('refuses a field that is a value and an object at once', () => {
    const roles = { ...meta().roles, keywords: ['size', 'size.eu'] };
    expect(() => productIndexBody({ meta: meta({ roles }) })).toThrow(/"size" cannot be a value and an object/);
  });

  it('knows its own members of _source', () => {
    expect([...OWN_SOURCE_FIELDS].sort()).toEqual(['content_hash', 'group_key', 'image_vector', 'rank_key', 'text_vector']);
  });
});

describe('the stamp', () => {
  it('is read back from the mapping that it was written into', () => {
    const body: unknown = JSON.parse(JSON.stringify(productIndexBody({ meta: meta() }).mappings));
    expect(readProductIndexMeta(body)).toEqual(meta());
  });

  it.each([{}, { _meta: {} }, { _meta: { other: 1 } }, null, 'text'])('is null for an index of somebody else: %j', (mappings) => {
    expect(readProductIndexMeta(mappings)).toBeNull();
  });

  it('is an error when it does not hold together', () => {
    const broken = { ...meta(), cosine_stats: { 'item_text:item_text': [0.3, -1] } };
    expect(() => readProductIndexMeta({ _meta: { fuserank: broken } })).toThrow(/_meta.fuserank is broken/);
    expect(() => readProductIndexMeta({ _meta: { fuserank: 'x' } })).toThrow(/--restart/);
  });
});

describe('vectors on the local node', () => {
  it.each([
    ['a faiss index', productIndexBody({ meta: meta({ engine: 'faiss' }) })],
    ['no method', { mappings: { properties: { v: { type: 'knn_vector', dimension: 4 } } } }],
    ['a method without an engine', { mappings: { properties: { v: { type: 'knn_vector', method: { name: 'hnsw' } } } } }],
    ['an inner field', { mappings: { properties: { a: { properties: { v: { type: 'knn_vector' } } } } } }],
    ['a component template', { template: { mappings: { properties: { v: { type: 'knn_vector' } } } } }],
  ])('are refused: %s', (_, body) => {
    expect(() => refuseUnsafeVectors(body, { localNode: true })).toThrow(UnsafeVectors);
    expect(() => refuseUnsafeVectors(body, { localNode: false })).not.toThrow();
  });

  it('are named with the fix', () => {
    const body = { mappings: { properties: { a: { properties: { v: { type: 'knn_vector', dimension: 4 } } } } } };
    expect(() => refuseUnsafeVectors(body, { localNode: true })).toThrow(
      /"a\.v" has no method, which means faiss; .*Set index\.engine to lucene/,
    );
  });

  it('of the lucene engine are fine', () => {
    expect(() => refuseUnsafeVectors(productIndexBody({ meta: meta() }), { localNode: true })).not.toThrow();
  });
});
