import { createHash } from 'node:crypto';
import { raiseToFloor, type ExposureFloor } from './exposure-floor.js';
import type { CandidateSet } from './retrieve.js';

/** The ranked list: a permutation of the candidates, best first. */
export interface Ranking {
  /** Positions in the candidate set, in ranked order. */
  readonly order: readonly number[];
  /** By position: the rule that gave a hit its place; absent where none did. */
  readonly moves: ReadonlyMap<number, Move>;
  /** By position in the candidate set: the blended score, and what it is blended of. */
  readonly final: Float64Array;
  readonly zFirst: Float64Array;
  readonly zModel: Float64Array;
  /** Weight of the model in the blend: dial × gate. */
  readonly weight: number;
  /** Mean and spread of the model's scores, to take an explanation's parts onto the same scale. */
  readonly model: { readonly mean: number; readonly spread: number };
}

/** What a rule did to a hit. Places count from 0; `from` is the place by score alone. */
export type Move =
  | { readonly rule: 'pin'; readonly from: number }
  | { readonly rule: 'max_per_group'; readonly from: number; readonly group: string }
  | { readonly rule: 'floor'; readonly from: number }
  | { readonly rule: 'mmr'; readonly from: number; readonly similarity: number; readonly like: number };

/**
 * The only place of the blend: s = (1 − d·g)·z_first + d·g·z_model, z within the list; added hits take the window's
 * lowest z_first. Ties keep the first-phase order (added hits last). Blend 0 is exactly the engine's order and leaves
 * added hits out; a gate of 0 is the engine's order, too, but keeps what is pinned.
 * @param options.scores one finite score a candidate, higher is better
 * @param options.blend the dial d, 0–1
 * @param options.gate g, 0–1: how far the model trusts itself on this list
 */
export function rankCandidates(
  set: Pick<CandidateSet, 'candidates' | 'window' | 'lookedUp'>,
  options: { scores: ArrayLike<number>; blend: number; gate: number },
): Ranking {
  const weight = Math.min(1, Math.max(0, options.blend * options.gate));
  const withoutModel = set.window + (options.blend > 0 ? set.lookedUp : 0);
  const admitted = weight === 0 ? set.candidates.slice(0, withoutModel) : set.candidates;
  const own = admitted.slice(0, set.window).map((candidate) => candidate.firstPhaseScore ?? 0);
  const first = standardise(own);
  const lowest = first.z.length === 0 ? 0 : Math.min(...first.z);
  const model = standardise(admitted.map((_, position) => options.scores[position] ?? 0));
  const zFirst = Float64Array.from(admitted, (_, position) => first.z[position] ?? lowest);
  const final = Float64Array.from(admitted, (_, position) => (1 - weight) * (zFirst[position] ?? 0) + weight * (model.z[position] ?? 0));
  const order = admitted.map((_, position) => position);
  if (weight > 0) order.sort((a, b) => (final[b] ?? 0) - (final[a] ?? 0) || a - b);
  return {
    order,
    moves: NO_MOVES,
    final,
    zFirst,
    zModel: Float64Array.from(model.z),
    weight,
    model: { mean: model.mean, spread: model.spread },
  };
}

const NO_MOVES: Ranking['moves'] = new Map();

/** The shop's rules against one list; null = this one is not used. */
export interface Arrangement {
  readonly pins: CandidateSet['pins'];
  readonly maxPerGroup: { readonly max: number; readonly groups: readonly (string | null)[] } | null;
  readonly mmr: {
    /** 0–1: weight of relevance against difference. */
    readonly lambda: number;
    /** Positions of the hits chosen among: the head of the order. */
    readonly head: readonly number[];
    /** [M·M] row-major over the head: likeness of two hits, 0–1, the same both ways. */
    readonly similarity: ArrayLike<number>;
  } | null;
  readonly floor: ExposureFloor | null;
}

/**
 * The list as the shop's rules want it: first the head chosen anew by maximal marginal relevance, then hits beyond a group's number
 * behind all others, then the floor of exposure, last the pins at their places. Pinned hits are moved by nothing else, and count in their groups. Every rule
 * keeps the order of what it does not move.
 */
export function arrangeList(ranking: Ranking, rules: Arrangement): Ranking {
  const moves = new Map<number, Move>();
  const places = new Map(ranking.order.map((position, place) => [position, place]));
  const fromPlace = (position: number): number => places.get(position) ?? -1;
  const pins = rules.pins.filter(({ position }) => places.has(position));
  const pinned = new Set(pins.map(({ position }) => position));
  let order = ranking.order.filter((position) => !pinned.has(position));
  if (rules.mmr) {
    const { similarity, ...chosen } = chooseDifferent(ranking, rules.mmr, pinned);
    const head = new Set(chosen.order);
    order = [...chosen.order, ...order.filter((position) => !head.has(position))];
    chosen.order.forEach((position, place) => {
      const like = similarity.get(position);
      if (like && place > (chosen.before.get(position) ?? place)) moves.set(position, { rule: 'mmr', from: fromPlace(position), ...like });
    });
  }
  if (rules.maxPerGroup) {
    const { max, groups } = rules.maxPerGroup;
    const counts = new Map<string, number>();
    const count = (group: string): number => {
      const counted = (counts.get(group) ?? 0) + 1;
      counts.set(group, counted);
      return counted;
    };
    for (const position of pinned) count(groups[position] ?? '');
    const beyond: number[] = [];
    order = order.filter((position) => {
      const group = groups[position] ?? null;
      if (group === null || count(group) <= max) return true;
      beyond.push(position);
      moves.set(position, { rule: 'max_per_group', from: fromPlace(position), group });
      return false;
    });
    order.push(...beyond);
  }
  if (rules.floor) {
    const floored = raiseToFloor(order, rules.floor);
    order = floored.order;
    for (const position of floored.raised) moves.set(position, { rule: 'floor', from: fromPlace(position) });
  }
  for (const { position } of pins) moves.set(position, { rule: 'pin', from: fromPlace(position) });
  return { ...ranking, order: insertPins(order, pins), moves };
}

/** Every pin at its place, or at the next one that is free; beyond the list's end at its end. */
function insertPins(others: readonly number[], pins: CandidateSet['pins']): number[] {
  const length = others.length + pins.length;
  const slots = new Map<number, number>();
  for (const { position, place } of pins) {
    let at = Math.min(place, length - 1);
    while (slots.has(at) && at < length - 1) at++;
    while (slots.has(at)) at--;
    slots.set(at, position);
  }
  const rest = others.values();
  return Array.from({ length }, (_, place) => slots.get(place) ?? rest.next().value ?? -1);
}

interface Chosen {
  readonly order: readonly number[];
  /** Places among the hits chosen from, before the choice. */
  readonly before: ReadonlyMap<number, number>;
  /** What each hit was most like of those chosen before it. */
  readonly similarity: ReadonlyMap<number, { readonly similarity: number; readonly like: number }>;
}

/**
 * Maximal marginal relevance: next comes the hit with the greatest λ·rel − (1 − λ)·max similarity to those chosen already (Carbonell
 * and Goldstein, "The use of MMR", SIGIR 1998). rel is the blended score, brought to 0–1 over the hits chosen among. Ties keep the order.
 */
function chooseDifferent(
  { final }: Ranking,
  { lambda, head, similarity }: NonNullable<Arrangement['mmr']>,
  left: ReadonlySet<number>,
): Chosen {
  const width = head.length;
  const finals = head.map((position) => final[position] ?? 0);
  const least = Math.min(...finals);
  const range = Math.max(...finals) - least;
  const relevance = finals.map((score) => (range > 1e-12 ? (score - least) / range : 0));
  const waiting = head.flatMap((position, row) => (left.has(position) ? [] : [{ position, row }]));
  const before = new Map(waiting.map(({ position }, place) => [position, place]));
  // Pinned hits stand on the page as well: the others are to differ from them, too.
  const nearest = head.map((_, row) =>
    nearestAmong(
      row,
      head.flatMap((position, other) => (left.has(position) ? [other] : [])),
    ),
  );
  function nearestAmong(row: number, others: readonly number[]): { similarity: number; row: number } {
    return others.reduce(
      (best, other) => {
        const near = similarity[row * width + other] ?? 0;
        return near > best.similarity ? { similarity: near, row: other } : best;
      },
      { similarity: 0, row: -1 },
    );
  }
  const order: number[] = [];
  const likeness = new Map<number, { similarity: number; like: number }>();
  while (waiting.length > 0) {
    let best = 0;
    let bestValue = -Infinity;
    waiting.forEach(({ row }, place) => {
      const value = lambda * (relevance[row] ?? 0) - (1 - lambda) * (nearest[row]?.similarity ?? 0);
      if (value > bestValue) [best, bestValue] = [place, value];
    });
    const [next] = waiting.splice(best, 1);
    if (!next) break;
    order.push(next.position);
    const near = nearest[next.row];
    const like = near === undefined ? undefined : head[near.row];
    if (near && like !== undefined) likeness.set(next.position, { similarity: near.similarity, like });
    for (const { row } of waiting) {
      const now = similarity[row * width + next.row] ?? 0;
      if (now > (nearest[row]?.similarity ?? 0)) nearest[row] = { similarity: now, row: next.row };
    }
  }
  return { order, before, similarity: likeness };
}

/** Scores of the `shuffle` ranker: a permutation that depends on nothing but the list's key. */
export function shuffleScores(count: number, listKey: string): Float64Array {
  return Float64Array.from({ length: count }, (_, position) => {
    const digest = createHash('sha256').update(`${listKey}:${position}`).digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  });
}

/** z = (x − mean) / population standard deviation; all zero where the values do not differ. */
function standardise(values: readonly number[]): { z: number[]; mean: number; spread: number } {
  if (values.length === 0) return { z: [], mean: 0, spread: 1 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  if (!(spread > 1e-12)) return { z: values.map(() => 0), mean, spread: 1 };
  return { z: values.map((value) => (value - mean) / spread), mean, spread };
}
