import type { ColumnsOfList } from './column-values.js';

/** Rank at which a reciprocal-rank column has fallen to one half. */
const HALF_RANK = 10;
const RETRIEVERS = 3;
const LONG_QUERY_WORDS = 8;

/** How the engine and the vector legs found each candidate, and how sure the engine was. */
export const FIRST_PHASE_COLUMNS: ColumnsOfList = {
  first_phase_z: (list) => {
    const { z, best } = list.firstPhase();
    const lowest = best.at(-1) ?? null;
    return z.map((value) => value ?? lowest);
  },
  first_phase_rr: ({ candidates }) => candidates.map(({ firstPhaseRank }) => reciprocalRank(firstPhaseRank)),
  is_added: ({ candidates }) => candidates.map(({ firstPhaseScore }) => (firstPhaseScore === null ? 1 : 0)),
  retrievers: ({ candidates }) =>
    candidates.map((hit) => (found(hit.firstPhaseRank) + found(hit.textRank) + found(hit.imageRank)) / RETRIEVERS),
  first_phase_gap: (list) => {
    const { best } = list.firstPhase();
    const gap = best.length > 1 ? (best[0] ?? 0) - (best[1] ?? 0) : null;
    return list.candidates.map(() => gap);
  },
  query_length: ({ candidates, query }) => {
    const words = query.text?.split(/\s+/).filter((word) => word !== '').length ?? 0;
    return candidates.map(() => (words === 0 ? null : words / LONG_QUERY_WORDS));
  },
  text_knn_rr: ({ candidates }) => candidates.map(({ textRank }) => reciprocalRank(textRank)),
  image_knn_rr: ({ candidates }) => candidates.map(({ imageRank }) => reciprocalRank(imageRank)),
};

function found(rank: number | null): number {
  return rank === null ? 0 : 1;
}

function reciprocalRank(rank: number | null): number | null {
  return rank === null ? null : HALF_RANK / (HALF_RANK + rank);
}
