import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { Config } from '../config/schema.js';
import { OWN_SOURCE_FIELDS } from '../mappings/product-index.js';
import type { Upstream, UpstreamAnswer } from '../opensearch/upstream.js';
import { planLegs, type LegPlan } from './candidate-legs.js';
import { hitKey, readAnswer, type EngineAnswer } from './engine-answer.js';
import type { IndexStamp, IndexStamps } from './index-stamp.js';
import { asList, isJsonObject, type Json, type JsonObject } from './json.js';
import { literal } from './json-spans.js';
import { explainHit } from './hit-explanation.js';
import type { QueryEncoding } from './query-vectors.js';
import { rankCandidates, shuffleScores, type Ranking } from './rank.js';
import { RankedLists, type RankedHit, type RankedList } from './ranked-lists.js';
import { fetchBodies, fetchTail, joinCandidates, LegFailed, runLeg, type CandidateSet } from './retrieve.js';
import { ScorerFailure, type QueryVectors, type RankReply, type ScorerPool } from './scorer.js';
import type { SearchCall } from './search-call.js';
import { SearchClock } from './search-clock.js';
import { parseSearchRequest, type PassThrough, type Rankable, type SkipReason, type UpstreamSearch } from './search-request.js';
import { cutOwnMembers, indexHits, mergePage, type PageHit } from './search-response.js';
import type { HistoryEvent } from './user-history.js';

const gzipAsync = promisify(gzip);

export interface SearchAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** What the walk needs of the house around it. */
export interface RankSearchDeps {
  readonly config: Config;
  readonly upstream: Upstream;
  readonly stamps: IndexStamps;
  readonly scorers: ScorerPool;
  readonly encoding: QueryEncoding;
  readonly recall: (
    keys: { user: string | null; client: string | null; session: string | null },
    signal: AbortSignal,
  ) => Promise<HistoryEvent[]>;
  readonly observe: SearchObserver;
}

export interface SearchObserver {
  outcome(outcome: {
    readonly applied: boolean;
    readonly reason: SkipReason | null;
    readonly detail: string | null;
    readonly clock: SearchClock;
  }): void;
}

/** Ranking gave up; the shopper gets the engine's order. */
class Skipped extends Error {
  readonly reason: SkipReason;
  constructor(reason: SkipReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Time kept for scoring when a shopper's history is late. */
const HISTORY_RESERVE_MS = 12;

/** The walk of one search through the stages, under one budget. Never rejects for a reason of ours. */
export class SearchRanker {
  readonly #deps: RankSearchDeps;
  readonly #lists = new RankedLists();

  constructor(deps: RankSearchDeps) {
    this.#deps = deps;
  }

  /**
   * Answers a `_search`. Throws `BadSearchOption` for a wrong member of ours and the upstream's own error where the engine
   * can't be reached; everything else is a status of the engine.
   */
  async answer(call: SearchCall): Promise<SearchAnswer> {
    const clock = new SearchClock();
    const search = parseSearchRequest(call, this.#deps.config);
    if (search.kind === 'pass-through') return this.#passThrough(search, call, clock);
    return this.#answerRankable(search, clock);
  }

  async #passThrough(search: PassThrough, call: SearchCall, clock: SearchClock): Promise<SearchAnswer> {
    const answer = await this.#ask(search.cutOwnMembers ? inPlainText(search.upstream) : search.upstream, call.signal, clock);
    if (!search.cutOwnMembers || answer.status !== 200) return this.#skip(answer, answer.body, search.reason, null, call, clock);
    const read = readOrNull(answer.body);
    const body = read ? cutOwnMembers(read, namedOwnFields(search.body, call.query)) : answer.body;
    return this.#skip(answer, body, search.reason, null, call, clock);
  }

  async #answerRankable(search: Rankable, clock: SearchClock): Promise<SearchAnswer> {
    const work = new AbortController();
    const signal = AbortSignal.any([search.call.signal, work.signal]);
    const stored = search.from > 0 ? this.#lists.find(search.listKey) : null;
    const candidates = stored ? null : settle(this.#gather(search, clock, signal));
    try {
      const answer = await this.#ask(inPlainText(search.upstream), search.call.signal, clock);
      const keep = namedOwnFields(search.body, search.call.query);
      const read = answer.status === 200 ? readOrNull(answer.body) : null;
      const reason = whyNotRankable(answer, read);
      if (reason !== null || !read) {
        const body = read ? cutOwnMembers(read, keep) : answer.body;
        return await this.#skip(answer, body, reason ?? 'answer_not_understood', null, search.call, clock);
      }
      const deadline = Date.now() + search.budgetMs;
      const late = setTimeout(() => work.abort(new Skipped('budget', 'ranking took longer than its budget')), search.budgetMs);
      try {
        const ranked = await orAbort(this.#rankPage({ search, answer: read, stored, candidates, deadline, clock, signal, keep }), signal);
        if (search.options.dryRun) throw new Skipped('dry_run', 'asked for');
        return await this.#applied(answer, ranked, search, clock);
      } catch (error) {
        const skipped = asSkipped(error, search.call.signal);
        return await this.#skip(answer, cutOwnMembers(read, keep), skipped.reason, skipped.message, search.call, clock);
      } finally {
        clearTimeout(late);
      }
    } finally {
      work.abort();
    }
  }

  /** Everything that can run beside the client's own request. */
  async #gather(search: Rankable, clock: SearchClock, signal: AbortSignal): Promise<Gathered> {
    const { stamps, encoding, upstream, recall } = this.#deps;
    const stamp = await stamps.describe(search.index || '_all').catch((error: unknown) => {
      throw new Skipped('index_unknown', messageOf(error));
    });
    this.#refuseForeignVectors(stamp);
    const plan = planLegs(search, stamp);
    const history = this.#recall(search, clock, signal);
    const firstPhase = settle(
      clock.stage('first_phase', () => clock.duringEngine(() => runLeg(upstream, search, plan.firstPhase, signal))),
    );
    const vectors = await clock
      .stage('encode', () => encoding.encode(search, stamp))
      .catch((error: unknown) => {
        if (error instanceof ScorerFailure && error.reason === 'encoder_mismatch') throw error;
        return NO_VECTORS;
      });
    const legs = plan.vectorLegs({ text: vectors.text, image: vectors.image ?? vectors.head });
    const answers = await Promise.all(
      legs.map(async (leg) => ({
        role: leg.role,
        answer: await clock.stage(`${leg.role}_leg`, () => clock.duringEngine(() => runLeg(upstream, search, leg, signal))),
      })),
    );
    const byRole = (role: 'text' | 'image'): EngineAnswer | null => answers.find((each) => each.role === role)?.answer ?? null;
    const set = joinCandidates(search, { firstPhase: unwrap(await firstPhase), text: byRole('text'), image: byRole('image') }, plan.mayAdd);
    if (set.candidates.some(({ index }) => !stamp.concrete.includes(index))) {
      stamps.forget(search.index); // the alias was swapped between the stamp and the answer
      throw new Skipped('index_unknown', 'the alias was swapped');
    }
    return { stamp, plan, vectors, history, set };
  }

  /** Never rejects: a history that can't be read is nobody's. */
  #recall(search: Rankable, clock: SearchClock, signal: AbortSignal): Promise<readonly PastEvent[]> {
    const { history, session } = search.options;
    if (history) return Promise.resolve(history.map((event) => ({ ...event, runningSession: false })));
    return clock
      .stage('history', () => clock.duringEngine(() => this.#deps.recall(search.options, signal)))
      .then(
        (events) => pastEvents(events, session),
        () => [],
      );
  }

  /** Vectors of another encoder mean nothing to this one: such an index is not ranked until it is indexed again. */
  #refuseForeignVectors(stamp: IndexStamp): void {
    const { facts } = this.#deps.scorers;
    if (!stamp.meta || !facts) return;
    for (const [kind, stamped, own] of [
      ['text', stamp.meta.encoders.text, facts.textEncoder],
      ['image', stamp.meta.encoders.image, facts.imageEncoder],
    ] as const) {
      if (!stamped || (stamped.id === own.id && stamped.preprocessing === own.preprocessing && stamped.dims === own.dims)) continue;
      throw new Skipped(
        'encoder_mismatch',
        `${stamp.concrete.join(', ')} has ${kind} vectors of ${stamped.id} (${stamped.dims} dims), the sidecar encodes with ${own.id} (${own.dims} dims): ` +
          `set encoders.${kind}.path to the encoder of the index, or index the catalogue again`,
      );
    }
  }

  async #rankPage(work: RankWork): Promise<RankedPage> {
    const { search, stored, candidates } = work;
    if (stored || !candidates) return { ...(await this.#page(work, stored ?? EMPTY_LIST, null)), model: null, fresh: false };
    const gathered = unwrap(await candidates);
    if (gathered.set.candidates.length === 0) throw new Skipped('no_hits', 'nothing to rank');
    const { reply, model, ranking } = await this.#score(work, gathered);
    const list = listOf(gathered.set, ranking);
    const page = await this.#page(work, list, (hit) => explainOne(gathered, ranking, reply, hit));
    this.#lists.keep(search.listKey, list);
    return { ...page, model, fresh: true };
  }

  async #score(work: RankWork, gathered: Gathered): Promise<{ reply: RankReply | null; model: string; ranking: Ranking }> {
    const { search, deadline, clock } = work;
    const { set, stamp } = gathered;
    const { ranker } = search.profile;
    if (ranker === 'first-phase' || ranker === 'shuffle') {
      const scores = ranker === 'shuffle' ? shuffleScores(set.candidates.length, search.listKey) : new Float64Array(set.candidates.length);
      const blend = ranker === 'shuffle' ? search.blend : 0;
      return { reply: null, model: ranker, ranking: rankCandidates(set, { scores, blend, gate: 1 }) };
    }
    const history = await Promise.race([gathered.history, after(deadline - Date.now() - HISTORY_RESERVE_MS, [])]);
    const reply = await clock.stage('rank', () =>
      this.#deps.scorers.rank({
        ranker,
        candidates: set.candidates,
        history,
        indices: stamp.concrete,
        queryText: search.queryText,
        vectors: gathered.vectors,
        meta: stamp.meta,
        roles: stamp.roles,
        signals: search.profile.signals,
        explain: search.explain,
        deadline,
      }),
    );
    for (const [name, milliseconds] of Object.entries(reply.stages)) clock.add(name, milliseconds);
    const model = this.#deps.scorers.facts?.rankers[ranker] ?? ranker;
    return { reply, model, ranking: rankCandidates(set, { scores: reply.scores, blend: search.blend, gate: reply.gate }) };
  }

  /** The hits of [from, from + size): bodies from the client's answer, else fetched; the tail in the engine's order. */
  async #page(
    work: RankWork,
    list: RankedList,
    explain: ((hit: RankedHit) => Json | null) | null,
  ): Promise<{ body: Buffer; window: number }> {
    const { search, answer, clock, signal, keep } = work;
    const { upstream } = this.#deps;
    const end = search.from + search.size;
    const own = list.hits.slice(search.from, end);
    const bodies = indexHits(answer);
    const absent = own.filter((hit) => !bodies.has(hitKey(hit)));
    const tailSize = list.window === search.window ? Math.max(0, end - Math.max(search.from, list.hits.length)) : 0;
    const [fetched, tail] = await Promise.all([
      absent.length === 0 ? null : clock.stage('bodies', () => clock.duringEngine(() => fetchBodies(upstream, search, absent, signal))),
      tailSize === 0 ? null : clock.duringEngine(() => fetchTail(upstream, search, tailPage(search, list, tailSize), signal)),
    ]);
    const page = own.map((hit, place): PageHit => {
      const body = bodies.get(hitKey(hit)) ?? fetched?.get(hitKey(hit));
      if (!body) throw new Skipped('bodies_failed', `the engine no longer finds ${hit.id}`);
      return {
        ...body,
        scoreLiteral: scoreLiteral(search, list, hit, search.from + place),
        explanation: search.explain && explain ? explain(hit) : null,
      };
    });
    for (const hit of tail?.hits ?? []) page.push({ bytes: tail?.bytes ?? answer.bytes, hit, scoreLiteral: null, explanation: null });
    const showExt = search.explain || search.profile.ext;
    const body = mergePage(answer, page, {
      keepFields: keep,
      tookMs: clock.elapsedMs,
      listLength: list.hits.length,
      ext: showExt
        ? { applied: true, profile: search.profileName, window: list.window, took_ms: Math.round(clock.elapsedMs), stages: stagesOf(clock) }
        : null,
    });
    return { body, window: list.window };
  }

  async #applied(answer: UpstreamAnswer, page: RankedPage, search: Rankable, clock: SearchClock): Promise<SearchAnswer> {
    this.#deps.observe.outcome({ applied: true, reason: null, detail: null, clock });
    const window = search.from > 0 && page.fresh ? 'new' : String(page.window);
    return this.#finish(
      answer,
      page.body,
      `applied; ${page.model === null ? '' : `model=${page.model}; `}window=${window}`,
      search.call,
      clock,
    );
  }

  async #skip(
    answer: UpstreamAnswer,
    body: Buffer,
    reason: SkipReason,
    detail: string | null,
    call: SearchCall,
    clock: SearchClock,
  ): Promise<SearchAnswer> {
    this.#deps.observe.outcome({ applied: false, reason, detail, clock });
    return this.#finish(answer, body, `skipped; reason=${reason}`, call, clock);
  }

  async #finish(answer: UpstreamAnswer, body: Buffer, label: string, call: SearchCall, clock: SearchClock): Promise<SearchAnswer> {
    const { 'content-length': _length, ...headers } = answer.headers;
    const packed = body !== answer.body && headers['content-encoding'] === undefined && acceptsGzip(call) && body.length > 1024;
    if (packed) headers['content-encoding'] = 'gzip';
    headers['x-fuserank'] = label;
    if (this.#deps.config.observability.serverTiming) headers['server-timing'] = clock.serverTiming();
    return { status: answer.status, headers, body: packed ? await gzipAsync(body, { level: 1 }) : body };
  }

  #ask(request: UpstreamSearch, signal: AbortSignal, clock: SearchClock): Promise<UpstreamAnswer> {
    return clock.stage('client', () => clock.duringEngine(() => this.#deps.upstream.send({ ...request, signal })));
  }
}

interface Gathered {
  readonly stamp: IndexStamp;
  readonly plan: LegPlan;
  readonly vectors: QueryVectors;
  readonly history: Promise<readonly PastEvent[]>;
  readonly set: CandidateSet;
}

interface PastEvent {
  readonly objectId: string;
  readonly action: string;
  readonly ageSeconds: number;
  /** Of the session that asks now. */
  readonly runningSession: boolean;
}

interface RankWork {
  readonly search: Rankable;
  readonly answer: EngineAnswer;
  readonly stored: RankedList | null;
  readonly candidates: Promise<Settled<Gathered>> | null;
  readonly deadline: number;
  readonly clock: SearchClock;
  readonly signal: AbortSignal;
  readonly keep: ReadonlySet<string>;
}

interface RankedPage {
  readonly body: Buffer;
  readonly window: number;
  readonly model: string | null;
  /** Ranked now, not taken from an earlier page's order. */
  readonly fresh: boolean;
}

const NO_VECTORS: QueryVectors = { text: null, image: null, head: null };
const EMPTY_LIST: RankedList = { hits: [], window: 0, scoreLiterals: [] };

function whyNotRankable(answer: UpstreamAnswer, read: EngineAnswer | null): SkipReason | null {
  if (answer.status !== 200) return 'engine_error';
  if (!read) return 'answer_not_understood';
  if (read.hits.some((hit) => hit.score === null)) return 'no_scores';
  // A hybrid query that lost its pipeline: sentinels of −9549512000 among its hits, each repeating a real id.
  if (read.hits.some((hit) => hit.score && literal(read.bytes, hit.score).startsWith('-'))) return 'negative_scores';
  return null;
}

function listOf(set: CandidateSet, ranking: Ranking): RankedList {
  const hits = ranking.order.flatMap((position): RankedHit[] => {
    const candidate = set.candidates[position];
    return candidate ? [{ index: candidate.index, id: candidate.id, firstPhaseRank: candidate.firstPhaseRank }] : [];
  });
  return { hits, window: set.window, scoreLiterals: set.scoreLiterals };
}

/** The list's own literals dealt out in page order; added hits repeat the last one (`keep`: each hit has its own). */
function scoreLiteral(search: Rankable, list: RankedList, hit: RankedHit, place: number): string | null {
  const rank = search.profile.scores === 'keep' ? (hit.firstPhaseRank ?? list.window) : place;
  return list.scoreLiterals[Math.min(rank, list.window - 1)] ?? null;
}

/** Places after the list are the engine's, counted without the added hits, which the tail search leaves out. */
function tailPage(search: Rankable, list: RankedList, size: number): { from: number; size: number; without: string[] } {
  const added = list.hits.filter((hit) => hit.firstPhaseRank === null);
  return { from: Math.max(search.from, list.hits.length) - added.length, size, without: added.map((hit) => hit.id) };
}

function explainOne(gathered: Gathered, ranking: Ranking, reply: RankReply | null, hit: RankedHit): Json | null {
  const position = gathered.set.candidates.findIndex((candidate) => candidate.index === hit.index && candidate.id === hit.id);
  const candidate = gathered.set.candidates[position];
  return candidate
    ? explainHit({
        candidate,
        position,
        ranking,
        attribution: reply?.explanations?.[position] ?? null,
        legsReason: gathered.plan.reason,
        gate: reply?.gate ?? 1,
      })
    : null;
}

/** Our members of `_source` and `fields` that the client asks for by name. */
function namedOwnFields(body: JsonObject, query: URLSearchParams): ReadonlySet<string> {
  const source = body._source;
  const asked = [
    ...asList(isJsonObject(source) ? (source.includes ?? source.include) : source),
    ...asList(body.fields),
    ...asList(body.docvalue_fields),
    ...['_source', '_source_includes', 'docvalue_fields'].flatMap((name) => (query.get(name) ?? '').split(',')),
  ].map((field) => (isJsonObject(field) ? field.field : field));
  return new Set(OWN_SOURCE_FIELDS.filter((field) => asked.includes(field)));
}

/** The answer must come as text: it is read and cut. It is packed again on the way out. */
function inPlainText(request: UpstreamSearch): UpstreamSearch {
  return { ...request, headers: { ...request.headers, 'accept-encoding': 'identity' } };
}

function acceptsGzip(call: SearchCall): boolean {
  return /\bgzip\b/.test(String(call.headers['accept-encoding'] ?? ''));
}

function readOrNull(body: Buffer): EngineAnswer | null {
  try {
    return readAnswer(body);
  } catch {
    return null; // whatever it is, it goes back as it came
  }
}

function pastEvents(events: readonly HistoryEvent[], session: string | null): PastEvent[] {
  const now = Date.now();
  return events.map((event) => ({
    objectId: event.objectId,
    action: event.action,
    ageSeconds: Math.max(0, (now - event.timestampMs) / 1000),
    runningSession: session !== null && event.sessionId === session,
  }));
}

function stagesOf(clock: SearchClock): JsonObject {
  return Object.fromEntries([...clock.stages].map(([name, milliseconds]) => [name, Math.round(milliseconds * 100) / 100]));
}

function asSkipped(error: unknown, client: AbortSignal): Skipped {
  if (client.aborted) throw client.reason; // nobody is left to answer
  if (error instanceof Skipped) return error;
  if (error instanceof ScorerFailure) return new Skipped(error.reason, error.message);
  if (error instanceof LegFailed) return new Skipped('legs_failed', error.message);
  return new Skipped('internal', messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A result that may be looked at later: its rejection is kept, not unhandled. */
type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );
}

function unwrap<T>(settled: Settled<T>): T {
  if (!settled.ok) throw settled.error;
  return settled.value;
}

function after<T>(milliseconds: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), Math.max(0, milliseconds)).unref());
}

/** The work, or the signal's reason as soon as it aborts. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
