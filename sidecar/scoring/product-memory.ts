import type { EngineClient } from '../../opensearch/connection.js';
import type { Candidate, CandidateList, HistoryEntry, Item } from '../candidate-list.js';
import { ItemVectors, type ItemVersion } from '../item-vectors.js';
import { StatisticsStore } from '../statistics/statistics-store.js';
import { within } from '../walk/deadline.js';
import { GIVEN, ScorerFailure, type RankRequest, type WarmRequest } from './scorer-tasks.js';

/** Of the memory for item vectors, so much again may be taken by item statistics. */
const STATISTICS_SHARE = 0.25;
/** Of the vectors that exist but did not arrive in time, this share may be masked; beyond it the list is not ranked. */
const MASKABLE_SHARE = 0.1;
/** Kept back of the time that remains, for scoring what arrived. */
const SCORING_RESERVE_MS = 8;

/** All that a scorer process knows of products: their vectors and field values, and what shoppers did with them. */
export class ProductMemory {
  readonly #items: ItemVectors;
  readonly #statistics: StatisticsStore;

  /** @param options.bytes for item vectors; statistics take a quarter of it at most, on top */
  constructor(engine: EngineClient, options: { bytes: number }) {
    this.#items = new ItemVectors(engine, options);
    this.#statistics = new StatisticsStore(engine, { bytes: Math.ceil(STATISTICS_SHARE * options.bytes) });
  }

  /** Reads an index ahead. Resolves with the rows kept. */
  warm(request: WarmRequest): Promise<number> {
    if (request.what === 'statistics') return this.#statistics.warm(request.index);
    return this.#items.warm(request.index, request.roles, new AbortController().signal);
  }

  /**
   * Fetches once what memory lacks of a request, within the time that remains.
   * @param request.statistics null: nobody looks at them
   * @returns how many candidates stay without vectors, and how many products without statistics, that were asked for
   * @throws ScorerFailure `vectors_missing`
   */
  async fetchMissing(request: RankRequest): Promise<{ vectors: number; statistics: number }> {
    const { statistics } = request;
    const wanted: ItemVersion[] = request.candidates.filter((candidate) => this.#isMissing(candidate));
    const historyIds = new Set(request.history.map((event) => event.objectId));
    for (const id of historyIds) {
      for (const index of request.indices)
        if (this.#items.get({ index, id, seqNo: null }) === undefined) wanted.push({ index, id, seqNo: null });
    }
    const uncounted = statistics === null ? [] : this.#uncounted(statistics, [...request.candidates.map(({ id }) => id), ...historyIds]);
    if (wanted.length === 0 && uncounted.length === 0) return { vectors: 0, statistics: 0 };
    const reads: Promise<void>[] = [];
    if (wanted.length > 0) reads.push(this.#items.fetch(wanted, request.roles).catch(() => undefined));
    if (statistics !== null && uncounted.length > 0) reads.push(this.#statistics.fetch(statistics, uncounted).catch(() => undefined));
    await within(request.deadline - Date.now() - SCORING_RESERVE_MS, Promise.all(reads), undefined);
    const vectors = request.candidates.filter((candidate) => this.#isMissing(candidate)).length;
    if (vectors > MASKABLE_SHARE * request.candidates.length) {
      throw new ScorerFailure('vectors_missing', `vectors of ${vectors} of ${request.candidates.length} candidates did not arrive in time`);
    }
    return { vectors, statistics: statistics === null ? 0 : this.#uncounted(statistics, uncounted).length };
  }

  /** What ranking looks at, from what is in memory now. */
  assembleList(request: RankRequest): CandidateList {
    const candidates = request.candidates.map((candidate): Candidate => ({
      item: this.#counted(
        request.statistics,
        (candidate.index === GIVEN ? request.given?.get(candidate.id) : this.#items.get(candidate)) ?? null,
      ),
      firstPhaseScore: candidate.firstPhaseScore,
      firstPhaseRank: candidate.firstPhaseRank,
      textRank: candidate.textRank,
      imageRank: candidate.imageRank,
    }));
    const history = request.history.map((event): HistoryEntry => ({
      ...event,
      item: this.#counted(request.statistics, this.#findItem(event.objectId, request.indices)),
    }));
    return {
      candidates,
      history,
      query: {
        text: request.queryText,
        textVector: request.vectors.text,
        imageVector: request.vectors.image,
        headVector: request.vectors.head,
      },
      cosineStats: request.meta?.cosine_stats ?? NO_COSINE_STATISTICS,
      signals: request.signals,
      textDims: request.meta?.encoders.text?.dims ?? 0,
      imageDims: request.meta?.encoders.image?.dims ?? 0,
    };
  }

  #isMissing(candidate: ItemVersion): boolean {
    return candidate.index !== GIVEN && this.#items.get(candidate) === undefined;
  }

  /** Of these ids, those whose statistics are not here yet. */
  #uncounted(statistics: string, ids: readonly string[]): string[] {
    return [...new Set(ids)].filter((id) => this.#statistics.get(statistics, id) === undefined);
  }

  #counted(statistics: string | null, item: Item | null): Item | null {
    const known = item === null || statistics === null ? null : (this.#statistics.get(statistics, item.id) ?? null);
    return item && known ? { ...item, statistics: known } : item;
  }

  #findItem(id: string, indices: readonly string[]): Item | null {
    for (const index of indices) {
      const item = this.#items.get({ index, id, seqNo: null });
      if (item) return item;
    }
    return null;
  }
}

const NO_COSINE_STATISTICS: CandidateList['cosineStats'] = {
  'query_text:item_text': null,
  'query_image:item_image': null,
  'query_head:item_image': null,
  'item_text:item_text': null,
  'item_image:item_image': null,
};
