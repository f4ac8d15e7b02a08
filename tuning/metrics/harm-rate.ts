/**
 * Harm rate against a baseline, 0–1: the share of queries whose value fell by more than `tolerance`. Values are by query id, of the same
 * metric; a query without a value (null or absent) in one of the two leaves. Null where no query has both.
 */
export function measureHarmRate(
  values: ReadonlyMap<string, number | null>,
  baseline: ReadonlyMap<string, number | null>,
  { tolerance }: { tolerance: number },
): number | null {
  let [both, harmed] = [0, 0];
  for (const [query, value] of values) {
    const before = baseline.get(query);
    if (value === null || before === null || before === undefined) continue;
    both += 1;
    if (value < before - tolerance) harmed += 1;
  }
  return both === 0 ? null : harmed / both;
}
