import type { Attribution } from '../explanation.js';
import { literal } from '../json/spans.js';
import type { Json, JsonObject } from '../json/value.js';
import { rankCandidates, type Ranking } from '../rank.js';
import type { LegAnswers, RetrievedCandidate } from '../retrieve.js';
import type { RankReply } from '../scorer.js';
import { GROUPS, type Group } from '../withheld-groups.js';
import type { Gathered } from '../walk/gather-candidates.js';
import { hitKey, type EngineAnswer } from './engine-answer.js';

/** What the hits of a search's list are explained from. */
export interface ListEvidence {
  readonly gathered: Gathered;
  readonly ranking: Ranking;
  /** Null under a ranker without a model. */
  readonly reply: RankReply | null;
  /** The dial that ranked the list. */
  readonly blend: number;
}

/** Tells the arithmetic of a hit of a search's list; null for a hit that is not in it. */
export function explainList({
  gathered,
  ranking,
  reply,
  blend,
}: ListEvidence): (hit: Pick<RetrievedCandidate, 'index' | 'id'>) => JsonObject | null {
  const { set, legs, plan } = gathered;
  const without = rankWithout(set, reply, blend);
  return (hit) => {
    const key = hitKey(hit);
    const position = set.candidates.findIndex((each) => hitKey(each) === key);
    const candidate = set.candidates[position];
    if (!candidate) return null;
    return explainHit({
      candidate,
      position,
      ranking,
      legs,
      attribution: reply?.explanations?.[position] ?? null,
      gate: reply?.gate ?? 1,
      without,
      // Of the history only what this client's own search returned is named: an explanation must not show what it may not read.
      mayName: (id) => set.candidates.some((each) => each.id === id),
      nameOf: (other) => set.candidates[other]?.id ?? null,
      legsReason: plan.reason,
    });
  };
}

/** The list by score alone as it would have been without a group of signals. */
export type WithoutRankings = Partial<Readonly<Record<Group, Ranking>>>;

/** @param blend the dial that ranked the list */
export function rankWithout(set: Parameters<typeof rankCandidates>[0], reply: RankReply | null, blend: number): WithoutRankings {
  const rankings: Partial<Record<Group, Ranking>> = {};
  for (const group of GROUPS) {
    const withheld = reply?.without[group];
    if (withheld) rankings[group] = rankCandidates(set, { ...withheld, blend });
  }
  return rankings;
}

/** Signals whose shares add up to a hit's final score. */
export interface HitEvidence {
  readonly candidate: RetrievedCandidate;
  /** Position in the candidate set. */
  readonly position: number;
  readonly ranking: Ranking;
  /** What each signal contributed to the model's score; null under a ranker without a model. */
  readonly attribution: Attribution | null;
  readonly gate: number;
  readonly without: WithoutRankings;
  /** Whether a history item may be named. */
  readonly mayName: (id: string) => boolean;
  /** Id of another candidate; absent where no rule compares them. */
  readonly nameOf?: (position: number) => string | null;
  /** What each retriever found; null where none was asked. */
  readonly legs: LegAnswers | null;
  /** Why there were no vector legs; null where there were. */
  readonly legsReason: string | null;
}

/**
 * The arithmetic of one hit, as `fields._fuserank[0]` shows it. `shares` add up to `final`:
 * first_phase = (1 − d·g)·z_first; each signal = d·g·(its part of the model's score) / spread of the list; `baseline` is what
 * the model gives without any signal, centred on the list's mean. Parts of the model's score are on the same scale.
 */
export function explainHit(evidence: HitEvidence): JsonObject {
  const { candidate, position, ranking, attribution, legs } = evidence;
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
    ...(legs?.lexical ? { lexical: foundIn(legs.lexical, candidate) } : {}),
    text_knn: { score: scoreIn(legs?.text, candidate), rank: candidate.textRank },
    image_knn: { score: scoreIn(legs?.image, candidate), rank: candidate.imageRank },
    shares: { first_phase: firstPhase, ...signals, baseline: final - explained },
    personalisation: personal,
    ...(attribution ? describeScore(attribution, { scale, model }) : {}),
    ...describeWithout(evidence),
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

/** The model's own score of the hit, and its exact parts where the model has such. */
function describeScore(attribution: Attribution, { scale, model }: { scale: number; model: Ranking['model'] }): JsonObject {
  const { score, columns, expected, modalities } = attribution;
  return {
    model: { score, ...(expected === null ? {} : { expected }), mean: model.mean, spread: model.spread },
    ...(columns && { columns: columns.map((each) => ({ ...each, share: scale * each.contribution })) }),
    ...(modalities && { modalities: modalities.map((each) => ({ ...each, share: scale * each.contribution })) }),
  };
}

/** Score and place by score alone, had a group of signals never been known. */
function describeWithout({ position, without }: HitEvidence): JsonObject {
  const groups = Object.entries(without).map(([group, ranking]): [string, JsonObject] => {
    const rank = ranking.order.indexOf(position);
    // A list that the model then has no say in leaves added hits out.
    return [group, rank < 0 ? { final: null, rank: null } : { final: ranking.final[position] ?? null, rank }];
  });
  return groups.length === 0 ? {} : { without: Object.fromEntries(groups) };
}

/** Score and rank of a hit among a leg's; null where it did not return it. */
function foundIn(leg: EngineAnswer, candidate: RetrievedCandidate): JsonObject {
  const key = hitKey(candidate);
  const rank = leg.hits.findIndex((hit) => hitKey(hit) === key);
  const score = leg.hits[rank]?.score;
  return { score: score ? Number(literal(leg.bytes, score)) : null, rank: rank < 0 ? null : rank };
}

function scoreIn(leg: EngineAnswer | null | undefined, candidate: RetrievedCandidate): Json {
  return leg ? (foundIn(leg, candidate).score ?? null) : null;
}

/** The rule that gave the hit its place; nothing where its score did. */
function describeMove({ ranking, position, nameOf }: HitEvidence): JsonObject {
  const move = ranking.moves.get(position);
  if (!move) return {};
  return { moved_by: move.rule === 'mmr' ? { ...move, like: nameOf?.(move.like) ?? null } : { ...move } };
}
