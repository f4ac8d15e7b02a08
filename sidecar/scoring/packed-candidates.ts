import type { RetrievedCandidate } from '../retrieve.js';

/** Candidates as columns: as objects, 250 of them cost more on the way to a scorer process than all else that is sent. */
export interface PackedCandidates {
  readonly ids: readonly string[];
  /** Distinct index names, and the place of each candidate's own among them. */
  readonly indexNames: readonly string[];
  readonly indices: Uint16Array;
  /** [N·5] row-major: the numeric members in the order of NUMBERS, NaN for null. */
  readonly numbers: Float64Array;
}

const NUMBERS = ['seqNo', 'firstPhaseScore', 'firstPhaseRank', 'textRank', 'imageRank'] as const;

export function packCandidates(candidates: readonly RetrievedCandidate[]): PackedCandidates {
  const indexNames: string[] = [];
  const indices = new Uint16Array(candidates.length);
  const numbers = new Float64Array(candidates.length * NUMBERS.length);
  candidates.forEach((candidate, row) => {
    let place = indexNames.lastIndexOf(candidate.index);
    if (place < 0) place = indexNames.push(candidate.index) - 1;
    indices[row] = place;
    NUMBERS.forEach((name, column) => (numbers[row * NUMBERS.length + column] = candidate[name] ?? Number.NaN));
  });
  return { ids: candidates.map(({ id }) => id), indexNames, indices, numbers };
}

export function unpackCandidates({ ids, indexNames, indices, numbers }: PackedCandidates): RetrievedCandidate[] {
  return ids.map((id, row) => {
    const at = (column: number): number | null => {
      const value = numbers[row * NUMBERS.length + column] ?? Number.NaN;
      return Number.isNaN(value) ? null : value;
    };
    return {
      index: indexNames[indices[row] ?? 0] ?? '',
      id,
      seqNo: at(0),
      firstPhaseScore: at(1),
      firstPhaseRank: at(2),
      textRank: at(3),
      imageRank: at(4),
    };
  });
}
