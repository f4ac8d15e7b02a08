import { z } from 'zod';
import { ATTRIBUTES, EVENT, isOwnBehaviourIndex } from '../../mappings/behaviour-index.js';
import { fieldMappingSchema, findField, keywordPath, type FieldMapping } from '../../mappings/exact-field.js';
import type { UserKey } from '../../mappings/ubi-event.js';

/** A place where an id of a user may stand, and how it is found there. */
export interface IdField {
  /** Dotted path in a document. */
  readonly path: string;
  /** Field that matches whole values; null = there is none, and words of it may match others, too. */
  readonly exact: string | null;
  /** Values are whole numbers. */
  readonly numeric: boolean;
  /** Values were taken apart into words. */
  readonly words: boolean;
}

/** How the documents of one concrete index are read. */
export interface EventFields {
  /** By which field the history of a user is found; null where by none. */
  readonly keys: Readonly<Record<UserKey['kind'], IdField | null>>;
  /** All places in which an id may stand. */
  readonly places: readonly IdField[];
  /** Whether every event that has a time can be found by it. The UBI plugin's mapping drops times it does not understand. */
  readonly timed: boolean;
  /** Type of the time's field as far as it has one that ranges understand. */
  readonly clock: 'date' | 'number' | null;
  /** Whether `object_id` can be asked for. */
  readonly objects: boolean;
  /** Made by us. */
  readonly own: boolean;
}

/** By the name of the concrete index. */
export type FieldsByIndex = ReadonlyMap<string, EventFields>;

const KEY_PATHS = { user: EVENT.userId, client: EVENT.clientId, session: EVENT.sessionId } as const;
const KEY_KINDS = ['user', 'client', 'session'] as const;
const NUMBERS: ReadonlySet<string> = new Set(['long', 'integer', 'short', 'byte', 'unsigned_long']);

const mappingsAnswer = z.record(
  z.string(),
  z.object({
    mappings: z.object({ _meta: z.unknown().optional(), properties: z.record(z.string(), fieldMappingSchema).default({}) }),
  }),
);

/** @param answer of GET _mapping */
export function readEventFields(answer: unknown): FieldsByIndex {
  return new Map(
    Object.entries(mappingsAnswer.parse(answer)).map(([index, { mappings }]) => [index, fieldsOf(mappings.properties, mappings._meta)]),
  );
}

function fieldsOf(properties: Record<string, FieldMapping>, meta: unknown): EventFields {
  const own = isOwnBehaviourIndex(meta);
  const place = (path: string): IdField | null => idField(path, findField(properties, path));
  const time = findField(properties, EVENT.timestamp);
  const clock = time?.type === 'date' || time?.type === 'date_nanos' ? 'date' : NUMBERS.has(time?.type ?? '') ? 'number' : null;
  return {
    keys: { user: place(KEY_PATHS.user), client: place(KEY_PATHS.client), session: place(KEY_PATHS.session) },
    places: KEY_KINDS.flatMap((kind) => [
      ...asList(place(KEY_PATHS[kind])),
      ...ATTRIBUTES.flatMap((attributes) => asList(attributeField(properties, attributes, KEY_PATHS[kind]))),
    ]),
    // What came in by our own door has a time that every mapping understands.
    timed: own || (clock === 'date' && time?.ignore_malformed !== true),
    clock,
    objects: findField(properties, EVENT.objectId) !== undefined,
    own,
  };
}

function idField(path: string, mapped: FieldMapping | undefined): IdField | null {
  if (mapped?.type === undefined) return null;
  const numeric = NUMBERS.has(mapped.type);
  return { path, exact: numeric ? path : keywordPath(path, mapped), numeric, words: mapped.type === 'text' };
}

/** `flat_object` finds each of its members by the member's own path. */
function attributeField(properties: Record<string, FieldMapping>, attributes: string, name: string): IdField | null {
  const path = `${attributes}.${name}`;
  if (findField(properties, attributes)?.type === 'flat_object') return { path, exact: path, numeric: false, words: false };
  return idField(path, findField(properties, path));
}

function asList<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}

/** Whether all three keys can be asked for. */
export function knowsAllKeys(fields: FieldsByIndex): boolean {
  return fields.size > 0 && [...fields.values()].every(({ keys }) => KEY_KINDS.every((kind) => exactOf(keys[kind]) !== null));
}

/** Matches of one key on its own field, each confined to the indices where it is found so when they differ. */
export function matchKey(fields: FieldsByIndex, { kind, id }: UserKey): object[] {
  const byTerm = new Map<string, { term: object; indices: string[] }>();
  for (const [index, { keys }] of fields) {
    const term = keys[kind] && termOf(keys[kind], id);
    if (!term) continue;
    const entry = byTerm.get(JSON.stringify(term)) ?? { term, indices: [] };
    entry.indices.push(index);
    byTerm.set(JSON.stringify(term), entry);
  }
  return [...byTerm.values()].map(({ term, indices }) =>
    indices.length === fields.size ? term : { bool: { filter: [term, { terms: { _index: indices } }] } },
  );
}

/**
 * Matches of an id in every place of one index: by whole values, and by words where there is nothing better; what those find
 * must be looked at.
 */
export function matchPlaces({ places }: EventFields, id: string): { exact: object[]; words: object[] } {
  return {
    exact: places.flatMap((place) => asList(termOf(place, id))),
    words: places.flatMap(({ path, exact, words }) => (exact === null && words ? [{ match_phrase: { [path]: id } }] : [])),
  };
}

function termOf(field: IdField, id: string): object | null {
  const exact = exactOf(field);
  if (exact === null || (field.numeric && !/^-?\d{1,18}$/.test(id))) return null;
  return { term: { [exact]: { value: id } } };
}

function exactOf(field: IdField | null): string | null {
  return field?.exact ?? null;
}
