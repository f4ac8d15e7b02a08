import type { Attribution } from '../explanation.js';
import type { JsonObject } from '../json/value.js';
import type { Ranking } from '../rank.js';
import type { RetrievedCandidate } from '../retrieve.js';

/** Signals whose shares add up to a hit's final score. */
export interface HitEvidence {
  readonly candidate: RetrievedCandidate;
  /** Position in the candidate set. */
  readonly position: number;
  readonly ranking: Ranking;
  /** What each signal contributed to the model's score; null under a ranker without a model. */
  readonly attribution: Attribution | null;
  readonly gate: number;
  /** Whether a history item may be named. */
  readonly mayName: (id: string) => boolean;
  /** Why there were no vector legs; null where there were. */
  readonly legsReason: string | null;
}

/**
 * The arithmetic of one hit, as `fields._fuserank[0]` shows it. `shares` add up to `final`:
 * first_phase = (1 − d·g)·z_first; each signal = d·g·(its part of the model's score) / spread of the list; `baseline` is what
 * the model gives without any signal, centred on the list's mean.
 */
export function explainHit(evidence: HitEvidence): JsonObject {
  const { candidate, position, ranking, attribution } = evidence;
  const { weight, model } = ranking;
  const scale = weight / model.spread;
  const zFirst = ranking.zFirst[position] ?? 0;
  const final = ranking.final[position] ?? 0;
  const firstPhase = (1 - weight) * zFirst;
  const signals = Object.fromEntries(Object.entries(attribution?.shares ?? {}).map(([name, part]) => [name, scale * part]));
  const explained = firstPhase + Object.values(signals).reduce((sum, share) => sum + share, 0);
  const personal = (signals['history_text'] ?? 0) + (signals['history_image'] ?? 0);
  return {
    rank: ranking.order.indexOf(position),
    final,
    first_phase: { score: candidate.firstPhaseScore, rank: candidate.firstPhaseRank, z: zFirst },
    text_knn: { rank: candidate.textRank },
    image_knn: { rank: candidate.imageRank },
    shares: { first_phase: firstPhase, ...signals, baseline: final - explained },
    personalisation: personal,
    history: (attribution?.history ?? []).map(({ objectId, weight: share }) => ({
      object_id: evidence.mayName(objectId) ? objectId : null,
      weight: share,
    })),
    gate: evidence.gate,
    blend: weight,
    ...(evidence.legsReason === null ? {} : { no_vector_legs: evidence.legsReason }),
  };
}
