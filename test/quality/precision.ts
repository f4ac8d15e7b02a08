/** Share of the first k that are wanted, 0–1; fewer than k hits count as misses. */
export function precisionAt(ranking: readonly string[], isWanted: (id: string) => boolean, k: number): number {
  return ranking.slice(0, k).filter(isWanted).length / k;
}
