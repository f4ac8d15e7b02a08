/** A query is harmed where it falls by more than this. */
export const HARM_TOLERANCE = 0.05;

/**
 * Harm rate against a baseline, 0–1: the share of queries that are more than `tolerance` below it (ranking for most must not break the
 * search of some). Null without a query.
 * @param differences value − baseline of the same metric, one a query that has both
 */
export function measureHarmRate(
  differences: ArrayLike<number>,
  { tolerance = HARM_TOLERANCE }: { tolerance?: number } = {},
): number | null {
  if (differences.length === 0) return null;
  // A fall of exactly the tolerance is none, whatever the binary fractions say.
  const harmed = Array.from(differences).filter((difference) => difference < -tolerance - 1e-9).length;
  return harmed / differences.length;
}
