import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrangeList, rankCandidates, shuffleScores, type Arrangement } from '../../sidecar/rank.js';
import type { CandidateSet, RetrievedCandidate } from '../../sidecar/retrieve.js';

const finite = fc.double({ min: -50, max: 50, noNaN: true });

/** A window with falling first-phase scores, and hits that only vector legs found. */
const lists = fc.record({ own: fc.array(finite, { minLength: 1, maxLength: 30 }), added: fc.nat(10) }).chain(({ own, added }) =>
  fc.record({
    set: fc.constant(
      candidateSet(
        own.toSorted((a, b) => b - a),
        added,
      ),
    ),
    scores: fc.array(finite, { minLength: own.length + added, maxLength: own.length + added }),
    gate: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

function candidateSet(scores: readonly number[], added: number): CandidateSet {
  const candidate = (id: number, score: number | null): RetrievedCandidate => ({
    index: 'i',
    id: `p${id}`,
    seqNo: 1,
    firstPhaseScore: score,
    firstPhaseRank: score === null ? null : id,
    textRank: null,
    imageRank: null,
  });
  const own = scores.map((score, rank) => candidate(rank, score));
  const more = Array.from({ length: added }, (_, place) => candidate(scores.length + place, null));
  return {
    candidates: [...own, ...more],
    window: own.length,
    scoreLiterals: scores.map(String),
    pins: [],
    lookedUp: 0,
    values: new Map(),
    expanded: null,
  };
}

describe('the blend', () => {
  it('is exactly the engine’s order at blend 0, without added hits', () => {
    fc.assert(
      fc.property(lists, ({ set, scores, gate }) => {
        expect(rankCandidates(set, { scores, blend: 0, gate }).order).toEqual(Array.from({ length: set.window }, (_, i) => i));
      }),
    );
  });

  it('is a permutation of the candidates, sorted by (1 − d·g)·z_first + d·g·z_model with ties by first-phase rank', () => {
    fc.assert(
      fc.property(lists, fc.double({ min: 0.01, max: 1, noNaN: true }), ({ set, scores }, blend) => {
        const { order, final } = rankCandidates(set, { scores, blend, gate: 1 });
        expect(order.toSorted((a, b) => a - b)).toEqual(set.candidates.map((_, i) => i));
        // The formula once more, from the definition.
        const z = (xs: number[]): number[] => {
          const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
          const sd = Math.sqrt(xs.map((x) => (x - mean) * (x - mean)).reduce((a, b) => a + b, 0) / xs.length);
          return xs.map((x) => (sd > 1e-12 ? (x - mean) / sd : 0));
        };
        const first = z(set.candidates.flatMap((c) => c.firstPhaseScore ?? []));
        const model = z(scores);
        set.candidates.forEach((candidate, i) => {
          const zFirst = candidate.firstPhaseScore === null ? Math.min(...first) : (first[i] ?? 0);
          expect(final[i]).toBeCloseTo((1 - blend) * zFirst + blend * (model[i] ?? 0), 9);
        });
        for (let place = 1; place < order.length; place++) {
          const [a = 0, b = 0] = [order[place - 1], order[place]];
          const difference = (final[a] ?? 0) - (final[b] ?? 0);
          expect(difference > 0 || (difference === 0 && a < b)).toBe(true);
        }
      }),
    );
  });

  it('does not depend on the scale or the shift of the model’s scores', () => {
    const set = candidateSet([9, 7, 4, 1], 1);
    const scores = [0.1, 2, -1, 3, 0.5];
    const plain = rankCandidates(set, { scores, blend: 0.75, gate: 0.8 });
    const scaled = rankCandidates(set, { scores: scores.map((s) => 40 * s - 7), blend: 0.75, gate: 0.8 });
    expect(scaled.order).toEqual(plain.order);
  });
});

describe('the shuffle ranker', () => {
  it('shuffles by the list’s key alone', () => {
    expect(shuffleScores(20, 'a')).toEqual(shuffleScores(20, 'a'));
    expect(shuffleScores(20, 'a')).not.toEqual(shuffleScores(20, 'b'));
    expect(new Set(shuffleScores(200, 'a')).size).toBe(200);
  });
});

describe('the shop’s rules over a list', () => {
  const scored = fc.integer({ min: 2, max: 25 }).chain((count) =>
    fc.record({
      scores: fc.array(finite, { minLength: count, maxLength: count }),
      pins: fc
        .uniqueArray(fc.record({ position: fc.nat(count - 1), place: fc.nat(30) }), { selector: ({ position }) => position, maxLength: 6 })
        .filter((pins) => pins.length < count),
      groups: fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: count, maxLength: count }),
      max: fc.integer({ min: 1, max: 4 }),
      likeness: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: count * count, maxLength: count * count }),
      lambda: fc.double({ min: 0, max: 1, noNaN: true }),
      depth: fc.integer({ min: 2, max: count }),
    }),
  );
  const rankingOf = (scores: readonly number[]) =>
    rankCandidates(
      candidateSet(
        scores.map((_, rank) => scores.length - rank),
        0,
      ),
      { scores, blend: 1, gate: 1 },
    );
  const none: Arrangement = { pins: [], maxPerGroup: null, mmr: null, floor: null };
  const symmetric = (values: readonly number[], count: number): number[] =>
    values.map((_, at) => values[Math.min(at, (at % count) * count + Math.floor(at / count))] ?? 0);

  it('only permute it, and change nothing where there are none', () => {
    fc.assert(
      fc.property(scored, ({ scores, pins, groups, max, likeness, lambda, depth }) => {
        const ranking = rankingOf(scores);
        expect(arrangeList(ranking, none)).toEqual(ranking);
        const head = ranking.order.slice(0, depth);
        const mmr = { lambda, head, similarity: symmetric(likeness.slice(0, depth * depth), depth) };
        const { order, final } = arrangeList(ranking, { pins, maxPerGroup: { max, groups }, mmr, floor: null });
        expect(order.toSorted((a, b) => a - b)).toEqual(scores.map((_, i) => i));
        expect(final).toEqual(ranking.final);
      }),
    );
  });

  it('put pins at their places, or at the next free one, and keep the order of all others', () => {
    fc.assert(
      fc.property(scored, ({ scores, pins }) => {
        const ranking = rankingOf(scores);
        const { order, moves } = arrangeList(ranking, { ...none, pins });
        const pinned = new Set(pins.map(({ position }) => position));
        expect(order.filter((position) => !pinned.has(position))).toEqual(ranking.order.filter((position) => !pinned.has(position)));
        const taken = new Set<number>();
        for (const { position, place } of pins) {
          let free = Math.min(place, scores.length - 1);
          while (taken.has(free) && free < scores.length - 1) free++;
          while (taken.has(free)) free--;
          taken.add(free);
          expect(order[free]).toBe(position);
          expect(moves.get(position)).toEqual({ rule: 'pin', from: ranking.order.indexOf(position) });
        }
      }),
    );
  });

  it('let no group have more than its number before the first hit that was moved behind, pins counted', () => {
    fc.assert(
      fc.property(scored, ({ scores, pins, groups, max }) => {
        const ranking = rankingOf(scores);
        const pinned = new Set(pins.map(({ position }) => position));
        const { order, moves } = arrangeList(ranking, { ...none, pins, maxPerGroup: { max, groups } });
        const free = order.filter((position) => !pinned.has(position));
        const behind = free.filter((position) => moves.get(position)?.rule === 'max_per_group');
        expect(free.slice(free.length - behind.length)).toEqual(behind);
        const kept = free.slice(0, free.length - behind.length);
        for (const part of [kept, behind]) {
          const places = part.map((position) => ranking.order.indexOf(position));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
        for (const group of ['a', 'b', 'c']) {
          const ofGroup = (positions: Iterable<number>): number => [...positions].filter((position) => groups[position] === group).length;
          expect(ofGroup(kept)).toBe(Math.max(0, Math.min(max - ofGroup(pinned), ofGroup(free))));
        }
        expect(behind.every((position) => groups[position] !== null)).toBe(true);
      }),
    );
  });

  it('choose the head by maximal marginal relevance, as its definition says', () => {
    fc.assert(
      fc.property(scored, ({ scores, likeness, lambda, depth }) => {
        const ranking = rankingOf(scores);
        const head = ranking.order.slice(0, depth);
        const similarity = symmetric(likeness.slice(0, depth * depth), depth);
        const { order } = arrangeList(ranking, { ...none, mmr: { lambda, head, similarity } });
        expect(order.slice(depth)).toEqual(ranking.order.slice(depth));
        // argmax of λ·rel − (1 − λ)·max sim, once more from the paper, with rows of the head instead of positions.
        const finals = head.map((position) => ranking.final[position] ?? 0);
        const [low, high] = [Math.min(...finals), Math.max(...finals)];
        const relevance = finals.map((score) => (high - low > 1e-12 ? (score - low) / (high - low) : 0));
        const left = head.map((_, row) => row);
        const chosen: number[] = [];
        while (left.length > 0) {
          const values = left.map((row) => {
            const near = Math.max(0, ...chosen.map((other) => similarity[row * depth + other] ?? 0));
            return lambda * (relevance[row] ?? 0) - (1 - lambda) * near;
          });
          const best = values.indexOf(Math.max(...values));
          chosen.push(...left.splice(best, 1));
        }
        expect(order.slice(0, depth)).toEqual(chosen.map((row) => head[row]));
      }),
    );
  });

  it('leave a list without trust in the model in the engine’s order, with what is pinned', () => {
    const set = { ...candidateSet([5, 3, 1], 2), lookedUp: 1, pins: [{ position: 3, place: 0 }] };
    const untrusted = rankCandidates(set, { scores: [1, 2, 3, 4, 5], blend: 0.75, gate: 0 });
    expect(arrangeList(untrusted, { ...none, pins: set.pins }).order).toEqual([3, 0, 1, 2]);
    const off = rankCandidates(set, { scores: [1, 2, 3, 4, 5], blend: 0, gate: 1 });
    expect(off.order).toEqual([0, 1, 2]);
  });
});
