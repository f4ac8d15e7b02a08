import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankCandidates, shuffleScores } from '../../sidecar/rank.js';
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
  return { candidates: [...own, ...more], window: own.length, scoreLiterals: scores.map(String), pins: [], lookedUp: 0, groups: null };
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
