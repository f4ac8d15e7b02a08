import type { UpstreamSearch } from './upstream-search.js';
import { applyEdits, findMember, literal } from '../json/spans.js';
import type { JsonObject } from '../json/value.js';

/** A search's body, parsed and as bytes: JSON text of an object, or nothing. */
export interface SearchBody {
  readonly body: JsonObject;
  readonly bytes: Buffer;
}

/** What hits must and must not be, beside what the search asks for. */
export interface Narrowing {
  readonly filter?: readonly JsonObject[];
  readonly mustNot?: readonly JsonObject[];
}

/**
 * The search with a narrower `post_filter`: the client's own, if any, and these clauses. The query stays as it is, so scores,
 * highlights and aggregations do; totals, pages and the groups of a `collapse` are of what is left.
 */
export function narrowSearch(search: SearchBody, { filter = [], mustNot = [] }: Narrowing): SearchBody {
  const own = search.body.post_filter;
  const body = {
    ...search.body,
    post_filter: { bool: { filter: [...filter, ...(own === undefined ? [] : [own])], must_not: [...mustNot] } },
  };
  const member = search.bytes.length === 0 ? null : findMember(search.bytes, 0, 'post_filter');
  // The client's own goes over as it was written: numbers keep their digits.
  const filters = [...filter.map((clause) => JSON.stringify(clause)), ...(member ? [literal(search.bytes, member.value)] : [])];
  const text = `{"bool":{"filter":[${filters.join(',')}],"must_not":${JSON.stringify(mustNot)}}}`;
  if (member) return { body, bytes: applyEdits(search.bytes, [{ ...member.value, replacement: text }]) };
  if (search.bytes.length === 0) return { body, bytes: Buffer.from(`{"post_filter":${text}}`) };
  const at = search.bytes.indexOf('{') + 1;
  const more = Object.keys(search.body).length > 0 ? ',' : '';
  return { body, bytes: applyEdits(search.bytes, [{ start: at, end: at, replacement: `"post_filter":${text}${more}` }]) };
}

/** The client's request with another body; what came in `?source=`, or without a body, goes up with one. */
export function sendBody(upstream: UpstreamSearch, bytes: Buffer): UpstreamSearch {
  const { 'content-length': _length, 'content-encoding': _encoding, ...headers } = upstream.headers;
  const mark = upstream.path.indexOf('?');
  const path = mark < 0 ? upstream.path : upstream.path.slice(0, mark);
  const parameters = mark < 0 ? [] : upstream.path.slice(mark + 1).split('&');
  const kept = parameters.filter((parameter) => parameter !== '' && !/^source(_content_type)?(=|$)/.test(parameter));
  return {
    method: upstream.method,
    path: kept.length === 0 ? path : `${path}?${kept.join('&')}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: bytes,
  };
}
