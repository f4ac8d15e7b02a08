import { z } from 'zod';
import type { HitName } from './invariants.js';
import type { ClientRequest } from './scenario.js';
import { ALL } from './names.js';

const bodySchema = z.record(z.string(), z.unknown());

function bodyOf(request: ClientRequest): Record<string, unknown> {
  const source = new URLSearchParams(request.path.split('?')[1] ?? '').get('source');
  const text = typeof request.body === 'string' && request.body !== '' ? request.body : (source ?? '{}');
  return bodySchema.parse(JSON.parse(text));
}

/** Where a page begins and how long it is: the URL counts before the body. */
export function pageOf(request: ClientRequest): { from: number; size: number } {
  const url = new URLSearchParams(request.path.split('?')[1] ?? '');
  const body = bodyOf(request);
  return { from: Number(url.get('from') ?? body['from'] ?? 0), size: Number(url.get('size') ?? body['size'] ?? 10) };
}

export function withParameters(request: ClientRequest, parameters: Record<string, string>): ClientRequest {
  const [path = '', search = ''] = request.path.split('?');
  const kept = search.split('&').filter((part) => part !== '' && !Object.hasOwn(parameters, part.split('=')[0] ?? ''));
  const added = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return { ...request, path: `${path}?${[...kept, ...added].join('&')}` };
}

/** Of the client's request only where it looks, for whom, and how hits are shown. */
export function withBody(request: ClientRequest, body: object): ClientRequest {
  const [path = '', search = ''] = request.path.split('?');
  const dropped =
    /^(q|df|source|source_content_type|from|size|sort|search_type|search_pipeline|track_total_hits|scroll|min_score|terminate_after|filter_path|timeout)=/;
  const kept = search.split('&').filter((part) => part !== '' && !dropped.test(part));
  return {
    method: 'POST',
    path: [path, kept.join('&')].filter(Boolean).join('?'),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

export const idsQuery = (hits: readonly HitName[]): object => ({ ids: { values: hits.map(({ id }) => id) } });

/** architecture.md: bodies come by `bool {filter: [ids], should: [the query]}` with the client's own presentation. */
export function bodiesRequest(plain: ClientRequest, hits: readonly HitName[]): ClientRequest {
  const { query, from: _from, size: _size, aggs: _aggs, aggregations: _aggregations, suggest: _suggest, ...body } = bodyOf(plain);
  for (const name of ['post_filter', 'rescore', 'min_score', 'terminate_after', 'track_total_hits', 'search_pipeline', 'indices_boost'])
    delete body[name];
  const hybrid = z.object({ hybrid: z.object({ queries: z.array(z.unknown()) }) }).safeParse(query);
  const should = hybrid.success ? hybrid.data.hybrid.queries : query === undefined ? [] : [query];
  return withBody(plain, { ...body, query: { bool: { filter: [idsQuery(hits)], should } }, size: ALL });
}
