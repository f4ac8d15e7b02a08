/** Distinct shoppers below which nothing is told of how often a product was looked at or bought. */
export const POPULARITY_USERS = 5;

/** Events that a smoothed rate counts as if seen before, at the catalogue's own rate. */
export const RATE_PRIOR = 20;

/**
 * (successes + K rate) / (trials + K), K = 20: a product of few trials is taken to be like the others. At most 1: a click may come without
 * an impression, a purchase without a click.
 * @param rate the catalogue's own
 */
export function smoothRate(successes: number, trials: number, rate: number): number {
  return Math.min(1, (successes + RATE_PRIOR * rate) / (trials + RATE_PRIOR));
}

/** Successes a trial over the whole catalogue; null where there are no trials or no successes at all to learn it from. */
export function catalogueRate(successes: number, trials: number): number | null {
  return trials > 0 && successes > 0 ? Math.min(1, successes / trials) : null;
}

/**
 * Share of all values that are lower than each, those that are equal (itself among them) counting half: 0 to 1, .5 on average.
 * @returns in the order of `values`
 */
export function percentilesOf(values: readonly number[]): number[] {
  const order = values.map((_, position) => position).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const shares = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    const value = values[order[start] ?? 0];
    let end = start;
    while (end < order.length && values[order[end] ?? 0] === value) end += 1;
    for (const position of order.slice(start, end)) shares[position] = (start + (end - start) / 2) / values.length;
    start = end;
  }
  return shares;
}

/** The same within groups; null outside any. */
export function percentilesWithin(values: readonly number[], groups: readonly (string | null)[]): (number | null)[] {
  const members = new Map<string, number[]>();
  groups.forEach((group, position) => {
    if (group === null) return;
    const list = members.get(group);
    if (list) list.push(position);
    else members.set(group, [position]);
  });
  const shares = new Array<number | null>(values.length).fill(null);
  for (const positions of members.values()) {
    const within = percentilesOf(positions.map((position) => values[position] ?? 0));
    positions.forEach((position, rank) => (shares[position] = within[rank] ?? null));
  }
  return shares;
}
