import type { Upstream, UpstreamAnswer } from '../opensearch/upstream.js';
import type { Leg } from './candidate-legs.js';
import { fieldValue, hitKey, readAnswer, type EngineAnswer, type Hit } from './answer/engine-answer.js';
import { isJsonObject } from './json/value.js';
import { literal } from './json/spans.js';
import { repeatedHeaders } from './request/client-headers.js';
import { diversityFields } from './request/list-rules.js';
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
  /** The client's top W in the engine's order, then pinned products that were looked up, then the hits of vector legs. */
  readonly candidates: readonly RetrievedCandidate[];
  /** How many of them are the client's own. */
  readonly window: number;
  /** `_score` literals of the window, in the engine's order. */
  readonly scoreLiterals: readonly string[];
  /** Places that the shop's rules give to candidates; both count from 0. */
  readonly pins: readonly { readonly position: number; readonly place: number }[];
  /** How many candidates after the window are there because they are pinned. */
  readonly lookedUp: number;
  /** By field, then by position: what the rules of `diversity` look at; null where a hit has no value. */
  readonly values: ReadonlyMap<string, readonly (string | null)[]>;
  /** By position: what a hit is collapsed on, where its group is shown with it; null where no group is. */
  readonly expanded: readonly (string | null)[] | null;
}

/** A lean search of ours failed; the message says which and how. */
export class LegFailed extends Error {
  constructor(role: string, detail: string) {
    super(`${role} leg: ${detail}`);
    this.name = 'LegFailed';
  }
}

/** Headers of our own searches beside a client's. */
export function clientHeaders(search: Rankable): Record<string, string | string[]> {
  return { ...repeatedHeaders(search.upstream.headers), 'content-type': 'application/json' };
}

/** Runs one leg; throws `LegFailed` on anything but a search answer. */
export async function runLeg(upstream: Upstream, search: Rankable, leg: Leg, signal: AbortSignal): Promise<EngineAnswer> {
  const answer = await upstream.send({ method: 'POST', path: leg.path, headers: clientHeaders(search), body: leg.body, signal });
  return searchAnswer(answer, leg.role);
}

/** A search of ours, read; throws `LegFailed` on anything but a whole answer. */
export function searchAnswer(answer: UpstreamAnswer, role: string): EngineAnswer {
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
  readonly pinned: EngineAnswer | null;
  readonly lexical: EngineAnswer | null;
}

/**
 * Joins the legs: the client's window in its own order, then pinned products that it does not hold, then at most `maxAdded` hits that
 * only vector legs found, best rank first.
 */
export function joinCandidates(search: Rankable, legs: LegAnswers, mayAdd: boolean): CandidateSet {
  const textRanks = ranksOf(legs.text);
  const imageRanks = ranksOf(legs.image);
  const window = legs.firstPhase.hits.slice(0, search.window);
  const scoreLiterals = window.map((hit) => (hit.score ? literal(legs.firstPhase.bytes, hit.score) : 'null'));
  const values = new Map<string, (string | null)[]>(diversityFields(search.rules).map((field) => [field, []]));
  const known = new Set<string>();
  const admit = (hit: Hit, bytes: Buffer, firstPhase: { score: number | null; rank: number } | null): RetrievedCandidate => {
    const key = hitKey(hit);
    known.add(key);
    for (const [field, column] of values) column.push(fieldValue(bytes, hit, field));
    return {
      index: hit.index,
      id: hit.id,
      seqNo: hit.seqNo,
      firstPhaseScore: firstPhase?.score ?? null,
      firstPhaseRank: firstPhase?.rank ?? null,
      textRank: textRanks.get(key) ?? null,
      imageRank: imageRanks.get(key) ?? null,
    };
  };
  const candidates = window.map((hit, rank) =>
    admit(hit, legs.firstPhase.bytes, { score: hit.score ? Number(scoreLiterals[rank]) : null, rank }),
  );
  const opensGroup = groupGuard(search, legs.firstPhase, window);
  const join = (found: readonly FoundHit[], most: number): void => {
    const full = candidates.length + most;
    for (const { hit, bytes } of found) {
      if (candidates.length >= full) break;
      if (!known.has(hitKey(hit)) && opensGroup(bytes, hit)) candidates.push(admit(hit, bytes, null));
    }
  };
  const wanted = new Set(search.rules.pins.map(({ id }) => id));
  for (const { id } of candidates) wanted.delete(id);
  // Of an id that stands in several indices the first is meant.
  const lookedFor = foundHits(legs.pinned).filter(({ hit }) => wanted.delete(hit.id));
  join(lookedFor, lookedFor.length);
  const lookedUp = candidates.length - window.length;
  if (mayAdd) {
    const byVectors = [...foundHits(legs.text), ...foundHits(legs.image)].sort((a, b) => a.rank - b.rank);
    join(byVectors, search.profile.retrieval.maxAdded);
  }
  const expandedField = expandedGroup(search);
  return {
    candidates,
    window: window.length,
    scoreLiterals,
    pins: placePins(search, candidates),
    lookedUp,
    values,
    expanded: expandedField === null ? null : window.map((hit) => fieldValue(legs.firstPhase.bytes, hit, expandedField)),
  };
}

interface FoundHit {
  readonly hit: Hit;
  readonly rank: number;
  readonly bytes: Buffer;
}

function foundHits(answer: EngineAnswer | null): FoundHit[] {
  return answer === null ? [] : answer.hits.map((hit, rank) => ({ hit, rank, bytes: answer.bytes }));
}

/** Pinned ids that are candidates, in the order of the rules. */
function placePins(search: Rankable, candidates: readonly RetrievedCandidate[]): CandidateSet['pins'] {
  if (search.rules.pins.length === 0) return [];
  const positions = new Map<string, number>();
  candidates.forEach(({ id }, position) => positions.set(id, positions.get(id) ?? position));
  return search.rules.pins.flatMap(({ id, place }) => {
    const position = positions.get(id);
    return position === undefined ? [] : [{ position, place }];
  });
}

/** Under `collapse` an added hit must open a group of its own: one already in the list stands for it. */
function groupGuard(search: Rankable, answer: EngineAnswer, window: readonly Hit[]): (bytes: Buffer, hit: Hit) => boolean {
  const field = collapseField(search);
  if (field === null) return () => true;
  const taken = new Set(window.map((hit) => fieldValue(answer.bytes, hit, field)));
  return (bytes, hit) => {
    const group = fieldValue(bytes, hit, field);
    if (group === null || taken.has(group)) return false;
    taken.add(group);
    return true;
  };
}

/** The field that hits are collapsed on; null where they are not. */
function collapseField({ body }: Rankable): string | null {
  return isJsonObject(body.collapse) && typeof body.collapse.field === 'string' ? body.collapse.field : null;
}

/** The same, where groups are shown with their hits. */
export function expandedGroup(search: Rankable): string | null {
  return isJsonObject(search.body.collapse) && search.body.collapse.inner_hits !== undefined ? collapseField(search) : null;
}

function ranksOf(answer: EngineAnswer | null): Map<string, number> {
  return new Map((answer?.hits ?? []).map((hit, rank) => [hitKey(hit), rank]));
}
