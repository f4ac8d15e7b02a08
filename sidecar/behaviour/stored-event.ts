import { ATTRIBUTES, EVENT } from '../../mappings/behaviour-index.js';
import { chooseUserKey, keyOfEvent, type UbiEvent, type UserKey } from '../../mappings/ubi-event.js';

/** A stored document whose members are not yet believed. */
export interface StoredDocument {
  id: string;
  source: Record<string, unknown>;
}

/** What history needs of an event. */
export interface KeptEvent {
  /** Deterministic: the same event from memory and from the index has the same. */
  id: string;
  key: UserKey;
  objectId: string | null;
  action: string;
  timestampMs: number;
  sessionId: string | null;
  /** All ids it names, for erasing. */
  names: string[];
}

/** Null for an event of nobody. */
export function keepEvent(id: string, event: UbiEvent): KeptEvent | null {
  const key = keyOfEvent(event);
  if (!key) return null;
  const objectId = event.event_attributes?.object?.object_id;
  return {
    id,
    key,
    objectId: objectId === undefined || objectId === '' ? null : String(objectId),
    action: event.action_name,
    timestampMs: Date.parse(event.timestamp),
    sessionId: event.session_id ?? null,
    names: namesOf(event),
  };
}

/** All ids by which a record names its user, those among its attributes as well. */
export function namesOf(record: Record<string, unknown>): string[] {
  const names = new Set<string>();
  for (const path of NAMING_PATHS) {
    const name = readId(record, path);
    if (name !== null) names.add(name);
  }
  return [...names];
}

/** Each of them is read for every event of every search's history, so they are put together once. */
const NAMING_PATHS: readonly string[] = [EVENT.userId, EVENT.clientId, EVENT.sessionId].flatMap((field) => [
  field,
  ...ATTRIBUTES.map((attributes) => `${attributes}.${field}`),
]);

/** Null for a document that lacks what history needs: an index that others write to may hold anything. */
export function readStoredEvent({ id, source }: StoredDocument): KeptEvent | null {
  const [user, client, session] = [EVENT.userId, EVENT.clientId, EVENT.sessionId].map((field) => readId(source, field));
  const key = chooseUserKey({ user: user ?? null, client: client ?? null, session: session ?? null });
  const action = readPath(source, EVENT.actionName);
  const timestampMs = readTime(readPath(source, EVENT.timestamp));
  if (!key || typeof action !== 'string' || timestampMs === null) return null;
  return { id, key, objectId: readId(source, EVENT.objectId), action, timestampMs, sessionId: session ?? null, names: namesOf(source) };
}

function readId(source: Record<string, unknown>, path: string): string | null {
  const value = readPath(source, path);
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' ? String(value) : null;
}

/** Milliseconds since 1970. What has no zone is in UTC, as the engine reads it, not where this process happens to run. */
function readTime(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string') return null;
  if (/^\d{11,15}$/.test(value)) return Number(value);
  const local = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(value);
  const time = Date.parse(local ? `${value.replace(' ', 'T')}Z` : value);
  return Number.isFinite(time) ? time : null;
}

/** A member by its dotted path, in nested objects or under a dotted name, as documents may have either. */
function readPath(source: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(source, path)) return source[path];
  let node: unknown = source;
  for (const key of keysOf(path)) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    node = Reflect.get(node, key);
  }
  return node;
}

const splitPaths = new Map<string, readonly string[]>();

/** The paths are a fixed few. */
function keysOf(path: string): readonly string[] {
  const known = splitPaths.get(path);
  if (known) return known;
  const keys = path.split('.');
  splitPaths.set(path, keys);
  return keys;
}
