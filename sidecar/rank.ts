import { createHash } from 'node:crypto';
import type { CandidateSet } from './retrieve.js';

/** The ranked list: a permutation of the candidates, best first. */
export interface Ranking {
  /** Positions in the candidate set, in ranked order. */
  readonly order: readonly number[];
  /** By position in the candidate set: the blended score, and what it is blended of. */
  readonly final: Float64Array;
  readonly zFirst: Float64Array;
  readonly zModel: Float64Array;
  /** Weight of the model in the blend: dial × gate. */
  readonly weight: number;
  /** Mean and spread of the model's scores, to take an explanation's parts onto the same scale. */
  readonly model: { readonly mean: number; readonly spread: number };
}

/**
 * The only place of the blend: s = (1 − d·g)·z_first + d·g·z_model, z within the list; added hits take the window's
 * lowest z_first. Ties keep the first-phase order (added hits last). Blend 0 is exactly the engine's order and leaves
 * added hits out.
 * @param options.scores one finite score a candidate, higher is better
 * @param options.blend the dial d, 0–1
 * @param options.gate g, 0–1: how far the model trusts itself on this list
 */
export function rankCandidates(set: CandidateSet, options: { scores: ArrayLike<number>; blend: number; gate: number }): Ranking {
  const weight = Math.min(1, Math.max(0, options.blend * options.gate));
  const admitted = weight === 0 ? set.candidates.slice(0, set.window) : set.candidates;
  const own = admitted.slice(0, set.window).map((candidate) => candidate.firstPhaseScore ?? 0);
  const first = standardise(own);
  const lowest = first.z.length === 0 ? 0 : Math.min(...first.z);
  const model = standardise(admitted.map((_, position) => options.scores[position] ?? 0));
  const zFirst = Float64Array.from(admitted, (_, position) => first.z[position] ?? lowest);
  const final = Float64Array.from(admitted, (_, position) => (1 - weight) * (zFirst[position] ?? 0) + weight * (model.z[position] ?? 0));
  const order = admitted.map((_, position) => position);
  if (weight > 0) order.sort((a, b) => (final[b] ?? 0) - (final[a] ?? 0) || a - b);
  return { order, final, zFirst, zModel: Float64Array.from(model.z), weight, model: { mean: model.mean, spread: model.spread } };
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
