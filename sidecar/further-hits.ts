import type { Upstream, UpstreamAnswer } from '../opensearch/upstream.js';
import { hitKey, type EngineAnswer, type Hit } from './answer/engine-answer.js';
import { legPath, presentationMembers, selectingText, URI_QUERY, withPaginationDepth } from './candidate-legs.js';
import type { RankedHit } from './answer/ranked-lists.js';
import { findMember, literal, readMembers } from './json/spans.js';
import { asList, isJsonObject, type Json, type JsonObject } from './json/value.js';
import { printFilterPath } from './request/filter-path.js';
import { narrowSearch, type SearchBody } from './request/post-filter.js';
import { clientHeaders, searchAnswer } from './retrieve.js';
import type { Rankable } from './search-request.js';

/** A product, wherever its id stands. */
interface HitName {
  readonly index: string;
  readonly id: string;
}

/** Bodies of hits that the client's answer does not hold, by key: bytes of the whole answer and the hit's place in it. */
export type Bodies = ReadonlyMap<string, { readonly bytes: Buffer; readonly hit: Hit }>;

/**
 * Fetches bodies with the client's own presentation members and its query as a `should`, so that highlights survive. The
 * client's pipeline runs here, too: its response processors shape a hit. It asks by the client's own name of the index, so
 * that an alias's filter and routing hold (an id may stand for another product elsewhere).
 */
export async function fetchBodies(upstream: Upstream, search: Rankable, wanted: readonly HitName[], signal: AbortSignal): Promise<Bodies> {
  const answer = await upstream.send({
    method: 'POST',
    path: legPath(search, {
      without: [...URI_QUERY, 'terminate_after', 'search_type'],
      more: PRESENTING_PARAMETERS,
      filter: presentingFilter(search),
    }),
    headers: clientHeaders(search),
    body: bodiesBody(search, wanted),
    signal,
  });
  const read = searchAnswer(answer, 'bodies');
  return new Map(read.hits.map((hit) => [hitKey(hit), { bytes: read.bytes, hit }]));
}

/** URL members that decide how a hit looks, kept when bodies come from a second search. */
const PRESENTING_PARAMETERS = [
  '_source',
  '_source_includes',
  '_source_excludes',
  'docvalue_fields',
  'stored_fields',
  'rest_total_hits_as_int',
  'version',
  'seq_no_primary_term',
  'explain',
  'include_named_queries_score',
  'typed_keys',
  'pretty',
];

/** The client's own `filter_path`, so that a hit from a second search shows no more than one from the first. */
function presentingFilter({ filter }: Rankable): string | null {
  if (filter === null) return null;
  // Whether an answer is whole is asked for as well, unless all that is not taken out comes anyway.
  return `${printFilterPath(filter)}${filter.included === null ? '' : ',timed_out,_shards'}`;
}

function bodiesBody(search: Rankable, wanted: readonly HitName[]): string {
  const should = scoringClauses(search);
  const query = `{"bool":{"filter":[${JSON.stringify(hitsFilter(wanted))}]${should === null ? '' : `,"should":${should}`}}}`;
  return `{${[`"query":${query}`, `"size":${wanted.length}`, '"track_total_hits":false', ...presentationMembers(search)].join(',')}}`;
}

/** Exactly these hits: an id may stand in several indices. */
function hitsFilter(wanted: readonly HitName[]): JsonObject {
  const byIndex = new Map<string, string[]>();
  for (const hit of wanted) byIndex.set(hit.index, [...(byIndex.get(hit.index) ?? []), hit.id]);
  const groups = [...byIndex].map(([index, values]) => ({ bool: { filter: [{ term: { _index: index } }, { ids: { values } }] } }));
  return groups.length === 1 && groups[0] ? groups[0] : { bool: { should: groups, minimum_should_match: 1 } };
}

/** The client's query as bytes inside a list; for a hybrid, which can't stand inside a bool, its clauses. */
function scoringClauses(search: Rankable): string | null {
  const query = search.body.query;
  const q = search.call.query.get('q');
  if (q !== null) return JSON.stringify([{ query_string: { query: q, ...uriQueryOptions(search.call.query), lenient: true } }]);
  if (query === undefined) return null;
  const hybrid: Json | undefined = isJsonObject(query) ? query.hybrid : undefined;
  if (isJsonObject(hybrid)) return JSON.stringify(asList(hybrid.queries));
  const raw = search.bodyBytes.length === 0 ? null : findMember(search.bodyBytes, 0, 'query');
  return `[${raw ? literal(search.bodyBytes, raw.value) : JSON.stringify(query)}]`;
}

/** What a URI search says beside `q`, as `query_string` calls it. */
function uriQueryOptions(query: URLSearchParams): JsonObject {
  const named = { df: 'default_field', analyzer: 'analyzer', analyze_wildcard: 'analyze_wildcard', default_operator: 'default_operator' };
  return Object.fromEntries(
    Object.entries(named).flatMap(([parameter, member]): [string, Json][] => {
      const value = query.get(parameter);
      return value === null || value === '' ? [] : [[member, value]];
    }),
  );
}

/**
 * Hits with the engine's explanation of the client's own query, which a search by ids would wrap in one of its own (and a rescore would
 * reach further down): the client's search, with the page on which they stand. Hits that were added stand on none.
 */
export async function fetchExplained(
  upstream: Upstream,
  search: Rankable,
  wanted: readonly RankedHit[],
  signal: AbortSignal,
): Promise<Bodies> {
  const ranks = wanted.flatMap(({ firstPhaseRank }) => firstPhaseRank ?? []);
  const added = wanted.filter(({ firstPhaseRank }) => firstPhaseRank === null);
  const [own, others] = await Promise.all([
    ranks.length === 0 ? [] : fetchPage(upstream, search, { size: 1 + Math.max(...ranks) }, signal),
    added.length === 0 ? [] : fetchBodies(upstream, search, added, signal),
  ]);
  return new Map([...others, ...own]);
}

/** The first hits of the client's own search. */
async function fetchPage(upstream: Upstream, search: Rankable, { size }: { size: number }, signal: AbortSignal): Promise<Bodies> {
  const body = withPage(search, { body: search.body, bytes: search.bodyBytes }, [`"size":${size}`], (query) =>
    withPaginationDepth(search, query),
  );
  const read = searchAnswer(await sendAgain(upstream, search, { body, signal }), 'explained');
  return new Map(read.hits.map((hit) => [hitKey(hit), { bytes: read.bytes, hit }]));
}

/** A page of the engine's own order beyond the ranked list, without the hits that were added to it; the client's request else. */
export async function fetchTail(
  upstream: Upstream,
  search: Rankable,
  page: { from: number; size: number; without: readonly HitName[] },
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const narrowed = narrowSearch({ body: search.body, bytes: search.bodyBytes }, { mustNot: [hitsFilter(page.without)] });
  const body = withPage(search, narrowed, [`"from":${page.from}`, `"size":${page.size}`]);
  return searchAnswer(await sendAgain(upstream, search, { body, signal }), 'tail');
}

/**
 * Hits of a `collapse` with their `inner_hits`, exactly as the client's own request gives them: the engine looks for the members of
 * a group with the client's query and post filter, so a post filter that leaves these groups alone changes nothing within them.
 */
export async function fetchGroups(
  upstream: Upstream,
  search: Rankable,
  groups: { field: string; values: readonly (string | null)[] },
  signal: AbortSignal,
): Promise<Bodies> {
  const values = groups.values.filter((value) => value !== null);
  const among: JsonObject[] = values.length === 0 ? [] : [{ terms: { [groups.field]: values } }];
  if (values.length < groups.values.length) among.push({ bool: { must_not: [{ exists: { field: groups.field } }] } });
  const clause = { bool: { should: among, minimum_should_match: 1 } };
  const narrowed = narrowSearch({ body: search.body, bytes: search.bodyBytes }, { filter: [clause] });
  const body = withPage(search, narrowed, [`"size":${groups.values.length}`]);
  const read = searchAnswer(await sendAgain(upstream, search, { body, signal }), 'groups');
  return new Map(read.hits.map((hit) => [hitKey(hit), { bytes: read.bytes, hit }]));
}

/** The search with other hits of it asked for, and nothing around them. */
function withPage(
  search: Rankable,
  { body, bytes }: SearchBody,
  page: readonly string[],
  writeQuery: (query: string) => string = (query) => query,
): string {
  const narrowed = { ...search, body, bodyBytes: bytes };
  const kept = (bytes.length === 0 ? [] : readMembers(bytes)).flatMap((member) => {
    const value = AROUND_THE_PAGE.has(member.key) ? null : selectingText(narrowed, member);
    return value === null ? [] : [`${JSON.stringify(member.key)}:${member.key === 'query' ? writeQuery(value) : value}`];
  });
  return `{${[...page, ...kept].join(',')}}`;
}

const AROUND_THE_PAGE = new Set(['from', 'size', 'aggs', 'aggregations', 'suggest']);

/** Another body to where the client's own search went. */
function sendAgain(upstream: Upstream, search: Rankable, { body, signal }: { body: string; signal: AbortSignal }): Promise<UpstreamAnswer> {
  const path = legPath(search, { more: PRESENTING_PARAMETERS, filter: presentingFilter(search) });
  return upstream.send({ method: 'POST', path, headers: clientHeaders(search), body, signal });
}
