import { applyEdits, isArray, isObject, literal, readElements, readMembers, type Edit, type Span } from '../json/spans.js';
import { asList, isJsonObject, parseJson, type Json, type JsonObject } from '../json/value.js';
import { headerOf, type SearchCall } from './search-call.js';
import type { UpstreamSearch } from './upstream-search.js';

/** False where the client wants YAML, CBOR or Smile. */
export function answersInJson(call: SearchCall): boolean {
  const format = call.query.get('format');
  return (format === null || format === 'json') && !/yaml|cbor|smile/.test(headerOf(call, 'accept') ?? '');
}

/**
 * A search in whose answer these fields are in no `_source`, for answers that can't be cut: the engine leaves them out of its
 * hits, of the groups of a `collapse`, of children and parents, of `top_hits` and suggestions. What the client asks of `_source`
 * stays. A pattern in `fields` or `docvalue_fields` shows them still; the engine excludes nothing there.
 * @param send what goes to the engine when the body is written like this
 */
export function hideFields(
  { call, bytes, send }: { call: SearchCall; bytes: Buffer; send: (written: Buffer) => UpstreamSearch },
  fields: readonly string[],
): UpstreamSearch {
  if (fields.length === 0) return send(bytes);
  const url = call.query;
  // What the URL says of `_source` is all that counts; then the body's stays as it is.
  if (!SOURCE_PARAMETERS.some((name) => url.has(name))) return send(hideInBody(bytes, { fields, stored: url.get('stored_fields') }));
  const upstream = send(hideInBody(bytes, { fields, stored: '' }));
  if (url.get('_source') === 'false') return upstream;
  const excluded = [url.get('_source_excludes') ?? '', ...fields].filter((name) => name !== '').join(',');
  // Of several with one name the last counts.
  return { ...upstream, path: `${upstream.path}&_source_excludes=${encodeURIComponent(excluded)}` };
}

const SOURCE_PARAMETERS = ['_source', '_source_includes', '_source_excludes'];

/** @param stored `stored_fields` of the URL, which counts before the body's; null = absent there */
function hideInBody(bytes: Buffer, { fields, stored }: { fields: readonly string[]; stored: string | null }): Buffer {
  const text = bytes.length === 0 ? Buffer.from('{}') : bytes;
  const edits = hidingEdits(text, 0, { fields, stored: stored === null ? null : stored.split(',') });
  return edits.length === 0 ? bytes : applyEdits(text, edits);
}

/** Of an object that says how hits are shown, and of those inside it. */
function hidingEdits(
  bytes: Buffer,
  at: number,
  { fields, stored }: { fields: readonly string[]; stored: readonly string[] | null },
): Edit[] {
  const members = readMembers(bytes, at);
  const valueOf = (name: string): Json | undefined => {
    const member = members.find(({ key }) => key === name);
    return member && parseJson(literal(bytes, member.value));
  };
  const edits = members.flatMap(({ key, value }) => editsBelow(bytes, value, { fields, path: ['', '', key] }));
  const source = members.find(({ key }) => key === '_source');
  const shown = stored ?? asList(valueOf('stored_fields'));
  if (source) edits.push({ ...source.value, replacement: JSON.stringify(hideInSource(valueOf('_source'), fields)) });
  // Beside stored fields there is no `_source` unless it is one of them.
  else if (shown.length === 0 || shown.includes('_source')) {
    const start = bytes.indexOf('{', at) + 1;
    edits.push({ start, end: start, replacement: `"_source":${JSON.stringify({ excludes: fields })}${members.length > 0 ? ',' : ''}` });
  }
  return edits;
}

/** @param path the last three keys that lead to the value */
function editsBelow(bytes: Buffer, value: Span, { fields, path }: { fields: readonly string[]; path: readonly string[] }): Edit[] {
  if (isArray(bytes, value)) return readElements(bytes, value.start).flatMap((element) => editsBelow(bytes, element, { fields, path }));
  if (!isObject(bytes, value)) return [];
  const [before = '', parent = '', key = ''] = path;
  if ((key === 'inner_hits' && HAVE_HITS.has(parent)) || (key === 'top_hits' && AGGREGATIONS.has(before)))
    return hidingEdits(bytes, value.start, { fields, stored: null });
  return readMembers(bytes, value.start).flatMap((member) => editsBelow(bytes, member.value, { fields, path: [parent, key, member.key] }));
}

/** Whose `inner_hits` are whole documents; those of `nested` are parts of the shop's own. */
const HAVE_HITS = new Set(['collapse', 'inner_hits', 'has_child', 'has_parent']);
const AGGREGATIONS = new Set(['aggs', 'aggregations']);

function hideInSource(asked: Json | undefined, fields: readonly string[]): Json {
  if (asked === false) return false;
  if (!isJsonObject(asked)) return { ...(asked === true || asked === undefined ? {} : { includes: asList(asked) }), excludes: [...fields] };
  const { exclude, excludes, ...rest } = asked;
  return { ...rest, excludes: [...asList(exclude), ...asList(excludes), ...fields] } satisfies JsonObject;
}
