import { arrangeList, type Ranking } from '../rank.js';
import type { ScorerPool } from '../scorer.js';
import type { Rankable } from '../search-request.js';
import type { Gathered } from './gather-candidates.js';
import type { SearchClock } from './search-clock.js';

/** A scored list, and what its rules need. */
export interface ArrangementWork {
  readonly search: Rankable;
  readonly gathered: Gathered;
  readonly ranking: Ranking;
  /** The dial that ranked it; at 0 the list is the engine's, and no rule touches it. */
  readonly blend: number;
  readonly scorers: ScorerPool;
  readonly clock: SearchClock;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

/**
 * The list as the shop's rules want it. The likeness of its head comes from a scorer, which holds the vectors.
 * Rejects with a `ScorerFailure`.
 */
export async function arrangeByRules(work: ArrangementWork): Promise<Ranking> {
  const { search, gathered, ranking } = work;
  const { pins, values } = gathered.set;
  const { diversity } = search.rules;
  if (work.blend === 0 || (diversity === null && pins.length === 0)) return ranking;
  const { maxPerGroup = null, floor = null } = diversity ?? {};
  const lambda = diversity?.mmr?.lambda ?? 1;
  const head = ranking.order.slice(0, diversity?.mmr?.depth ?? 0);
  const similarity = lambda === 1 || head.length < 2 ? null : await compareHead(work, head);
  return arrangeList(ranking, {
    pins,
    maxPerGroup: maxPerGroup && { max: maxPerGroup.max, groups: values.get(maxPerGroup.field) ?? [] },
    mmr: similarity && { lambda, head, similarity },
    floor: floor && { ...floor, isMember: isAmong(floor.values, values.get(floor.field) ?? []) },
  });
}

function isAmong(wanted: readonly string[], values: readonly (string | null)[]): (position: number) => boolean {
  const set = new Set<string | null>(wanted);
  return (position) => set.has(values[position] ?? null);
}

function compareHead({ search, gathered, scorers, clock, deadline }: ArrangementWork, head: readonly number[]): Promise<Float32Array> {
  const { set, stamp } = gathered;
  const products = head.flatMap((position) => set.candidates[position] ?? []).map(({ index, id, seqNo }) => ({ index, id, seqNo }));
  const { signals } = search.profile;
  return clock.stage('compare', () => scorers.compare({ products, roles: stamp.roles, signals, deadline }));
}
