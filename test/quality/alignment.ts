import { quantile } from '../../tuning/significance/bootstrap.js';

/** How well texts find the pictures of their own products among all pictures given. */
export interface Alignment {
  pairs: number;
  /** Share of the texts whose own picture is first, among the first ten. */
  recallAt1: number;
  recallAt10: number;
  /** Mean of 1 / rank. */
  meanReciprocalRank: number;
  /** Rank of the own picture, from 1. */
  medianRank: number;
}

/**
 * Ranks every picture for every text by dot product (unit vectors, so cosine); text i belongs to picture i. A picture
 * that scores the same as the own one stands before it: ties must not flatter.
 */
export function measureAlignment(texts: readonly Float32Array[], pictures: readonly Float32Array[]): Alignment {
  if (texts.length !== pictures.length || texts.length === 0) {
    throw new RangeError(`every text needs its picture; there are ${texts.length} texts and ${pictures.length} pictures`);
  }
  const ranks = texts.map((text, own) => {
    const scores = pictures.map((picture) => dot(text, picture));
    const mine = scores[own] ?? Number.NaN;
    return scores.filter((score, place) => place === own || score >= mine).length;
  });
  const shareWithin = (depth: number): number => ranks.filter((rank) => rank <= depth).length / ranks.length;
  return {
    pairs: ranks.length,
    recallAt1: shareWithin(1),
    recallAt10: shareWithin(10),
    meanReciprocalRank: ranks.reduce((sum, rank) => sum + 1 / rank, 0) / ranks.length,
    medianRank: quantile(
      ranks.sort((a, b) => a - b),
      0.5,
    ),
  };
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let place = 0; place < a.length; place += 1) sum += (a[place] ?? 0) * (b[place] ?? 0);
  return sum;
}
