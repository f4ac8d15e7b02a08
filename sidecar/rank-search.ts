import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Config } from '../config/schema.js';
import { OWN_SOURCE_FIELDS } from '../mappings/product-index.js';
import type { UpstreamAnswer } from '../opensearch/upstream.js';
import { orAbort, settle, unwrap, within, type Settled } from './walk/deadline.js';
import { readAnswer, type EngineAnswer } from './answer/engine-answer.js';
import { gatherCandidates, type Gathered, type GatheringDeps } from './walk/gather-candidates.js';
import { explainHit } from './answer/hit-explanation.js';
import { describeGathered, describeSearch } from './answer/search-block.js';
import type { Json, JsonObject } from './json/value.js';
import { literal } from './json/spans.js';
import { describeList, nameList, type ListKeeper, type LoggedList } from './logged-list.js';
import { rankCandidates, shuffleScores, type Ranking } from './rank.js';
import { assemblePage, namedOwnFields } from './answer/ranked-page.js';
import { RankedLists, type RankedHit, type RankedList } from './answer/ranked-lists.js';
import type { CandidateSet } from './retrieve.js';
import type { RankReply } from './scorer.js';
import { headerOf, type SearchCall } from './request/search-call.js';
import type { Admission } from './walk/admission.js';
import { type Outcome } from './walk/admission.js';
import { SearchClock } from './walk/search-clock.js';
import { parseSearchRequest, type PassThrough, type Rankable, type SkipReason, type UpstreamSearch } from './search-request.js';
import { cutOwnMembers, mergePage } from './search-response.js';
import { asSkipped, Skipped } from './walk/skipped.js';

export interface SearchAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** What the walk needs of the house around it. */
export interface RankSearchDeps extends GatheringDeps {
  readonly config: Config;
  readonly admission: Admission;
  readonly observe: SearchObserver;
  /** Null: nobody keeps lists. */
  readonly lists: ListKeeper | null;
}

export interface SearchObserver {
  outcome(outcome: {
    readonly applied: boolean;
    readonly reason: SkipReason | null;
    readonly detail: string | null;
    readonly clock: SearchClock;
    /** Hits in the ranked list; null where none was made. */
    readonly candidates: number | null;
  }): void;
}

/** Time kept for scoring when a shopper's history is late. */
const HISTORY_RESERVE_MS = 12;
/** Below this, packing costs more than it saves. */
const PACKED_BYTES = 1024;

/** Reasons that say of a search that it was let in beside too many others. */
const LATE: ReadonlySet<SkipReason> = new Set(['budget', 'scorer_overloaded']);

const gzipAsync = promisify(gzip);

/** The walk of one search through the stages, under one budget. A fault of ours ends in the engine's own order. */
export class SearchRanker {
  readonly #deps: RankSearchDeps;
  readonly #lists = new RankedLists();

  constructor(deps: RankSearchDeps) {
    this.#deps = deps;
  }

  /**
   * Answers a `_search`. Throws `BadSearchOption` for a wrong member of ours and the upstream's own error where the engine
   * can't be reached; everything else is an answer of the engine.
   */
  async answer(call: SearchCall): Promise<SearchAnswer> {
    const clock = new SearchClock();
    const search = parseSearchRequest(call, this.#deps.config);
    return search.kind === 'pass-through' ? this.#passThrough(search, call, clock) : this.#answerRankable(search, clock);
  }

  async #passThrough(search: PassThrough, call: SearchCall, clock: SearchClock): Promise<SearchAnswer> {
    const keeping = search.cutOwnMembers ? this.#keptFields(call.index, search.body, call) : null;
    const answer = await this.#ask(keeping ? inPlainText(search.upstream) : search.upstream, call.signal, clock);
    const read = keeping && answer.status === 200 ? readOrNull(answer.body) : null;
    const body = read && keeping ? cutOwnMembers(read, await keeping) : answer.body;
    return this.#skip(answer, body, new Skipped(search.reason, ''), call, clock);
  }

  async #answerRankable(search: Rankable, clock: SearchClock): Promise<SearchAnswer> {
    const work = new AbortController();
    const { call } = search;
    const signal = AbortSignal.any([call.signal, work.signal]);
    const stored = search.from > 0 ? this.#lists.find(search.listKey) : null;
    const leave = stored ? null : this.#deps.admission.enter(call.caller);
    const gathering = leave ? settle(gatherCandidates(search, this.#deps, clock, signal)) : null;
    let outcome: Outcome = 'other';
    const keeping = this.#keptFields(search.index, search.body, call);
    let late: NodeJS.Timeout | undefined;
    try {
      const answer = await this.#ask(inPlainText(search.upstream), call.signal, clock);
      const read = answer.status === 200 ? readOrNull(answer.body) : null;
      if (!read) return await this.#skip(answer, answer.body, unreadable(answer), call, clock);
      const keep = await keeping;
      late = setTimeout(() => work.abort(new Skipped('budget', `ranking took longer than ${search.budgetMs} ms`)), search.budgetMs);
      try {
        refuseUnscored(read);
        if (!stored && !leave) throw new Skipped('scorer_overloaded', `${this.#deps.admission.limit} searches are being ranked already`);
        const ranking = { search, answer: read, stored, gathering, deadline: Date.now() + search.budgetMs, clock, signal, keep };
        const page = await orAbort(this.#rankPage(ranking), signal);
        outcome = 'in-time';
        if (search.options.dryRun) throw new Skipped('dry_run', '');
        if (page.describe) this.#deps.lists?.keep(page.describe);
        this.#deps.observe.outcome({ applied: true, reason: null, detail: null, clock, candidates: page.candidates });
        return await this.#finish(answer, page.body, `applied; ${page.label}`, call, clock);
      } catch (error) {
        if (call.signal.aborted) throw error; // nobody is left to answer
        const skipped = asSkipped(error);
        // Who asks for less time than the profile gives says nothing about the load.
        if (LATE.has(skipped.reason) && search.budgetMs >= search.profile.budgetMs) outcome = 'late';
        return await this.#skip(answer, cutOwnMembers(read, keep), skipped, call, clock);
      }
    } finally {
      leave?.(outcome);
      clearTimeout(late);
      work.abort();
    }
  }

  /** What of our members stays in an answer: what is asked for by name, and all of it where the index is not one of ours. */
  async #keptFields(index: string, body: JsonObject, call: SearchCall): Promise<ReadonlySet<string>> {
    const stamp = await this.#deps.stamps.describe(index).catch(() => null);
    return stamp?.meta === null ? new Set(OWN_SOURCE_FIELDS) : namedOwnFields(body, call.query);
  }

  async #rankPage(work: RankWork): Promise<RankedPage> {
    const { search, stored, gathering, deadline } = work;
    if (stored || !gathering) {
      const list = stored ?? EMPTY_LIST;
      try {
        const body = await this.#renderPage(work, list, () => null);
        return { body, label: `window=${list.window}; list=stored`, candidates: list.hits.length, describe: null };
      } catch (error) {
        this.#lists.forget(search.listKey); // a product of it is gone; the reader's next page is ranked anew
        throw error;
      }
    }
    const gathered = unwrap(await gathering);
    if (gathered.set.candidates.length === 0) throw new Skipped('no_hits', '');
    const { reply, model, ranking, describe } = await this.#score(work, gathered);
    const list = listOf(gathered.set, ranking);
    const history = showsBlock(search) ? await within(deadline - Date.now(), gathered.history, null) : null;
    const told = describeGathered(gathered, { search, history });
    const body = await this.#renderPage(work, list, (hit) => (search.explain ? explainOne(gathered, ranking, reply, hit) : null), told);
    this.#lists.keep(search.listKey, list);
    return { body, label: `model=${model}; window=${search.from > 0 ? 'new' : list.window}`, candidates: list.hits.length, describe };
  }

  async #score(work: RankWork, gathered: Gathered): Promise<Scored> {
    const { search, deadline, clock } = work;
    const { set, stamp } = gathered;
    const { ranker, signals } = search.profile;
    if (ranker === 'first-phase' || ranker === 'shuffle') {
      const scores = shuffleScores(set.candidates.length, search.listKey);
      const blend = ranker === 'shuffle' ? search.blend : 0;
      return { reply: null, model: ranker, ranking: rankCandidates(set, { scores, blend, gate: 1 }), describe: null };
    }
    const history = await within(deadline - Date.now() - HISTORY_RESERVE_MS, gathered.history, []);
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
        statistics: gathered.statistics?.index ?? null,
        signals,
        explain: search.explain,
        columns: this.#deps.lists?.wants(search.options.queryId ?? search.listKey) ?? false,
        deadline,
      }),
    );
    clock.add('items', reply.stages.items);
    clock.add('features', reply.stages.features);
    clock.add('score', reply.stages.score);
    const model = this.#deps.scorers.facts?.rankers[ranker] ?? ranker;
    const ranking = rankCandidates(set, { scores: reply.scores, blend: search.blend, gate: reply.gate });
    const { columns } = reply;
    const facts = columns && {
      ...nameList(search, this.#deps.config),
      model,
      history_length: history.length,
      statistics_until: gathered.statistics?.until ?? null,
      missing: reply.missing + reply.missingStatistics,
    };
    const describe = facts && (() => describeList(facts, { candidates: set.candidates, columns, order: ranking.order }));
    return { reply, model, ranking, describe };
  }

  /** @param told what the answer's own block says of the candidates; nothing where the list was stored */
  async #renderPage(work: RankWork, list: RankedList, explain: (hit: RankedHit) => Json | null, told: JsonObject = {}): Promise<Buffer> {
    const { search, answer, clock, signal, keep } = work;
    const page = await assemblePage({ search, answer, list, upstream: this.#deps.upstream, clock, signal, explain });
    return mergePage(answer, page, {
      keepFields: keep,
      tookMs: clock.elapsedMs,
      listLength: list.hits.length > list.window ? list.hits.length : 0,
      ext: showsBlock(search) ? { ...describeSearch(search, list, clock), ...told } : null,
    });
  }

  #skip(answer: UpstreamAnswer, body: Buffer, skipped: Skipped, call: SearchCall, clock: SearchClock): Promise<SearchAnswer> {
    this.#deps.observe.outcome({ applied: false, reason: skipped.reason, detail: skipped.message || null, clock, candidates: null });
    return this.#finish(answer, body, `skipped; reason=${skipped.reason}`, call, clock);
  }

  /** Packed again where the client takes gzip: the engine was asked for plain text, since its answer is read and cut. */
  async #finish(answer: UpstreamAnswer, body: Buffer, label: string, call: SearchCall, clock: SearchClock): Promise<SearchAnswer> {
    const { 'content-length': _length, ...headers } = answer.headers;
    const asked = /\bgzip\b/.test(headerOf(call, 'accept-encoding') ?? '');
    const packed = asked && body !== answer.body && headers['content-encoding'] === undefined && body.length > PACKED_BYTES;
    if (packed) headers['content-encoding'] = 'gzip';
    headers['x-fuserank'] = label;
    const answered = packed ? await gzipAsync(body, { level: 1 }) : body;
    if (this.#deps.config.observability.serverTiming) headers['server-timing'] = clock.serverTiming();
    return { status: answer.status, headers, body: answered };
  }

  #ask(request: UpstreamSearch, signal: AbortSignal, clock: SearchClock): Promise<UpstreamAnswer> {
    return clock.stage('client', () => clock.duringEngine(() => this.#deps.upstream.send({ ...request, signal })));
  }
}

interface RankedPage {
  readonly body: Buffer;
  readonly label: string;
  /** Hits of the ranked list. */
  readonly candidates: number;
  /** For those who keep lists; null where nobody wants this one, or nothing was scored. */
  readonly describe: (() => LoggedList) | null;
}

interface Scored {
  readonly reply: RankReply | null;
  readonly model: string;
  readonly ranking: Ranking;
  readonly describe: RankedPage['describe'];
}

interface RankWork {
  readonly search: Rankable;
  readonly answer: EngineAnswer;
  /** The order of an earlier page; null = rank now. */
  readonly stored: RankedList | null;
  readonly gathering: Promise<Settled<Gathered>> | null;
  /** Epoch milliseconds. */
  readonly deadline: number;
  readonly clock: SearchClock;
  readonly signal: AbortSignal;
  readonly keep: ReadonlySet<string>;
}

const EMPTY_LIST: RankedList = { hits: [], window: 0, scoreLiterals: [] };

function unreadable(answer: UpstreamAnswer): Skipped {
  return new Skipped(answer.status === 200 ? 'answer_not_understood' : 'engine_error', `status ${answer.status}`);
}

/** Hits without a score have no order of ours to blend with; negative ones come from a hybrid query that lost its pipeline. */
function refuseUnscored(answer: EngineAnswer): void {
  if (answer.hits.some((hit) => hit.score === null)) throw new Skipped('no_scores', 'hits without _score');
  if (answer.hits.some((hit) => hit.score && literal(answer.bytes, hit.score).startsWith('-'))) {
    throw new Skipped('negative_scores', 'negative scores: a hybrid query that ran without its search pipeline');
  }
}

function listOf(set: CandidateSet, ranking: Ranking): RankedList {
  const hits = ranking.order.flatMap((position): RankedHit[] => {
    const candidate = set.candidates[position];
    return candidate ? [{ index: candidate.index, id: candidate.id, firstPhaseRank: candidate.firstPhaseRank }] : [];
  });
  return { hits, window: set.window, scoreLiterals: set.scoreLiterals };
}

function explainOne(gathered: Gathered, ranking: Ranking, reply: RankReply | null, hit: RankedHit): Json | null {
  const position = gathered.set.candidates.findIndex(({ index, id }) => index === hit.index && id === hit.id);
  const candidate = gathered.set.candidates[position];
  if (!candidate) return null;
  const attribution = reply?.explanations?.[position] ?? null;
  // Of the history only what this client's own search returned is named: an explanation must not show what it may not read.
  const mayName = (id: string): boolean => gathered.set.candidates.some((each) => each.id === id);
  return explainHit({ mayName, candidate, position, ranking, attribution, legsReason: gathered.plan.reason, gate: reply?.gate ?? 1 });
}

/** The answer must come as text: it is read and cut. */
function inPlainText(request: UpstreamSearch): UpstreamSearch {
  return { ...request, headers: { ...request.headers, 'accept-encoding': 'identity' } };
}

function readOrNull(body: Buffer): EngineAnswer | null {
  try {
    return readAnswer(body);
  } catch {
    return null; // whatever it is, it goes back as it came
  }
}

/** Whether the answer carries `ext.fuserank`. */
function showsBlock({ explain, profile, options }: Rankable): boolean {
  return explain || profile.ext || options.ext || options.legs;
}
