import { PRODUCT } from '../mappings/product-index.js';
import type { IndexStamp } from './walk/index-stamp.js';
import { asList, isJsonObject, type Json, type JsonObject } from './json/value.js';
import { SourceText } from './json/source-text.js';
import { applyEdits, cutMembers, findMember, literal, readMembers, type Member } from './json/spans.js';
import { hasClause } from './request/clause-types.js';
import { asksToExplain } from './request/engine-explanation.js';
import { diversityFields } from './request/list-rules.js';
import { narrowSearch } from './request/post-filter.js';
import { withoutClauseInnerHits } from './request/lean-query.js';
import { splitQuery, type Constraints, type SplitQuery } from './request/query-tree.js';
import { findWrapped } from './request/text-clauses.js';
import { findVectorClauses, type VectorClause } from './request/vector-clauses.js';
import type { Rankable } from './search-request.js';

/** One lean search beside the client's own: ids, scores and sequence numbers only. */
export interface Leg {
  readonly role: 'first-phase' | 'text' | 'image' | 'pinned' | 'lexical';
  readonly path: string;
  readonly body: string;
}

/** A leg that looks by vector. */
export interface VectorLeg extends Leg {
  readonly role: 'text' | 'image';
}

export interface LegPlan {
  readonly firstPhase: Leg;
  /** Looks pinned products up; null where none are pinned, or only the client's own hits may be moved. */
  readonly pinned: Leg | null;
  /** For explanations, what the clauses of a hybrid query find that are no vector clauses; null where nobody asks, or the query is none. */
  readonly lexical: Leg | null;
  /** Legs that need vectors of the query; asked for as soon as those are there. */
  readonly vectorLegs: (vectors: LegVectors) => VectorLeg[];
  /** Hits of vector legs may join the list. */
  readonly mayAdd: boolean;
  /** Why there are no vector legs, for explanations; null where there are. */
  readonly reason: string | null;
}

/** Unit vectors of the query; null = none. */
export interface LegVectors {
  readonly text: Float32Array | null;
  /** In picture space: of the query's picture, else the typed words through the head. */
  readonly image: Float32Array | null;
}

/** Presentation: what the shopper sees of a hit, and what is counted around the hits. None of it decides the order. */
const PRESENTATION = new Set([
  '_source',
  'fields',
  'docvalue_fields',
  'script_fields',
  'stored_fields',
  'highlight',
  'explain',
  'version',
  'seq_no_primary_term',
  'include_named_queries_score',
]);
const AROUND_THE_HITS = new Set(['aggs', 'aggregations', 'suggest', 'track_total_hits', 'from', 'size', 'profile', 'sort']);

/** A query in the URL. The engine knows the others only beside `q`, so a search of ours that has none leaves all of them out. */
export const URI_QUERY = ['q', 'df', 'analyzer', 'analyze_wildcard', 'default_operator', 'lenient'];

/** URL parameters that a leg must repeat because they decide which hits come, in which order, for whom. */
const SELECTING_PARAMETERS = [
  'routing',
  'preference',
  'search_type',
  'search_pipeline',
  'ignore_unavailable',
  'allow_no_indices',
  'expand_wildcards',
  'ignore_throttled',
  'ccs_minimize_roundtrips',
  'allow_partial_search_results',
  'terminate_after',
  'timeout',
  ...URI_QUERY,
];

/**
 * Plans the lean searches of one request. The first-phase leg is the client's whole query with `size` = window. Vector legs
 * repeat every constraint of the query tree around `knn`. Members and constraints go over as bytes, so numbers keep their digits.
 */
export function planLegs(search: Rankable, stamp: IndexStamp): LegPlan {
  const split = splitQuery(searchedQuery(search), { given: search.options.queryText, textFields: textFieldsOf(stamp) });
  const reason = whyNoVectorLegs(search, stamp, split);
  // The engine answers `q` and leaves the body's query aside.
  const own = search.call.query.has('q') ? [] : findVectorClauses(search.body.query);
  return {
    firstPhase: { role: 'first-phase', path: legPath(search), body: firstPhaseBody(search, stamp) },
    pinned: pinnedLeg(search, stamp, split),
    lexical: lexicalLeg(search, stamp),
    vectorLegs: (vectors) => {
      if (own.length > 0) {
        const source = sourceOf(search);
        return own.map((clause) => clauseLeg(search, stamp, clause, source));
      }
      if (reason !== null || split.constraints === null) return [];
      const { retrieval, signals } = search.profile;
      const filter = filterText(search, split.constraints);
      const legs: VectorLeg[] = [];
      if (vectors.text && signals.text && retrieval.textK > 0) {
        legs.push(constrainedLeg(search, stamp, 'text', knn(PRODUCT.textVector, vectors.text, retrieval.textK, filter), retrieval.textK));
      }
      if (vectors.image && signals.image && retrieval.imageK > 0) {
        legs.push(
          constrainedLeg(search, stamp, 'image', knn(PRODUCT.imageVector, vectors.image, retrieval.imageK, filter), retrieval.imageK),
        );
      }
      return legs;
    },
    mayAdd: reason === null && search.profile.retrieval.maxAdded > 0,
    reason,
  };
}

/** The query that the engine answers: that of `q`, else the body's. */
function searchedQuery({ call, body }: Rankable): Json | undefined {
  const q = call.query.get('q');
  if (q === null) return body.query;
  const field = call.query.get('df');
  return { query_string: { query: q, ...(field === null ? {} : { default_field: field }) } };
}

/** Where shoppers search; a facet (brand, category) that is searched, too, is more often a constraint when it stands alone. */
export function textFieldsOf({ roles }: Pick<IndexStamp, 'roles'>): string[] | null {
  const facets = [roles.brand, roles.category, roles.group, ...roles.keywords];
  const fields = roles.text.filter((field) => !facets.includes(field));
  return roles.text.length === 0 ? null : fields.length > 0 ? fields : roles.text;
}

/**
 * Pinned products that the client's own query admits: all of its constraints without the words where its tree is understood, the
 * whole query else. `add: none` ranks nothing but the client's own hits, so nothing is looked up for it.
 */
function pinnedLeg(search: Rankable, stamp: IndexStamp, split: SplitQuery): Leg | null {
  const { pins } = search.rules;
  if (pins.length === 0 || search.profile.retrieval.add === 'none' || showsGroups(search)) return null;
  const ids: JsonObject = { ids: { values: pins.map(({ id }) => id) } };
  const size = pins.length * stamp.concrete.length; // an id may stand in several indices
  const { constraints } = split;
  if (constraints === null || narrowsByScore(search) || seeksOtherWords(search, split)) {
    const { body, bytes } = narrowSearch({ body: search.body, bytes: search.bodyBytes }, { filter: [ids] });
    return { role: 'pinned', path: legPath(search), body: firstPhaseBody({ ...search, body, bodyBytes: bytes, window: size }, stamp) };
  }
  const filter = filterText(search, { ...constraints, filter: [ids, ...constraints.filter] });
  return constrainedLeg(search, stamp, 'pinned', `{"bool":{"filter":[${filter ?? ''}]}}`, size);
}

function lexicalLeg(search: Rankable, stamp: IndexStamp): Leg | null {
  const { query } = search.body;
  if (!search.explain || search.call.query.has('q') || !isJsonObject(query) || !isJsonObject(query.hybrid)) return null;
  const clauses = asList(query.hybrid.queries).filter((clause) => !hasClause(clause, 'knn') && !hasClause(clause, 'neural'));
  if (clauses.length === 0) return null;
  const source = sourceOf(search);
  const words = source.write({ bool: { should: clauses, minimum_should_match: 1, filter: asList(query.hybrid.filter) } });
  return constrainedLeg(search, stamp, 'lexical', words, search.window, postFilterText(search, source));
}

/** The members of a group that the words do not find are not known, so no group is added whose members are to be shown. */
function showsGroups({ body }: Rankable): boolean {
  return isJsonObject(body.collapse) && body.collapse.inner_hits !== undefined;
}

/** On the scale of the query, which a hit without its words is not on; or by how many hits have been seen. */
function narrowsByScore({ body, call }: Rankable): boolean {
  return body.min_score !== undefined || body.terminate_after !== undefined || call.query.has('terminate_after');
}

function seeksOtherWords({ queryText, options }: Rankable, { text }: SplitQuery): boolean {
  return text !== null && text !== queryText && options.queryText === null;
}

function whyNoVectorLegs(search: Rankable, stamp: IndexStamp, split: SplitQuery): string | null {
  if (search.profile.retrieval.add === 'none') return 'retrieval.add is none';
  if (!stamp.meta?.encoders.text && !stamp.meta?.encoders.image) return 'index has no vectors of ours';
  if (hasClause(search.body.query, 'knn')) return 'the query has a knn clause of its own';
  if (hasClause(search.body.query, 'hybrid')) return 'a hybrid query retrieves for itself';
  if (showsGroups(search)) return 'inner_hits of a collapse are what the words find';
  if (search.body.min_score !== undefined) return 'min_score is on the scale of the query';
  if (search.body.terminate_after !== undefined || search.call.query.has('terminate_after')) return 'terminate_after';
  if (search.queryText === null && search.options.queryImage === null) return 'no query text or picture';
  if (split.reason !== null) return split.reason;
  if (seeksOtherWords(search, split)) return 'words of two kinds';
  return null;
}

/** The client's query and post_filter as they were written, those inside wrapper clauses included. */
function sourceOf({ body, bodyBytes }: Rankable): SourceText {
  const source = new SourceText();
  const members = bodyBytes.length === 0 ? [] : readMembers(bodyBytes);
  for (const { key, value } of members) {
    if (key === 'query' || key === 'post_filter') source.place(bodyBytes, value.start, body[key]);
  }
  for (const { bytes, query } of findWrapped(body.query)) if (query !== null) source.place(bytes, 0, query);
  return source;
}

/** One knn clause; `filter` is JSON text. */
function knn(field: string, vector: Float32Array, k: number, filter: string | null): string {
  const inside = filter === null ? '' : `,"filter":${filter}`;
  return `{"knn":{${JSON.stringify(field)}:{"vector":${JSON.stringify(Array.from(vector))},"k":${k}${inside}}}}`;
}

/** The constraints, `post_filter` among them: inside the clause, where the k nearest are looked for among what may be shown. */
function filterText(search: Rankable, { filter, mustNot }: Constraints): string | null {
  const all = search.body.post_filter === undefined ? filter : [...filter, search.body.post_filter];
  if (all.length === 0 && mustNot.length === 0) return null;
  return sourceOf(search).write({ bool: { filter: [...all], must_not: [...mustNot] } });
}

function clauseLeg(search: Rankable, stamp: IndexStamp, { role, clause, k }: VectorClause, source: SourceText): VectorLeg {
  return constrainedLeg(search, stamp, role, source.write(clause), k, postFilterText(search, source));
}

function postFilterText({ body }: Rankable, source: SourceText): Record<string, string> {
  return body.post_filter === undefined ? {} : { post_filter: source.write(body.post_filter) };
}

/** Members of the client's body that decide what a hit of a vector leg is; `search_pipeline` may filter by request processors. */
const SELECTING_MEMBERS = new Set(['derived', 'timeout', 'search_pipeline']);

/** `collapse` holds for added hits as for the client's own. Values of `more` are JSON text. */
function constrainedLeg<Role extends Leg['role']>(
  search: Rankable,
  stamp: IndexStamp,
  role: Role,
  query: string,
  size: number,
  more: Readonly<Record<string, string>> = {},
): Leg & { readonly role: Role } {
  const members: Record<string, string> = { query, size: String(size), ...more };
  for (const { key, value } of search.bodyBytes.length === 0 ? [] : readMembers(search.bodyBytes)) {
    if (SELECTING_MEMBERS.has(key)) members[key] = literal(search.bodyBytes, value);
  }
  if (isJsonObject(search.body.collapse)) members.collapse = JSON.stringify({ field: search.body.collapse.field ?? null });
  for (const [name, value] of Object.entries(leanMembers(search, stamp))) members[name] = JSON.stringify(value);
  return { role, path: legPath(search, { without: [...URI_QUERY, 'search_type'] }), body: writeMembers(members) };
}

function writeMembers(members: Readonly<Record<string, string>>): string {
  return `{${Object.entries(members)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}`;
}

function firstPhaseBody(search: Rankable, stamp: IndexStamp): string {
  const members: Record<string, string> = {};
  for (const member of search.bodyBytes.length === 0 ? [] : readMembers(search.bodyBytes)) {
    if (PRESENTATION.has(member.key) || AROUND_THE_HITS.has(member.key)) continue;
    const value = selectingText(search, member);
    if (value !== null) members[member.key] = member.key === 'query' ? withPaginationDepth(search, withoutClauseInnerHits(value)) : value;
  }
  if (search.body.collapse !== undefined) members.collapse = JSON.stringify(withoutInnerHits(search.body.collapse));
  // The engine normalises the scores of a hybrid that it explains a little differently.
  if (asksToExplain(search) && hasClause(search.body.query, 'hybrid')) members.explain = 'true';
  for (const [name, value] of Object.entries({ size: search.window, ...leanMembers(search, stamp) })) members[name] = JSON.stringify(value);
  return writeMembers(members);
}

/** A member as a search of ours repeats it: `ext.ubi` would have the engine keep the shopper's one search twice. */
export function selectingText({ bodyBytes, body }: Rankable, { key, value }: Member): string | null {
  if (key !== 'ext' || !isJsonObject(body.ext) || !Object.hasOwn(body.ext, 'ubi')) return literal(bodyBytes, value);
  if (Object.keys(body.ext).length === 1) return null;
  const cut = cutMembers(readMembers(bodyBytes, value.start), (name) => name === 'ubi');
  return applyEdits(bodyBytes, cut, value).toString('utf8');
}

/**
 * A hybrid query ranks by what each clause keeps, so another depth is another ranking: without one of its own it gets the
 * client's page size as its depth, and the window shrinks to what comes back.
 */
export function withPaginationDepth(search: Rankable, query: string): string {
  const hybrid = isJsonObject(search.body.query) ? search.body.query.hybrid : undefined;
  if (!isJsonObject(hybrid) || hybrid.pagination_depth !== undefined) return query;
  const bytes = Buffer.from(query);
  const member = findMember(bytes, 0, 'hybrid');
  if (!member) return query;
  const at = member.value.start + 1;
  return `${bytes.toString('utf8', 0, at)}"pagination_depth":${search.size},${bytes.toString('utf8', at)}`;
}

function withoutInnerHits(collapse: Json | undefined): Json {
  if (!isJsonObject(collapse)) return collapse ?? null;
  const { inner_hits: _groups, ...rest } = collapse;
  return rest;
}

/** Ids and sequence numbers, nothing stored: measured 4.5 ms for 200 hits where `_source` costs 10 and more. */
function leanMembers(search: Rankable, stamp: IndexStamp): JsonObject {
  const fields = [...(stamp.hasRankKey ? [PRODUCT.rankKey] : []), ...diversityFields(search.rules)];
  const members: JsonObject = { track_total_hits: false, seq_no_primary_term: true };
  if (fields.length > 0) members.docvalue_fields = fields;
  return stamp.hasRankKey ? { ...members, stored_fields: '_none_' } : { ...members, _source: false };
}

/** The path of a search of ours over the same indices, with the client's selecting parameters. */
export function legPath(
  search: Rankable,
  options: { without?: readonly string[]; more?: readonly string[]; filter?: string | null } = {},
): string {
  const parameters = new URLSearchParams();
  for (const name of [...SELECTING_PARAMETERS, ...(options.more ?? [])]) {
    if (options.without?.includes(name)) continue;
    for (const value of search.call.query.getAll(name)) parameters.append(name, value);
  }
  if (options.filter) parameters.set('filter_path', options.filter);
  const query = parameters.toString();
  const base = search.index === '' ? '/_search' : `/${encodeURIComponent(search.index)}/_search`;
  return query === '' ? base : `${base}?${query}`;
}

/** The presentation members of the client's body, as bytes, for fetching bodies of further hits. */
export function presentationMembers(search: Rankable): string[] {
  const members = search.bodyBytes.length === 0 ? [] : readMembers(search.bodyBytes);
  return members
    .filter(
      (member) => PRESENTATION.has(member.key) || member.key === 'collapse' || member.key === 'derived' || member.key === 'search_pipeline',
    )
    .map((member) => `${JSON.stringify(member.key)}:${literal(search.bodyBytes, member.value)}`);
}
