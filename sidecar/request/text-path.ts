import { isJsonObject, nonEmptyString, type Json } from '../json/value.js';

/** Longest path that is walked, as in the engine's own rerank processor. */
const LONGEST_TEXT_PATH = 1000;

/**
 * The text at a dotted path of a search body, such as `query.bool.must.0.match.title.query`; null where there is none.
 * The engine walks its own, complete spelling of the query, clients write the short ones: a clause given alone stands for
 * its list (`must.0`), plain words for an object with `query` in it, and a field name may hold dots.
 */
export function textAtPath(body: Json, path: string): string | null {
  return path.length > LONGEST_TEXT_PATH ? null : walk(body, path.split('.'));
}

function walk(value: Json | undefined, parts: readonly string[]): string | null {
  const [first, ...rest] = parts;
  if (first === undefined) return nonEmptyString(value);
  if (typeof value === 'string') return rest.length === 0 && (first === 'query' || first === 'value') ? nonEmptyString(value) : null;
  if (Array.isArray(value)) return /^\d+$/.test(first) ? walk(value[Number(first)], rest) : null;
  if (!isJsonObject(value)) return null;
  for (let taken = 1; taken <= parts.length; taken += 1) {
    const name = parts.slice(0, taken).join('.');
    if (Object.hasOwn(value, name)) return walk(value[name], parts.slice(taken));
  }
  return first === '0' ? walk(value, rest) : null;
}
