import type { CandidateList } from '../candidate-list.js';
import { standardise, type ColumnValues } from './column-values.js';
import type { Covisits } from './covisits.js';

/** Similarity in attributes of each candidate with each history entry, [N·L] row-major, 0–1. */
export interface AttributeSimilarity {
  brand: Float32Array;
  category: Float32Array;
}

/** Weight of an event lost with each later event. */
const HISTORY_DECAY = 0.9;
const LONGEST_HISTORY = 50;

/** A list with what several of its columns share, each computed at the first call. */
export class ListFacts {
  readonly candidates: CandidateList['candidates'];
  readonly history: CandidateList['history'];
  readonly query: CandidateList['query'];
  readonly cosineStats: CandidateList['cosineStats'];
  /** Shared with inputs other than `columns`. */
  readonly similarity: () => AttributeSimilarity;
  readonly covisits: () => Covisits;
  #firstPhase: { z: ColumnValues; best: readonly number[] } | null = null;
  #weights: readonly number[] | null = null;
  #knownWeights: Float64Array | null = null;
  #recency: ColumnValues | null = null;

  /** @param list with its history already cut and its signals already applied */
  constructor(list: CandidateList, shared: { similarity: () => AttributeSimilarity; covisits: () => Covisits }) {
    this.candidates = list.candidates;
    this.history = list.history;
    this.query = list.query;
    this.cosineStats = list.cosineStats;
    this.similarity = shared.similarity;
    this.covisits = shared.covisits;
  }

  /** z of the first phase's scores, null where only a vector leg found the hit; and the known ones, best first. */
  firstPhase(): { z: ColumnValues; best: readonly number[] } {
    if (this.#firstPhase) return this.#firstPhase;
    const z = standardise(this.candidates.map(({ firstPhaseScore }) => firstPhaseScore));
    return (this.#firstPhase = { z, best: z.filter((value) => value !== null).sort((a, b) => b - a) });
  }

  /** Weights of the events: the newest 1, each older one less. */
  eventWeights(): readonly number[] {
    return (this.#weights ??= this.history.map((_, place) => HISTORY_DECAY ** (this.history.length - 1 - place)));
  }

  /** The same, 0 where the item store does not hold the product. */
  knownWeights(): Float64Array {
    if (this.#knownWeights) return this.#knownWeights;
    const weights = this.eventWeights();
    return (this.#knownWeights = Float64Array.from(this.history, ({ item }, place) => (item === null ? 0 : (weights[place] ?? 0))));
  }

  /** 1 for an event of this moment, less with each hour; null where the history does not hold the product. */
  recency(): ColumnValues {
    if (this.#recency) return this.#recency;
    const lastSeen = new Map<string, number>();
    for (const { objectId, ageSeconds } of this.history) lastSeen.set(objectId, Math.min(ageSeconds, lastSeen.get(objectId) ?? Infinity));
    return (this.#recency = this.candidates.map(({ item }) => {
      const age = item === null ? undefined : lastSeen.get(item.id);
      return age === undefined ? null : 1 / (1 + Math.log1p(Math.max(0, age) / 3600));
    }));
  }

  /** 0–1, logarithmic; null without a history. */
  historyLength(): number | null {
    return this.history.length === 0 ? null : Math.log1p(this.history.length) / Math.log1p(LONGEST_HISTORY);
  }
}
