/**
 * Jaccard@k of two lists, 0–1: documents in both first k, divided by documents in either (Jaccard 1912). Two empty lists are the same: 1.
 */
export function measureJaccard(a: readonly string[], b: readonly string[], k: number): number {
  const [first, second] = [new Set(a.slice(0, k)), new Set(b.slice(0, k))];
  const common = [...first].filter((id) => second.has(id)).length;
  const either = first.size + second.size - common;
  return either === 0 ? 1 : common / either;
}

/**
 * Rank-biased overlap of two lists, 0–1: agreement at depth d weighted by p^d, extrapolated beyond the end of the lists (RBO_ext of Webber,
 * Moffat, Zobel 2010, "A similarity measure for indefinite rankings", eq. 32, which also holds for lists of different lengths). The smaller
 * p, from above 0 to below 1, the more the top counts. Lists name a document once. Two empty lists are the same: 1; one empty list: 0.
 */
export function measureRankBiasedOverlap(a: readonly string[], b: readonly string[], p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`p is ${p}; it lies between 0 and 1`);
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length === 0) return 1;
  if (short.length === 0) return 0;
  const [s, l] = [short.length, long.length];
  const seen = { short: new Set<string>(), long: new Set<string>() };
  let [overlap, overlapAtShort, agreement] = [0, 0, 0];
  for (let depth = 1; depth <= l; depth++) {
    const [one, other] = [short[depth - 1], long[depth - 1]];
    if (one !== undefined) seen.short.add(one);
    if (other !== undefined) seen.long.add(other);
    if (one !== undefined && one === other) overlap += 1;
    else {
      if (one !== undefined && seen.long.has(one)) overlap += 1;
      if (other !== undefined && seen.short.has(other)) overlap += 1;
    }
    if (depth === s) overlapAtShort = overlap;
    agreement += (overlap / depth) * p ** depth;
    // Past the short list's end its agreement is taken to go on as it was there.
    if (depth > s) agreement += ((overlapAtShort * (depth - s)) / (s * depth)) * p ** depth;
  }
  return ((1 - p) / p) * agreement + ((overlap - overlapAtShort) / l + overlapAtShort / s) * p ** l;
}
