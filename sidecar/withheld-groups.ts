import type { Ranker } from '../models/ranker.js';
import type { Candidate, CandidateList, HistoryEntry } from './candidate-list.js';
import { seenSignals, type Signal } from './explanation.js';
import { assembleFeatures } from './features.js';

/** What a list may be scored without: the shopper's past; all pictures; what shoppers did, by product and by pair of products. */
export const GROUPS = ['history', 'picture', 'counts'] as const;
export type Group = (typeof GROUPS)[number];

/** What the ranker says of the list without a group, as if that had never been known. */
export interface WithheldScores {
  /** [N] */
  readonly scores: Float32Array;
  readonly gate: number;
}

/** Signals by which a ranker may look at a group. */
const SEEN_BY: Readonly<Record<Group, readonly Signal[]>> = {
  history: ['business', 'behaviour', 'history_text', 'history_image'],
  picture: ['query_image', 'history_image', 'history_text'],
  counts: ['behaviour'],
};

const WITHHOLD: Readonly<Record<Group, (list: CandidateList) => CandidateList>> = {
  history: (list) => ({ ...list, signals: { ...list.signals, history: false } }),
  picture: (list) => ({ ...list, signals: { ...list.signals, image: false } }),
  counts: (list) => ({ ...list, candidates: list.candidates.map(uncounted), history: list.history.map(uncounted) }),
};

/**
 * The list scored once more without each group that the ranker looks at. An explanation that needs no theory: this is what would have
 * been. The candidates stay the same, those that pictures found, too.
 */
export async function scoreWithout(ranker: Ranker, list: CandidateList): Promise<Partial<Record<Group, WithheldScores>>> {
  const seen = seenSignals(ranker);
  const without: Partial<Record<Group, WithheldScores>> = {};
  for (const group of GROUPS) {
    if (!SEEN_BY[group].some((signal) => seen.includes(signal))) continue;
    const { scores, gate } = await ranker.score(assembleFeatures(WITHHOLD[group](list), ranker));
    without[group] = { scores, gate: gate?.[0] ?? 1 };
  }
  return without;
}

function uncounted<T extends Candidate | HistoryEntry>(holder: T): T {
  return { ...holder, item: holder.item && { ...holder.item, statistics: null } };
}
