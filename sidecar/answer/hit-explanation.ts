import type { Attribution } from '../explanation.js';
import type { JsonObject } from '../json/value.js';
import type { Ranking } from '../rank.js';
import type { LegAnswers, RetrievedCandidate } from '../retrieve.js';
import { literal } from '../json/spans.js';
import { hitKey, type EngineAnswer } from './engine-answer.js';

/** Signals whose shares add up to a hit's final score. */
export interface HitEvidence {
  readonly candidate: RetrievedCandidate;
  /** Position in the candidate set. */
  readonly position: number;
  readonly ranking: Ranking;
  readonly legs: LegAnswers;
  /** Id of another candidate. */
  readonly nameOf: (position: number) => string | null;
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
    ...(evidence.legs.lexical === null ? {} : { lexical: foundIn(evidence.legs.lexical, candidate) }),
    text_knn: foundIn(evidence.legs.text, candidate),
    image_knn: foundIn(evidence.legs.image, candidate),
    shares: { first_phase: firstPhase, ...signals, baseline: final - explained },
    personalisation: personal,
    history: (attribution?.history ?? []).map(({ objectId, weight: share }) => ({
      object_id: evidence.mayName(objectId) ? objectId : null,
      weight: share,
    })),
    gate: evidence.gate,
    blend: weight,
    ...describeMove(evidence),
    ...(evidence.legsReason === null ? {} : { no_vector_legs: evidence.legsReason }),
  };
}

/** Score and rank of a hit among a leg's; null where it did not return it. */
function foundIn(leg: EngineAnswer | null, candidate: RetrievedCandidate): JsonObject {
  const key = hitKey(candidate);
  const rank = leg?.hits.findIndex((hit) => hitKey(hit) === key) ?? -1;
  const hit = leg?.hits[rank];
  return { score: leg && hit?.score ? Number(literal(leg.bytes, hit.score)) : null, rank: hit ? rank : null };
}

/** The rule that gave the hit its place; nothing where its score did. */
function describeMove({ ranking, position, nameOf }: HitEvidence): JsonObject {
  const move = ranking.moves.get(position);
  if (!move) return {};
  return { moved_by: move.rule === 'mmr' ? { ...move, like: nameOf(move.like) } : { ...move } };
}
