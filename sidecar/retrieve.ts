import type { Upstream, UpstreamAnswer } from '../opensearch/upstream.js';
import type { Leg } from './candidate-legs.js';
import { presentationMembers, legPath, selectingText } from './candidate-legs.js';
import { collapseValue, hitKey, readAnswer, type EngineAnswer, type Hit } from './answer/engine-answer.js';
import { asList, isJsonObject, type Json } from './json/value.js';
import { findMember, literal, readMembers } from './json/spans.js';
import type { Rankable } from './search-request.js';

/** A hit admitted to ranking, with what each retriever said of it. Ranks count from 0; null = not among its hits. */
export interface RetrievedCandidate {
  readonly index: string;
  readonly id: string;
  readonly seqNo: number | null;
  /** First-phase score; null for a hit that only a vector leg found. */
  readonly firstPhaseScore: number | null;
  readonly firstPhaseRank: number | null;
  readonly textRank: number | null;
  readonly imageRank: number | null;
}

export interface CandidateSet {
  /** The client's top W in the engine's order, then the added hits. */
  readonly candidates: readonly RetrievedCandidate[];
  /** How many of them are the client's own. */
  readonly window: number;
  /** `_score` literals of the window, in the engine's order. */
  readonly scoreLiterals: readonly string[];
}

/** A lean search of ours failed; the message says which and how. */
export class LegFailed extends Error {
  constructor(role: string, detail: string) {
    super(`${role} leg: ${detail}`);
    this.name = 'LegFailed';
  }
}

/** What a client's headers say of its own body and of the answer it wants. All others are repeated: they say who asks. */
const OF_THE_MESSAGE = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-type',
  'digest',
  'range',
]);

/** Headers of our own searches: whatever the client is known to the engine by (tokens, proxy headers), and what ties its requests together. */
function clientHeaders(search: Rankable): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(search.upstream.headers)) {
    if (!OF_THE_MESSAGE.has(name) && !name.startsWith('if-')) headers[name] = value;
  }
  return headers;
}

/** Runs one leg; throws `LegFailed` on anything but a search answer. */
export async function runLeg(upstream: Upstream, search: Rankable, leg: Leg, signal: AbortSignal): Promise<EngineAnswer> {
  const answer = await upstream.send({ method: 'POST', path: leg.path, headers: clientHeaders(search), body: leg.body, signal });
  return searchAnswer(answer, leg.role);
}

function searchAnswer(answer: UpstreamAnswer, role: string): EngineAnswer {
  if (answer.status !== 200) throw new LegFailed(role, `status ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`);
  const read = readAnswer(answer.body);
  if (!read) throw new LegFailed(role, 'no hits in the answer');
  // Half an answer would drop the other half's hits from the client's page.
  if (read.partial) throw new LegFailed(role, 'the engine answered for a part of the shards, or ran out of time');
  return read;
}

/** Answers of the lean searches; null = was not asked. */
export interface LegAnswers {
  readonly firstPhase: EngineAnswer;
  readonly text: EngineAnswer | null;
  readonly image: EngineAnswer | null;
}

/** Joins the legs: the client's window in its own order, then at most `maxAdded` hits that only vector legs found, best rank first. */
export function joinCandidates(search: Rankable, legs: LegAnswers, mayAdd: boolean): CandidateSet {
  const textRanks = ranksOf(legs.text);
  const imageRanks = ranksOf(legs.image);
  const window = legs.firstPhase.hits.slice(0, search.window);
  const scoreLiterals = window.map((hit) => (hit.score ? literal(legs.firstPhase.bytes, hit.score) : 'null'));
  const known = new Set<string>();
  const candidates = window.map((hit, rank): RetrievedCandidate => {
    const key = hitKey(hit);
    known.add(key);
    return {
      index: hit.index,
      id: hit.id,
      seqNo: hit.seqNo,
      firstPhaseScore: hit.score ? Number(scoreLiterals[rank]) : null,
      firstPhaseRank: rank,
      textRank: textRanks.get(key) ?? null,
      imageRank: imageRanks.get(key) ?? null,
    };
  });
  if (!mayAdd) return { candidates, window: candidates.length, scoreLiterals };

  const groups = groupGuard(search, legs.firstPhase, window);
  const found = [
    ...(legs.text?.hits ?? []).map((hit, rank) => ({ hit, rank, bytes: legs.text?.bytes })),
    ...(legs.image?.hits ?? []).map((hit, rank) => ({ hit, rank, bytes: legs.image?.bytes })),
  ].sort((a, b) => a.rank - b.rank);
  const added: RetrievedCandidate[] = [];
  for (const { hit, bytes } of found) {
    if (added.length >= search.profile.retrieval.maxAdded) break;
    const key = hitKey(hit);
    if (known.has(key) || !bytes || !groups(bytes, hit)) continue;
    known.add(key);
    added.push({
      index: hit.index,
      id: hit.id,
      seqNo: hit.seqNo,
      firstPhaseScore: null,
      firstPhaseRank: null,
      textRank: textRanks.get(key) ?? null,
      imageRank: imageRanks.get(key) ?? null,
    });
  }
  return { candidates: [...candidates, ...added], window: candidates.length, scoreLiterals };
}

/** Under `collapse` an added hit must open a group of its own: one already in the list stands for it. */
function groupGuard(search: Rankable, answer: EngineAnswer, window: readonly Hit[]): (bytes: Buffer, hit: Hit) => boolean {
  const field = isJsonObject(search.body.collapse) && typeof search.body.collapse.field === 'string' ? search.body.collapse.field : null;
  if (field === null) return () => true;
  const taken = new Set(window.map((hit) => collapseValue(answer.bytes, hit, field)));
  return (bytes, hit) => {
    const group = collapseValue(bytes, hit, field);
    if (group === null || taken.has(group)) return false;
    taken.add(group);
    return true;
  };
}

function ranksOf(answer: EngineAnswer | null): Map<string, number> {
  return new Map((answer?.hits ?? []).map((hit, rank) => [hitKey(hit), rank]));
}

/** Bodies of hits that the client's answer does not hold, by key: bytes of the whole answer and the hit's place in it. */
export type Bodies = ReadonlyMap<string, { readonly bytes: Buffer; readonly hit: Hit }>;

/**
 * Fetches bodies with the client's own presentation members and its query as a `should`, so that highlights survive. The
 * client's pipeline runs here, too: its response processors shape a hit. It asks by the client's own name of the index, so
 * that an alias's filter and routing hold (an id may stand for another product elsewhere).
 */
export async function fetchBodies(
  upstream: Upstream,
  search: Rankable,
  wanted: readonly { readonly index: string; readonly id: string }[],
  signal: AbortSignal,
): Promise<Bodies> {
  const answer = await upstream.send({
    method: 'POST',
    path: legPath(search, { without: ['q', 'terminate_after', 'search_type'], more: PRESENTING_PARAMETERS }),
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
];

function bodiesBody(search: Rankable, wanted: readonly { readonly index: string; readonly id: string }[]): string {
  const should = scoringClauses(search);
  const query = `{"bool":{"filter":[${JSON.stringify(hitsFilter(wanted))}]${should === null ? '' : `,"should":${should}`}}}`;
  return `{${[`"query":${query}`, `"size":${wanted.length}`, '"track_total_hits":false', ...presentationMembers(search)].join(',')}}`;
}

/** Exactly these hits: an id may stand in several indices. */
function hitsFilter(wanted: readonly { readonly index: string; readonly id: string }[]): Json {
  const byIndex = new Map<string, string[]>();
  for (const hit of wanted) byIndex.set(hit.index, [...(byIndex.get(hit.index) ?? []), hit.id]);
  const groups = [...byIndex].map(([index, values]) => ({ bool: { filter: [{ term: { _index: index } }, { ids: { values } }] } }));
  return groups.length === 1 ? (groups[0] ?? null) : { bool: { should: groups, minimum_should_match: 1 } };
}

/** The client's query as bytes inside a list; for a hybrid, which can't stand inside a bool, its clauses. */
function scoringClauses(search: Rankable): string | null {
  const query = search.body.query;
  const q = search.call.query.get('q');
  if (q !== null) return JSON.stringify([{ query_string: { query: q, lenient: true } }]);
  if (query === undefined) return null;
  const hybrid: Json | undefined = isJsonObject(query) ? query.hybrid : undefined;
  if (isJsonObject(hybrid)) return JSON.stringify(asList(hybrid.queries));
  const raw = search.bodyBytes.length === 0 ? null : findMember(search.bodyBytes, 0, 'query');
  return `[${raw ? literal(search.bodyBytes, raw.value) : JSON.stringify(query)}]`;
}

/** A page of the engine's own order beyond the ranked list, without the hits that were added to it; the client's request else. */
export async function fetchTail(
  upstream: Upstream,
  search: Rankable,
  page: { from: number; size: number; without: string[] },
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const members = search.bodyBytes.length === 0 ? [] : readMembers(search.bodyBytes);
  const postFilter = members.find(({ key }) => key === 'post_filter');
  const filter = postFilter ? `,"filter":[${literal(search.bodyBytes, postFilter.value)}]` : '';
  const parts = [
    `"from":${page.from}`,
    `"size":${page.size}`,
    `"post_filter":{"bool":{"must_not":[{"ids":{"values":${JSON.stringify(page.without)}}}]${filter}}}`,
    ...members.flatMap((member) => {
      const value = REPLACED_IN_TAIL.has(member.key) ? null : selectingText(search, member);
      return value === null ? [] : [`${JSON.stringify(member.key)}:${value}`];
    }),
  ];
  const answer = await upstream.send({
    method: 'POST',
    path: legPath(search, { more: PRESENTING_PARAMETERS }),
    headers: clientHeaders(search),
    body: `{${parts.join(',')}}`,
    signal,
  });
  return searchAnswer(answer, 'tail');
}

const REPLACED_IN_TAIL = new Set(['from', 'size', 'post_filter', 'aggs', 'aggregations', 'suggest']);
