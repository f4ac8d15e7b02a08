import { COSINE_PAIRS, productIndexMetaSchema, type EncoderStamp, type ProductIndexMeta } from '../../mappings/product-index.js';
import type { FieldMap } from '../catalogue/field-map.js';
import type { LiveIndex } from '../index-lifecycle.js';

/** The live index was made another way than is asked for now, and may not be replaced. */
export class IndexMismatch extends Error {
  override readonly name = 'IndexMismatch';
}

/** Write changes into the live version, or build a new one (and why). */
export type IndexPlan = { kind: 'update'; live: LiveIndex } | { kind: 'build'; live: LiveIndex | null; reason: string };

/** The stamp that a new version gets before its statistics are known. */
export function draftMeta(options: {
  map: FieldMap;
  encoders: { text: EncoderStamp | null; image: EncoderStamp | null };
  language: string;
  engine: ProductIndexMeta['engine'];
}): ProductIndexMeta {
  return productIndexMetaSchema.parse({
    version: 1,
    roles: options.map.roles,
    vector_fields: options.map.vectorFields,
    language: options.language,
    engine: options.engine,
    encoders: options.encoders,
    cosine_stats: Object.fromEntries(COSINE_PAIRS.map((pair) => [pair, null])),
    head: null,
  });
}

/**
 * Vectors of two encoders do not compare, and a mapping cannot be changed under its documents: then a new version is due.
 * @throws IndexMismatch when a new version would be due but `inPlace` forbids it
 */
export function planIndex(options: { live: LiveIndex | null; wanted: ProductIndexMeta; restart: boolean; inPlace: boolean }): IndexPlan {
  const { live, wanted, restart, inPlace } = options;
  if (live === null && inPlace)
    throw new IndexMismatch('there is no index behind the alias yet; run without --in-place over the whole catalogue');
  if (live === null) return { kind: 'build', live, reason: 'there is no index behind the alias yet' };
  const differences = describeDifferences(live.meta, wanted);
  if (inPlace && (restart || differences.length > 0)) {
    throw new IndexMismatch(
      `${live.name} cannot be updated in place: ${restart ? '--restart builds a new version' : differences.join('; ')}. ` +
        'Run with the same settings as before, or without --in-place over the whole catalogue to build a new version.',
    );
  }
  if (restart) return { kind: 'build', live, reason: '--restart' };
  if (differences.length > 0) return { kind: 'build', live, reason: differences.join('; ') };
  return { kind: 'update', live };
}

function describeDifferences(live: ProductIndexMeta, wanted: ProductIndexMeta): string[] {
  const describe = (what: string, before: unknown, now: unknown): string[] => {
    const [left, right] = [JSON.stringify(before), JSON.stringify(now)];
    return left === right ? [] : [`${what} was ${left} and is now ${right}`];
  };
  return [
    ...describeEncoder('text', live.encoders.text, wanted.encoders.text),
    ...describeEncoder('image', live.encoders.image, wanted.encoders.image),
    ...Object.keys(wanted.roles).flatMap((role) =>
      describe(`field map: ${role}`, Reflect.get(live.roles, role), Reflect.get(wanted.roles, role)),
    ),
    ...describe('vector fields', live.vector_fields, wanted.vector_fields),
    ...describe('language', live.language, wanted.language),
    ...describe('engine', live.engine, wanted.engine),
  ];
}

function describeEncoder(kind: string, before: EncoderStamp | null, now: EncoderStamp | null): string[] {
  const name = (stamp: EncoderStamp | null): string => (stamp === null ? 'none' : `${stamp.id} (${stamp.dims} dims)`);
  if (name(before) !== name(now)) return [`${kind} encoder was ${name(before)} and is now ${name(now)}`];
  return before?.preprocessing === now?.preprocessing ? [] : [`${kind} encoder ${name(now)} prepares its input in another way than before`];
}
