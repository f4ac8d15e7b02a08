import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { OWN_SOURCE_FIELDS, type ProductFieldRoles } from '../../mappings/product-index.js';
import { parseFieldPath, type FieldPath } from './field-path.js';
import { engineField, ownField, type MappedField } from './mapped-field.js';

/** A list may be written as a list or as `a,b`. */
const fieldList = z
  .union([z.string().transform((text) => text.split(',').map((name) => name.trim())), z.array(z.string())])
  .pipe(z.array(z.string().min(1)));
const field = z.string().min(1).nullable();

/** What a field map says: which of the catalogue's fields plays which part. All members optional; later sources win. */
const fieldMapSchema = z.strictObject({
  id: z.string().min(1).optional(),
  text: fieldList.optional(),
  /** Fields whose text is embedded; default: the first text field, which alone beats longer texts with small encoders. */
  vector: fieldList.optional(),
  image: field.optional(),
  video: field.optional(),
  price: field.optional(),
  rating: field.optional(),
  ratingCount: field.optional(),
  brand: field.optional(),
  category: field.optional(),
  group: field.optional(),
  keywords: fieldList.optional(),
});
export type FieldMapInput = z.input<typeof fieldMapSchema>;

/** A field map that cannot be used: unreadable file, unknown member, or no id. */
export class FieldMapError extends Error {
  override readonly name = 'FieldMapError';
}

/** The map resolved: what is stored in the index's stamp, and how to read each part from a product. */
export interface FieldMap {
  roles: ProductFieldRoles;
  vectorFields: string[];
  /** Every field that plays a part, to be compared with what the catalogue has. */
  fields: MappedField[];
  paths: {
    id: FieldPath;
    vector: FieldPath[];
    image: FieldPath | null;
    video: FieldPath | null;
    group: FieldPath | null;
  };
}

/** Reads a map from a YAML or JSON file. @throws FieldMapError */
export function readFieldMapFile(file: string): FieldMapInput {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new FieldMapError(`cannot read the field map ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return checkFieldMap(content, file);
}

/** Layers maps, later ones over earlier ones, over the configuration's. @throws FieldMapError */
export function resolveFieldMap(config: Config['index'], ...layers: readonly FieldMapInput[]): FieldMap {
  const base: FieldMapInput = { id: config.id, ...config.map };
  const merged: z.output<typeof fieldMapSchema> = {};
  for (const layer of [base, ...layers]) Object.assign(merged, dropUndefined(checkFieldMap(layer, 'the field map')));
  const text = merged.text ?? [];
  const vectorFields = merged.vector ?? text.slice(0, 1);
  const roles: ProductFieldRoles = {
    id: merged.id ?? 'id',
    text,
    image: merged.image ?? null,
    price: merged.price ?? null,
    rating: merged.rating ?? null,
    ratingCount: merged.ratingCount ?? null,
    brand: merged.brand ?? null,
    category: merged.category ?? null,
    group: merged.group ?? null,
    keywords: merged.keywords ?? [],
  };
  refuseUnindexable(roles);
  const paths: FieldMap['paths'] = {
    id: readPath(roles.id),
    vector: vectorFields.map(readPath),
    image: roles.image === null ? null : readPath(roles.image),
    video: merged.video ? readPath(merged.video) : null,
    group: roles.group === null ? null : readPath(roles.group),
  };
  return { roles, vectorFields, fields: listFields(roles, paths), paths };
}

function listFields(roles: ProductFieldRoles, paths: FieldMap['paths']): MappedField[] {
  const engine = (member: string, flag: string, names: readonly (string | null)[]): MappedField[] =>
    names.filter((name) => name !== null).map((name) => engineField({ member, flag }, name));
  const own = (member: string, flag: string, found: readonly (FieldPath | null)[]): MappedField[] =>
    found.filter((path) => path !== null).map((path) => ownField({ member, flag }, path));
  return [
    ...own('id', '--id-field', [paths.id]),
    ...engine('text', '--text-fields', roles.text),
    // By default a text field is embedded, and one fault is not told twice.
    ...own(
      'vector',
      '--vector-fields',
      paths.vector.filter(({ text }) => !roles.text.includes(text)),
    ),
    ...own('image', '--image-field', [paths.image]),
    ...own('video', '--video-field', [paths.video]),
    ...engine('price', '--price-field', [roles.price]),
    ...engine('rating', '--rating-field', [roles.rating]),
    ...engine('ratingCount', '--rating-count-field', [roles.ratingCount]),
    ...engine('brand', '--brand-field', [roles.brand]),
    ...engine('category', '--category-field', [roles.category]),
    ...own('group', '--group-field', [paths.group]),
    ...engine('keywords', '--keyword-fields', roles.keywords),
  ];
}

function checkFieldMap(content: unknown, origin: string): z.output<typeof fieldMapSchema> {
  const parsed = fieldMapSchema.safeParse(content ?? {});
  if (!parsed.success) throw new FieldMapError(`${origin}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Only id, image and the embedded text are read by us; the engine indexes the others and knows neither positions nor patterns. */
function refuseUnindexable(roles: ProductFieldRoles): void {
  const indexed = { ...roles, id: null, image: null, group: null };
  for (const [role, value] of Object.entries(indexed)) {
    for (const name of value === null ? [] : [value].flat()) {
      if (OWN_SOURCE_FIELDS.includes(name)) throw new FieldMapError(`${role}: "${name}" is a field of fuserank's own; map another`);
      if (/[[\]{}]/.test(name))
        throw new FieldMapError(`${role}: "${name}" must be a plain field; positions and patterns work for id, image, video and group`);
    }
  }
  const once = new Map<string, string>();
  for (const role of ['price', 'rating', 'ratingCount'] as const) {
    const name = roles[role];
    if (name === null) continue;
    const other = once.get(name) ?? (roles.text.includes(name) ? 'text' : undefined);
    if (other !== undefined)
      throw new FieldMapError(`"${name}" is mapped both as ${other} and as ${role}; a number cannot be another thing too`);
    once.set(name, role);
  }
}

function readPath(text: string): FieldPath {
  try {
    return parseFieldPath(text);
  } catch (cause) {
    throw new FieldMapError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function dropUndefined(layer: object): object {
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined));
}
