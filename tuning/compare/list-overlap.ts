/** Share of the two top-k sets' union that both hold, 0–1 (Jaccard 1901). Two empty lists are the same: 1. */
export function jaccardAt(a: readonly string[], b: readonly string[], k: number): number {
  const first = new Set(a.slice(0, k));
  const second = new Set(b.slice(0, k));
  const common = [...first].filter((id) => second.has(id)).length;
  const union = first.size + second.size - common;
  return union === 0 ? 1 : common / union;
}

/**
 * Rank-biased overlap, extrapolated (RBO_EXT, Webber, Moffat, Zobel 2010, equation 32): how far two lists agree when a
 * reader goes on to the next hit with probability p. 0–1; lists of unequal length are compared as the paper does, and two
 * empty ones are the same: 1. Each id at most once a list.
 */
export function rankBiasedOverlap(a: readonly string[], b: readonly string[], p: number): number {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  if (long.length === 0) return 1;
  if (short.length === 0) return 0;
  const seenLong = new Set<string>();
  const seenShort = new Set<string>();
  let overlap = 0;
  let atShort = 0; // overlap at the shorter list's end
  let sum = 0;
  for (let depth = 1; depth <= long.length; depth += 1) {
    const fromLong = long[depth - 1];
    const fromShort = short[depth - 1];
    if (fromLong !== undefined) {
      if (fromLong === fromShort || seenShort.has(fromLong)) overlap += 1;
      seenLong.add(fromLong);
    }
    if (fromShort !== undefined && fromShort !== fromLong) {
      if (seenLong.has(fromShort)) overlap += 1;
      seenShort.add(fromShort);
    } else if (fromShort !== undefined) seenShort.add(fromShort);
    if (depth === short.length) atShort = overlap;
    sum += (overlap / depth) * p ** depth;
    if (depth > short.length) sum += ((atShort * (depth - short.length)) / (short.length * depth)) * p ** depth;
  }
  const tail = (overlap - atShort) / long.length + atShort / short.length;
  return ((1 - p) / p) * sum + tail * p ** long.length;
}
