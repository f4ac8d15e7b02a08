import { z } from 'zod';
import type { ConfigValue } from './config-tree.js';

type Schema = z.core.$ZodType;

/** The schemas that a value may satisfy once defaults, null and unions are looked through. */
function unwrapSchema(schema: Schema): Schema[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return unwrapSchema(schema.unwrap());
  if (schema instanceof z.ZodNullable) return [...unwrapSchema(schema.unwrap()), z.null()];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrapSchema);
  if (schema instanceof z.ZodPipe) return unwrapSchema(schema.in);
  return [schema];
}

function membersOf(form: z.ZodObject): [string, Schema][] {
  const shape: z.core.$ZodShape = form.shape;
  return Object.entries(shape);
}

/** A setting by its path; `*` stands for the name of a profile. */
export interface Setting {
  path: string[];
  schema: Schema;
}

/** Every setting that can be given a value of its own, in schema order. A choice of auth types gives the members of each, once. */
export function listSettings(schema: Schema, path: string[] = []): Setting[] {
  const settings: Setting[] = [];
  const forms = unwrapSchema(schema);
  const branches = forms.filter((form) => form instanceof z.ZodObject || form instanceof z.ZodRecord);
  if (branches.length === 0) return [{ path, schema }];
  for (const branch of branches) {
    if (branch instanceof z.ZodRecord) settings.push(...listSettings(branch.valueType, [...path, '*']));
    else for (const [key, member] of membersOf(branch)) settings.push(...listSettings(member, [...path, key]));
  }
  const seen = new Map<string, Setting>();
  for (const setting of settings) {
    const key = setting.path.join('.');
    const earlier = seen.get(key);
    if (earlier) earlier.schema = z.union([earlier.schema, setting.schema]);
    else seen.set(key, { ...setting });
  }
  return [...seen.values()];
}

/** The member names the schema knows at a path, places of a list among it; empty where there is no map. */
export function listMembers(schema: Schema, path: readonly PropertyKey[]): string[] {
  const [key, ...rest] = path;
  return unwrapSchema(schema).flatMap((form) => {
    if (form instanceof z.ZodRecord) return key === undefined ? [] : listMembers(form.valueType, rest);
    if (form instanceof z.ZodArray) return key === undefined ? [] : listMembers(form.element, rest);
    if (!(form instanceof z.ZodObject)) return [];
    if (key === undefined) return membersOf(form).map(([name]) => name);
    const member = membersOf(form).find(([name]) => name === key)?.[1];
    return member === undefined ? [] : listMembers(member, rest);
  });
}

/** Names the values that a choice allows, such as the types of authentication; empty where it is not a choice. */
export function listChoices(schema: Schema): string[] {
  return unwrapSchema(schema).flatMap((form) => {
    if (form instanceof z.ZodEnum) return Object.values(form.enum).map(String);
    if (form instanceof z.ZodLiteral) return [...form.values].map(String);
    return [];
  });
}

/**
 * Reads text (a variable of the environment, an interpolated scalar) as the setting wants it: a number, a boolean,
 * null (`null` or nothing), or a list (JSON, or values between commas). What fits nothing stays text, for the schema to refuse.
 */
export function readSettingText(schema: Schema, text: string): ConfigValue {
  const forms = unwrapSchema(schema);
  const trimmed = text.trim();
  if (forms.some((form) => form instanceof z.ZodNull) && (trimmed === '' || trimmed === 'null')) return null;
  for (const form of forms) {
    if (form instanceof z.ZodLiteral) {
      const value: unknown = [...form.values].find((allowed) => String(allowed) === trimmed);
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    }
    if (form instanceof z.ZodNumber && trimmed !== '' && Number.isFinite(Number(trimmed))) return Number(trimmed);
    if (form instanceof z.ZodBoolean && (trimmed === 'true' || trimmed === 'false')) return trimmed === 'true';
    if (form instanceof z.ZodArray) return readListText(form.element, trimmed);
  }
  return text;
}

function readListText(element: Schema, text: string): ConfigValue {
  if (text.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list))
        return list.map((member) => readSettingText(element, typeof member === 'string' ? member : JSON.stringify(member)));
    } catch {
      return text;
    }
  }
  return text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
    .map((member) => readSettingText(element, member));
}
