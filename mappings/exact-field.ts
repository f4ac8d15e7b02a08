import { z } from 'zod';

/** A field of a mapping, as far as it says how exact values are found. */
export interface FieldMapping {
  type?: string | undefined;
  ignore_malformed?: boolean | undefined;
  fields?: Record<string, FieldMapping> | undefined;
  properties?: Record<string, FieldMapping> | undefined;
}
export const fieldMappingSchema: z.ZodType<FieldMapping> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    // The engine answers booleans, people's recorded mappings may hold them as text.
    ignore_malformed: z.union([z.boolean(), z.stringbool()]).optional().catch(undefined),
    fields: z.record(z.string(), fieldMappingSchema).optional(),
    properties: z.record(z.string(), fieldMappingSchema).optional(),
  }),
);

/** Answer of GET _mapping: the fields of each concrete index. */
export const fieldMappingsAnswer = z.record(
  z.string(),
  z.object({ mappings: z.object({ properties: z.record(z.string(), fieldMappingSchema).default({}) }) }),
);

/** The field at a dotted path; undefined where the mapping has none. */
export function findField(properties: Record<string, FieldMapping>, path: string): FieldMapping | undefined {
  const [head = path, ...rest] = path.split('.');
  const mapped = properties[head];
  return rest.length === 0 || mapped === undefined ? mapped : findField(mapped.properties ?? {}, rest.join('.'));
}

/**
 * Path by which whole values of a field are matched: itself where it is a keyword, else its keyword twin (indices that others made);
 * null where it has neither. A term on a text would match its words.
 */
export function keywordPath(path: string, mapped: FieldMapping | undefined): string | null {
  if (mapped?.type === 'keyword') return path;
  return mapped?.fields?.['keyword']?.type === 'keyword' ? `${path}.keyword` : null;
}
