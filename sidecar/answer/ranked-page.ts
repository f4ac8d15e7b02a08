import { OWN_SOURCE_FIELDS } from '../../mappings/product-index.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { hitKey, type EngineAnswer } from './engine-answer.js';
import { asList, isJsonObject, type Json, type JsonObject } from '../json/value.js';
import type { RankedHit, RankedList } from './ranked-lists.js';
import { fetchBodies, fetchExplained, fetchGroups, fetchTail, type Bodies } from '../further-hits.js';
import { expandedGroup } from '../retrieve.js';
import { hasClause } from '../request/clause-types.js';
import { asksToExplain } from '../request/engine-explanation.js';
import type { SearchClock } from '../walk/search-clock.js';
import type { Rankable } from '../search-request.js';
import { indexHits, type PageHit } from '../search-response.js';
import { Skipped } from '../walk/skipped.js';

/** What a page is assembled from. */
export interface PageWork {
  readonly search: Rankable;
  readonly answer: EngineAnswer;
  readonly list: RankedList;
  readonly upstream: Upstream;
  readonly clock: SearchClock;
  readonly signal: AbortSignal;
  /** Becomes `fields._fuserank` of a hit. */
  readonly explain: (hit: RankedHit) => Json | null;
}

/** The hits of [from, from + size): bodies from the client's own answer, else fetched; the tail in the engine's order. */
export async function assemblePage(work: PageWork): Promise<PageHit[]> {
  const { search, answer, list, upstream, clock, signal } = work;
  const end = search.from + search.size;
  const own = list.hits.slice(search.from, end);
  const held = indexHits(answer);
  const absent = own.filter((hit) => !held.has(hitKey(hit)));
  const added = list.hits.filter((hit) => hit.firstPhaseRank === null);
  const tailFrom = Math.max(search.from, list.hits.length);
  const tailSize = list.window === search.window ? Math.max(0, end - tailFrom) : 0;
  const [fetched, tail] = await Promise.all([
    absent.length === 0 ? null : clock.stage('bodies', () => clock.duringEngine(() => fetchAbsent(work, absent))),
    tailSize === 0 || added.length === 0
      ? null
      : clock.stage('tail', () => clock.duringEngine(() => fetchTail(upstream, search, tailPage(tailFrom, tailSize, added), signal))),
  ]);
  const page = own.map((hit, place): PageHit => {
    const body = held.get(hitKey(hit)) ?? fetched?.get(hitKey(hit));
    if (!body) throw new Skipped('bodies_failed', `the engine no longer finds ${hit.id}`);
    return { ...body, scoreLiteral: scoreLiteral(search, list, hit, search.from + place), explanation: work.explain(hit) };
  });
  // With nothing added the engine's places are the list's, and the client's own answer holds its tail already.
  const rest = tail ?? (tailSize === 0 ? null : { bytes: answer.bytes, hits: answer.hits.slice(tailFrom - search.from) });
  if (rest) page.push(...rest.hits.map((hit): PageHit => ({ bytes: rest.bytes, hit, scoreLiteral: null, explanation: null })));
  return page;
}

function fetchAbsent({ search, upstream, signal }: PageWork, absent: readonly RankedHit[]): Promise<Bodies> {
  const field = expandedGroup(search);
  if (field === null) return (asksToExplain(search) ? fetchExplained : fetchBodies)(upstream, search, absent, signal);
  if (hasClause(search.body.query, 'hybrid')) {
    throw new Skipped('inner_hits', 'a hybrid query over fewer groups gives its hits other scores');
  }
  return fetchGroups(upstream, search, { field, values: absent.map(({ group }) => group) }, signal);
}

/** The list's own literals dealt out in page order; added hits repeat the last one (`keep`: each hit has its own). */
function scoreLiteral(search: Rankable, list: RankedList, hit: RankedHit, place: number): string | null {
  const rank = search.profile.scores === 'keep' ? (hit.firstPhaseRank ?? list.window) : place;
  return list.scoreLiterals[Math.min(rank, list.window - 1)] ?? null;
}

/** Places after the list are the engine's, counted without the added hits, which the tail search leaves out. */
function tailPage(from: number, size: number, added: readonly RankedHit[]): { from: number; size: number; without: readonly RankedHit[] } {
  return { from: from - added.length, size, without: added };
}

/** Our members of `_source` and `fields` that the client asks for by name (a collapse shows the field it is on); they stay in its answer. */
export function namedOwnFields(body: JsonObject, query: URLSearchParams): ReadonlySet<string> {
  const source = body._source;
  const asked = [
    ...asList(isJsonObject(source) ? (source.includes ?? source.include) : source),
    ...asList(body.fields),
    ...asList(body.docvalue_fields),
    ...asList(isJsonObject(body.collapse) ? body.collapse.field : undefined),
    ...['_source', '_source_includes', 'docvalue_fields'].flatMap((name) => (query.get(name) ?? '').split(',')),
  ].map((field) => (isJsonObject(field) ? field.field : field));
  return new Set(OWN_SOURCE_FIELDS.filter((field) => asked.includes(field)));
}
