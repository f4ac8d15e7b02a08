import type { Config } from '../config/schema.js';
import { OWN_SOURCE_FIELDS } from '../mappings/product-index.js';
import { orAbort, settle, unwrap, within, type Settled } from './walk/deadline.js';
import type { EngineAnswer } from './answer/engine-answer.js';
import { readOrNull, refuseUnscored, unreadable } from './answer/rankable-answer.js';
import { answerUbi, type AnsweredSearch } from './answer/ubi-answer.js';
import type { IsErased, RecentErasures } from './behaviour/recent-erasures.js';
import type { SearchRecorder } from './behaviour/search-recorder.js';
import { gatherCandidates, type Gathered, type GatheringDeps } from './walk/gather-candidates.js';
import { explainList } from './answer/hit-explanation.js';
import { describeGathered, describeSearch } from './answer/search-block.js';
import type { Json, JsonObject } from './json/value.js';
import { offerToKeep, type KeptList, type ListKeeper } from './logged-list.js';
import { rankCandidates, shuffleScores, type Ranking } from './rank.js';
import { assemblePage, namedOwnFields } from './answer/ranked-page.js';
import { RankedLists, type RankedHit, type RankedList } from './answer/ranked-lists.js';
import type { CandidateSet } from './retrieve.js';
import type { RankReply } from './scorer.js';
import type { SearchCall } from './request/search-call.js';
import type { UpstreamSearch } from './request/upstream-search.js';
import { namesOfShopper } from './request/search-options.js';
import { fieldsWithoutValues } from './request/list-rules.js';
import { arrangeByRules } from './walk/arranged-list.js';
import type { Admission, Outcome } from './walk/admission.js';
import { askEngine, finishAnswer, inPlainText, type SearchAnswer } from './walk/client-request.js';
import type { SearchObserver } from './search-observer.js';
import { SearchClock } from './walk/search-clock.js';
import { labelOf, type OwnAnswer, type RankedAnswer, type SearchUnderWay } from './walk/search-under-way.js';
import { parseSearchRequest, type PassThrough, type Rankable, type SkipReason } from './search-request.js';
import { cutOwnMembers, mergePage } from './search-response.js';
import { SideWork } from './walk/side-work.js';
import { asSkipped, Skipped } from './walk/skipped.js';

/** What the walk needs of the house around it. */
export interface RankSearchDeps extends GatheringDeps {
  readonly config: Config;
  readonly admission: Admission;
  readonly observe: SearchObserver;
  /** Null: nobody keeps lists. */
  readonly lists: ListKeeper | null;
  /** Who was erased while a search was under way: no order of theirs is stored. */
  readonly erased: RecentErasures;
  /** Takes down searches that carry `ext.ubi`; null where nobody does. */
  readonly searches: SearchRecorder | null;
}

/** Time kept for scoring when a shopper's history is late. */
const HISTORY_RESERVE_MS = 12;
/** Reasons that say of a search that it was let in beside too many others. */
const LATE: ReadonlySet<SkipReason> = new Set(['budget', 'scorer_overloaded']);

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
    const { upstream, config } = this.#deps;
    const clock = new SearchClock();
    const search = parseSearchRequest(call, config);
    const underWay = this.begin(search, call, clock);
    try {
      const hiding = search.kind === 'pass-through' && search.without ? await this.#withoutOwnFields(search.without, search, call) : null;
      const request = hiding ?? (underWay.readsAnswer ? inPlainText(search.upstream) : search.upstream);
      const answer = await askEngine(upstream, request, { signal: call.signal, clock });
      const ranked = await underWay.rank(answer);
      const serverTiming = config.observability.serverTiming ? clock.serverTiming() : null;
      return await finishAnswer(answer, ranked.body, { label: labelOf(ranked), call, serverTiming });
    } finally {
      underWay.close();
    }
  }

  /** Forgets the stored orders of shoppers who are erased. */
  forget(isErased: IsErased): void {
    this.#lists.forgetUsers(isErased);
  }

  /** Starts, beside the client's own request, what ranking its answer needs. */
  begin(search: Rankable | PassThrough, call: SearchCall, clock: SearchClock): SearchUnderWay {
    return search.kind === 'pass-through' ? this.#passThrough(search, call, clock) : this.#beginRanking(search, clock);
  }

  #passThrough(search: PassThrough, call: SearchCall, clock: SearchClock): SearchUnderWay {
    const keeping = search.cutOwnMembers ? this.#keptFields(call.index, search.body, call) : null;
    return {
      readsAnswer: keeping !== null || search.ubi !== null,
      rank: async (answer) => {
        const read = keeping && answer.status === 200 ? readOrNull(answer.body) : null;
        const body = read && keeping ? cutOwnMembers(read, await keeping) : answer.body;
        return this.#skip(answer, body, new Skipped(search.reason, search.detail ?? ''), { call, search, clock });
      },
      close: () => undefined,
    };
  }

  #beginRanking(search: Rankable, clock: SearchClock): SearchUnderWay {
    const { call } = search;
    const work = new SideWork(call.signal);
    const { signal } = work;
    const stored = search.from > 0 ? this.#lists.find(search.listKey) : null;
    const leave = stored ? null : this.#deps.admission.enter(call.caller);
    const gathering = leave ? settle(gatherCandidates(search, this.#deps, clock, signal)) : null;
    const keeping = this.#keptFields(search.index, search.body, call);
    let outcome: Outcome = 'other';
    let late: NodeJS.Timeout | undefined;
    const rank = async (answer: OwnAnswer, spentMs = 0): Promise<RankedAnswer> => {
      const read = answer.status === 200 ? readOrNull(answer.body) : null;
      if (!read) return this.#skip(answer, answer.body, unreadable(answer), { call, search, clock });
      const keep = await keeping;
      const leftMs = search.budgetMs - spentMs;
      late = setTimeout(() => work.abort(new Skipped('budget', `ranking took longer than ${search.budgetMs} ms`)), leftMs);
      try {
        refuseUnscored(read);
        if (!stored && !leave) throw new Skipped('scorer_overloaded', `${this.#deps.admission.limit} searches are being ranked already`);
        const ranking = { search, answer: read, stored, gathering, deadline: Date.now() + leftMs, clock, signal, keep };
        const page = await orAbort(this.#rankPage(ranking), signal);
        outcome = 'in-time';
        if (search.options.dryRun) throw new Skipped('dry_run', '');
        if (page.describe && !this.#isErased(search, clock)) this.#deps.lists?.keep(page.describe);
        const { candidates, withoutValues } = page;
        const unruled = withoutValues.length === 0 ? {} : { unruled: { profile: search.profileName, fields: withoutValues } };
        this.#deps.observe.outcome({ applied: true, reason: null, detail: null, clock, candidates, ...unruled });
        const told = this.#tellUbi(answer, page.body, { call, search, clock, ranking: { fuserank_model: page.model } });
        return { body: told, applied: page.label, reason: null };
      } catch (error) {
        if (call.signal.aborted) throw error; // nobody is left to answer
        const skipped = asSkipped(error);
        // Who asks for less time than the profile gives says nothing about the load.
        if (LATE.has(skipped.reason) && search.budgetMs >= search.profile.budgetMs) outcome = 'late';
        return this.#skip(answer, cutOwnMembers(read, keep), skipped, { call, search, clock });
      }
    };
    const close = (): void => {
      leave?.(outcome);
      clearTimeout(late);
      work.end();
    };
    return { readsAnswer: true, rank, close };
  }

  /** What of our members stays in an answer: what is asked for by name, and all of it where the index is not one of ours. */
  async #keptFields(index: string, body: JsonObject, call: SearchCall): Promise<ReadonlySet<string>> {
    const stamp = await this.#deps.stamps.describe(index).catch(() => null);
    return stamp?.meta === null ? new Set(OWN_SOURCE_FIELDS) : namedOwnFields(body, call.query);
  }

  /** A request whose answer we can't read, for an index of ours. */
  async #withoutOwnFields(without: NonNullable<PassThrough['without']>, { body }: PassThrough, call: SearchCall): Promise<UpstreamSearch> {
    const keep = await this.#keptFields(call.index, body, call);
    return without(OWN_SOURCE_FIELDS.filter((field) => !keep.has(field)));
  }

  async #rankPage(work: RankWork): Promise<RankedPage> {
    const { search, stored, gathering, deadline, clock } = work;
    if (stored || !gathering) {
      const list = stored ?? EMPTY_LIST;
      try {
        const body = await this.#renderPage(work, list, () => null);
        return {
          body,
          label: `window=${list.window}; list=stored`,
          model: list.model,
          candidates: list.hits.length,
          withoutValues: [],
          describe: null,
        };
      } catch (error) {
        this.#lists.forget(search.listKey); // a product of it is gone; the reader's next page is ranked anew
        throw error;
      }
    }
    const gathered = unwrap(await gathering);
    if (gathered.set.candidates.length === 0) throw new Skipped('no_hits', '');
    const { reply, model, ranking, describe } = await this.#score(work, gathered);
    const list = listOf(gathered.set, ranking, model);
    const history = search.showsBlock ? await within(deadline - Date.now(), gathered.history, null) : null;
    const told = describeGathered(gathered, { search, history });
    const explain = search.explain ? explainList({ gathered, ranking, reply, blend: search.blend }) : () => null;
    const body = await this.#renderPage(work, list, explain, told);
    if (!this.#isErased(search, clock)) this.#lists.keep(search.listKey, list, namesOfShopper(search.options));
    return {
      body,
      label: `model=${model}; window=${search.from > 0 ? 'new' : list.window}`,
      model,
      candidates: list.hits.length,
      withoutValues: fieldsWithoutValues(search.rules, gathered.set.values),
      describe,
    };
  }

  async #score(work: RankWork, gathered: Gathered): Promise<Scored> {
    const { search, deadline, clock } = work;
    const { set, stamp } = gathered;
    const arranging = { search, gathered, scorers: this.#deps.scorers, clock, deadline };
    const { ranker, signals } = search.profile;
    const keepsOrder = search.call.given?.keepsOrder === true;
    if (keepsOrder || ranker === 'first-phase' || ranker === 'shuffle') {
      const scores = shuffleScores(set.candidates.length, search.listKey);
      // The ranker first-phase is the engine's order, which no rule touches; an order that a route of ours keeps is arranged.
      const blend = keepsOrder || ranker === 'shuffle' ? search.blend : 0;
      const ranked = rankCandidates(set, { scores, blend, gate: keepsOrder ? 0 : 1 });
      const ranking = await arrangeByRules({ ...arranging, ranking: ranked, blend });
      return { reply: null, model: keepsOrder ? 'first-phase' : ranker, ranking, describe: null };
    }
    const history = await within(deadline - Date.now() - HISTORY_RESERVE_MS, gathered.history, []);
    const { lists } = this.#deps;
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
        columns: lists?.wants(search.options.queryId ?? search.listKey) ?? false,
        inputs: lists?.wantsInputs ?? false,
        deadline,
      }),
    );
    clock.add('items', reply.stages.items);
    clock.add('features', reply.stages.features);
    clock.add('score', reply.stages.score);
    const { model } = reply;
    const ranked = rankCandidates(set, { scores: reply.scores, blend: search.blend, gate: reply.gate });
    const ranking = await arrangeByRules({ ...arranging, ranking: ranked, blend: search.blend });
    const { config } = this.#deps;
    const describe = offerToKeep({
      search,
      config,
      reply,
      history,
      order: ranking.order,
      candidates: set.candidates,
      statistics: gathered.statistics,
    });
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
      ext: search.showsBlock ? { ...describeSearch(search, list, clock), ...told } : null,
    });
  }

  #skip(answer: OwnAnswer, body: Buffer, skipped: Skipped, work: Omit<AnsweredSearch, 'ranking'>): RankedAnswer {
    const { reason } = skipped;
    this.#deps.observe.outcome({ applied: false, reason, detail: skipped.message || null, clock: work.clock, candidates: null });
    return { body: this.#tellUbi(answer, body, { ...work, ranking: { fuserank_reason: reason } }), applied: null, reason };
  }

  #tellUbi(answer: OwnAnswer, body: Buffer, work: AnsweredSearch): Buffer {
    const { ubi } = work.search;
    return ubi && answer.status === 200 ? answerUbi(ubi, body, work, this.#deps.searches) : body;
  }

  /** Whether the shopper was erased since the search began: then nothing of it is kept. */
  #isErased({ options }: Rankable, clock: SearchClock): boolean {
    return this.#deps.erased.coverSince(namesOfShopper(options), performance.now() - clock.elapsedMs);
  }
}

interface RankedPage {
  readonly body: Buffer;
  readonly label: string;
  /** The ranker that made the list, `name-version@sha8`. */
  readonly model: string;
  /** Hits of the ranked list. */
  readonly candidates: number;
  /** Fields of the rules that no candidate has a value of. */
  readonly withoutValues: readonly string[];
  /** For those who keep lists; null where nobody wants this one, or nothing was scored. */
  readonly describe: (() => KeptList) | null;
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

const EMPTY_LIST: RankedList = { hits: [], window: 0, scoreLiterals: [], model: '' };

function listOf(set: CandidateSet, ranking: Ranking, model: string): RankedList {
  const hits = ranking.order.flatMap((position): RankedHit[] => {
    const candidate = set.candidates[position];
    return candidate
      ? [{ index: candidate.index, id: candidate.id, firstPhaseRank: candidate.firstPhaseRank, group: set.expanded?.[position] ?? null }]
      : [];
  });
  return { hits, window: set.window, scoreLiterals: set.scoreLiterals, model };
}
