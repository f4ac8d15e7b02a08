import type { GradedList } from './discounted-gain.js';

/** How a list is cut and what counts as relevant: a grade of `rel` or more. `k` null: the whole list. */
export interface Cut {
  readonly k: number | null;
  readonly rel: number;
}

/*
 * All of these see a grade as relevant or not. A document that is not judged is not relevant. Each is 0–1, and null where no judged
 * document is relevant, since then no order is better than another.
 */

/** Reciprocal rank: 1 / rank of the first relevant hit, 0 without one (`recip_rank` of trec_eval, `RR` of ir_measures; MRR is its mean). */
export function measureReciprocalRank(list: GradedList, cut: Cut): number | null {
  if (countRelevant(list, cut) === 0) return null;
  const place = relevance(list, cut).indexOf(true);
  return place === -1 ? 0 : 1 / (place + 1);
}

/** Average precision: Σ P@i over ranks i of relevant hits, divided by ALL relevant judged documents (`map`, `map_cut` of trec_eval). */
export function measureAveragePrecision(list: GradedList, cut: Cut): number | null {
  const relevant = countRelevant(list, cut);
  if (relevant === 0) return null;
  let [found, sum] = [0, 0];
  relevance(list, cut).forEach((isRelevant, place) => {
    if (isRelevant) sum += ++found / (place + 1);
  });
  return sum / relevant;
}

/** Precision: relevant hits among the first k, divided by k even where the list is shorter (`P_k` of trec_eval). */
export function measurePrecision(list: GradedList, cut: Cut & { k: number }): number | null {
  return countRelevant(list, cut) === 0 ? null : countFound(list, cut) / cut.k;
}

/** Recall: relevant hits among the first k, divided by all relevant judged documents (`recall_k` of trec_eval). */
export function measureRecall(list: GradedList, cut: Cut): number | null {
  const relevant = countRelevant(list, cut);
  return relevant === 0 ? null : countFound(list, cut) / relevant;
}

/** Hit rate: 1 where a relevant hit is among the first k, else 0 (`success_k` of trec_eval, `hit_rate` of ranx). */
export function measureHitRate(list: GradedList, cut: Cut): number | null {
  return countRelevant(list, cut) === 0 ? null : Number(countFound(list, cut) > 0);
}

/** F1: 2PR / (P + R) of precision and recall at k, 0 where both are 0 (van Rijsbergen 1979; `f1` of ranx). */
export function measureF1(list: GradedList, cut: Cut & { k: number }): number | null {
  const [precision, recall] = [measurePrecision(list, cut), measureRecall(list, cut)];
  if (precision === null || recall === null) return null;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/**
 * Area under the ROC curve of the list: the share of pairs (relevant hit, other hit) in which the relevant one stands above
 * (Mann–Whitney U / n₁n₂; Hanley, McNeil 1982). Over the first k hits that are there; .5 is a random order. Null where the list holds no
 * such pair. It says nothing of what was not found.
 */
export function measureAuc(list: GradedList, cut: Cut): number | null {
  let [relevant, others, wins] = [0, 0, 0];
  for (const isRelevant of relevance(list, cut)) {
    if (isRelevant) relevant += 1;
    else {
      others += 1;
      wins += relevant;
    }
  }
  return relevant === 0 || others === 0 ? null : wins / (relevant * others);
}

function relevance({ hits }: GradedList, { k, rel }: Cut): boolean[] {
  return hits.slice(0, k ?? hits.length).map(({ grade }) => grade !== null && grade >= rel);
}

function countFound(list: GradedList, cut: Cut): number {
  return relevance(list, cut).filter(Boolean).length;
}

function countRelevant({ judged }: GradedList, { rel }: Cut): number {
  return judged.filter((grade) => grade >= rel).length;
}
