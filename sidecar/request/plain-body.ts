import { gunzipSync } from 'node:zlib';
import { nestsDeeper } from '../json/spans.js';
import { headerOf, type SearchCall } from './search-call.js';

const JSON_TYPE = /^application\/(json|vnd\.[a-z]+\+json)\s*(;|$)/i;
/** An `_msearch` may call its lines JSON, as @searchkit/api does; the engine reads them under either name. */
const LINES_TYPE = /^application\/(json|x-ndjson|vnd\.[a-z]+\+(json|x-ndjson))\s*(;|$)/i;
/** Up to here whatever a packed body says of its length. */
const ANYWAY_BYTES = 1024 ** 2;
const UNPACKED_BYTES = 8 * 1024 ** 2;
/** The engine takes 20 queries inside each other (`indices.query.bool.max_nested_depth`), each 3 levels of JSON. */
const DEEPEST = 200;

/** True of a body that is not to be parsed: no search that the engine takes looks like that. */
export function isTooDeep(bytes: Buffer): boolean {
  return nestsDeeper(bytes, DEEPEST);
}

/**
 * The body as JSON text, unpacked when it came gzipped, or what stands in `?source=`; null where we can't or shouldn't
 * read it: another content type or encoding, or more than 8 MB.
 */
export function plainBody(call: SearchCall, expected: 'json' | 'lines' = 'json'): Buffer | null {
  const readable = expected === 'json' ? JSON_TYPE : LINES_TYPE;
  if (call.body.length === 0) {
    const source = call.query.get('source');
    if (source === null) return call.body;
    const type = call.query.get('source_content_type');
    return type === null || readable.test(type) ? Buffer.from(source) : null;
  }
  const type = headerOf(call, 'content-type');
  if (type !== null && !readable.test(type)) return null;
  const encoding = headerOf(call, 'content-encoding');
  if (encoding === null || encoding === 'identity') return call.body;
  if (encoding !== 'gzip') return null;
  try {
    return gunzipSync(call.body, { maxOutputLength: unpackedBytes(call.body, UNPACKED_BYTES) });
  } catch {
    return null;
  }
}

/**
 * The most that a gzipped body may unpack to: 1 MB, or what it says of itself at its end (RFC 1952 §2.3.1, ISIZE) up to `limit`. So
 * room can be kept for it before it is unpacked, and one that lies unpacks to no more than that.
 */
export function unpackedBytes(packed: Buffer, limit: number): number {
  const said = packed.length < 4 ? 0 : packed.readUInt32LE(packed.length - 4);
  return Math.min(limit, Math.max(ANYWAY_BYTES, said));
}
