import { HttpError } from './errors.js';

/** A request's target, read once; what goes upstream is `raw`, untouched. */
export interface RequestTarget {
  /** Path and query string as sent. */
  readonly raw: string;
  /** Decoded parts of the path; none for `/`. A slash at the end adds none. */
  readonly segments: readonly string[];
  /** Parameters as the engine reads them: `;` parts like `&`, and of several with one name the last counts. */
  readonly query: URLSearchParams;
}

// Ours would be one reading of the path and the engine's, or that of a proxy between, another.
const ENCODED_AGAIN = /%(2f|5c|2e|00)/i;

/** Reads a raw target. Throws HttpError `bad_path` for all that two readers could understand differently. */
export function readTarget(raw: string): RequestTarget {
  const [path = '', search = ''] = splitOnce(raw, '?');
  if (!path.startsWith('/')) throw refuse('it does not begin with /');
  if (raw.includes('#')) throw refuse('# has no place in it');
  if (holdsControl(raw)) throw refuse('it holds a control character');
  if (path.includes('\\')) throw refuse('it holds a backslash');
  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  const namesProduct = parts.length === 4 && parts[0] === 'v1' && parts[1] === 'similar';
  return {
    raw,
    segments: parts.map((part, place) => (namesProduct && place === 3 ? decode : decodeSegment)(part)),
    query: readQuery(search),
  };
}

/** A part as it is read wherever it stands. It is all that is asked of a product's id on a route of ours: it goes on as no path. */
function decode(part: string): string {
  if (part === '') throw refuse('it holds //');
  let decoded: string;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    throw refuse('it holds a broken %-escape');
  }
  if (decoded === '.' || decoded === '..') throw refuse('it holds . or .. as a part');
  if (holdsControl(decoded)) throw refuse('it holds an encoded control character');
  return decoded;
}

function decodeSegment(part: string): string {
  const decoded = decode(part);
  if (/[/\\]/.test(decoded)) throw refuse('it holds an encoded / or \\');
  if (ENCODED_AGAIN.test(decoded)) throw refuse('it holds something encoded twice');
  // The engine looks for its own names before it decodes: to it, %5Fbulk is an index.
  if (decoded.startsWith('_') && !part.startsWith('_')) throw refuse('it holds an encoded _ at the start of a part');
  return decoded;
}

function readQuery(search: string): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(search.replaceAll(';', '&'))) query.set(name, value);
  return query;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function holdsControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

function refuse(why: string): HttpError {
  return new HttpError('bad_path', why);
}
