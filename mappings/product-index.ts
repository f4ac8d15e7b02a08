import { z } from 'zod';

/**
 * The fields that we add to each product. Everything else in a document is the shop's own, kept exactly as given.
 * `rank_key` is a keyword copy of `_id` (doc values, so that lean searches read ids without touching `_source`);
 * `group_key` exists only where a group field is mapped: the group's value, or the product's own id when it has none,
 * so that a collapse on it never folds all ungrouped products into one.
 */
export const PRODUCT = {
  rankKey: 'rank_key',
  textVector: 'text_vector',
  imageVector: 'image_vector',
  contentHash: 'content_hash',
  groupKey: 'group_key',
} as const;

/** Members of `_source` that are ours and are cut from a shopper's answer unless asked for by name. */
export const OWN_SOURCE_FIELDS: readonly string[] = Object.values(PRODUCT);

/** Name of our member in the mapping's `_meta`. */
const META_KEY = 'fuserank';

const fieldName = z.string().min(1);
const optionalField = fieldName.nullable().default(null);

/** Which of the shop's fields plays which part; dotted paths reach into objects. `image` may be a pattern such as `{images[0]}.jpg`. */
export const productFieldRolesSchema = z.strictObject({
  id: fieldName,
  text: z.array(fieldName),
  image: optionalField,
  price: optionalField,
  rating: optionalField,
  ratingCount: optionalField,
  brand: optionalField,
  category: optionalField,
  group: optionalField,
  keywords: z.array(fieldName).default([]),
});
export type ProductFieldRoles = z.output<typeof productFieldRolesSchema>;

/** Identity of the encoder that made a vector field; `preprocessing` is the sha256 of all that happens before the model. */
const encoderStampSchema = z.strictObject({
  id: z.string().min(1),
  dims: z.number().int().min(1).max(16_000),
  normalised: z.literal(true),
  preprocessing: z.string().min(1),
});
export type EncoderStamp = z.output<typeof encoderStampSchema>;

/** Kinds of vector pairs whose cosines are distributed each in their own way; left: query or first item, right: item. */
export const COSINE_PAIRS = [
  'query_text:item_text',
  'query_image:item_image',
  'query_head:item_image',
  'item_text:item_text',
  'item_image:item_image',
] as const;
export type CosinePair = (typeof COSINE_PAIRS)[number];

/** [mean, spread] of the cosines of random pairs; spread is the standard deviation, above 0. Null: this index has no such pairs. */
const cosineStatistic = z.tuple([z.number(), z.number().positive()]).nullable();

/** What `mappings._meta.fuserank` of a product index says. */
export const productIndexMetaSchema = z.strictObject({
  version: z.literal(1),
  roles: productFieldRolesSchema,
  /** Fields whose text went into `text_vector`, in order. */
  vector_fields: z.array(fieldName),
  /** Analyzer of the text fields and engine of the vector fields, as the mapping was made. */
  language: z.string().min(1),
  engine: z.enum(['lucene', 'faiss']),
  encoders: z.strictObject({ text: encoderStampSchema.nullable(), image: encoderStampSchema.nullable() }),
  cosine_stats: z.record(z.enum(COSINE_PAIRS), cosineStatistic),
  /** The head that takes typed words into the picture space; its matrix is in the head index under this index's name. */
  head: z.strictObject({ sha256: z.string(), created: z.string() }).nullable(),
});
export type ProductIndexMeta = z.output<typeof productIndexMetaSchema>;

export type VectorEngine = ProductIndexMeta['engine'];
type Mapping = Record<string, unknown>;
export interface IndexBody {
  settings: { index: Record<string, unknown> };
  mappings: Mapping;
}

/**
 * Body that creates a product index. Only fields with a role are indexed (`dynamic: false`): a catalogue with thousands
 * of sparse attributes neither explodes the mapping nor loses them, they stay in `_source`. There are no `_source`
 * excludes, because with them a partial update silently deletes the vectors.
 * `meta.language` names the analyzer of the text fields, e.g. `english`, `german`, `standard`.
 */
export function productIndexBody(options: { meta: ProductIndexMeta; shards?: number; replicas?: number }): IndexBody {
  const { meta } = options;
  const { engine, language } = meta;
  const properties: Mapping = {};
  addRoleFields(properties, meta.roles, language);
  properties[PRODUCT.rankKey] = { type: 'keyword' };
  properties[PRODUCT.contentHash] = { type: 'keyword', index: false };
  if (meta.roles.group !== null) properties[PRODUCT.groupKey] = { type: 'keyword' };
  if (meta.encoders.text) properties[PRODUCT.textVector] = vectorField(meta.encoders.text.dims, engine);
  if (meta.encoders.image) properties[PRODUCT.imageVector] = vectorField(meta.encoders.image.dims, engine);
  return {
    settings: {
      index: {
        knn: true,
        number_of_shards: options.shards ?? 1,
        ...(options.replicas === undefined ? { auto_expand_replicas: '0-1' } : { number_of_replicas: options.replicas }),
      },
    },
    mappings: { dynamic: false, _meta: productIndexMetaMember(meta), properties },
  };
}

/** The `_meta` member for a create or put-mapping body. */
export function productIndexMetaMember(meta: ProductIndexMeta): Record<string, unknown> {
  return { [META_KEY]: productIndexMetaSchema.parse(meta) };
}

/**
 * Reads our stamp from a mapping (`{_meta, properties}` as in GET _mapping).
 * @returns null when the index carries no stamp of ours
 * @throws Error when it carries one that does not hold together, naming the members at fault
 */
export function readProductIndexMeta(mappings: unknown): ProductIndexMeta | null {
  const holder = z.object({ _meta: z.object({ [META_KEY]: z.unknown() }) }).safeParse(mappings);
  const stamp = holder.success ? holder.data._meta[META_KEY] : undefined;
  if (stamp === undefined) return null;
  const parsed = productIndexMetaSchema.safeParse(stamp);
  if (!parsed.success) {
    throw new Error(`the index's _meta.${META_KEY} is broken (${z.prettifyError(parsed.error)}); index the catalogue again with --restart`);
  }
  return parsed.data;
}

/** A vector field without a method silently means faiss, so the engine is always named. Vectors are unit, hence cosine. */
function vectorField(dims: number, engine: VectorEngine): Mapping {
  const parameters = { m: 16, ef_construction: 100 };
  return { type: 'knn_vector', dimension: dims, method: { name: 'hnsw', engine, space_type: 'cosinesimil', parameters } };
}

function addRoleFields(properties: Mapping, roles: ProductFieldRoles, language: string): void {
  const facets = new Set([roles.brand, roles.category, roles.group, ...roles.keywords].filter((field) => field !== null));
  const keyword = { type: 'keyword', ignore_above: 1024 };
  for (const field of new Set(roles.text)) {
    const text = { type: 'text', analyzer: language };
    addProperty(properties, field, facets.has(field) ? { ...text, fields: { [KEYWORD_SUBFIELD]: keyword } } : text);
  }
  for (const field of facets) if (!roles.text.includes(field)) addProperty(properties, field, keyword);
  if (roles.price !== null) addProperty(properties, roles.price, { type: 'double', ignore_malformed: true });
  if (roles.rating !== null) addProperty(properties, roles.rating, { type: 'float', ignore_malformed: true });
  if (roles.ratingCount !== null) addProperty(properties, roles.ratingCount, { type: 'long', ignore_malformed: true });
}

const KEYWORD_SUBFIELD = 'keyword';

/** `attributes.colour` → properties.attributes.properties.colour, beside what is there already. */
function addProperty(properties: Mapping, path: string, definition: Mapping): void {
  const [head = path, ...rest] = path.split('.');
  if (rest.length === 0) {
    properties[head] ??= definition;
    return;
  }
  const holder = (properties[head] ??= { properties: {} });
  const inner = z.object({ properties: z.record(z.string(), z.unknown()) }).safeParse(holder);
  if (!inner.success) throw new Error(`field "${head}" cannot be a value and an object ("${path}") at once; map one of them`);
  addProperty(inner.data.properties, rest.join('.'), definition);
  properties[head] = { ...holder, properties: inner.data.properties };
}
