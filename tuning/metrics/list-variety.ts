import type { RunHit } from '../run/run-line.js';

interface Listed {
  readonly hits: readonly RunHit[];
}

/**
 * Intra-list diversity@k, 0–2: the mean of 1 − cosine over all pairs of the first k hits that have a vector (Ziegler et al. 2005,
 * "Improving recommendation lists through topic diversification", as a dissimilarity). Vectors need not be unit; zero vectors are left out.
 * Null for fewer than two.
 */
export function measureDiversity({ hits }: Listed, k: number, vectors: ReadonlyMap<string, ArrayLike<number>>): number | null {
  const units = hits.slice(0, k).flatMap(({ id }) => {
    const vector = vectors.get(id);
    const unit = vector === undefined ? null : unitOf(vector);
    return unit === null ? [] : [unit];
  });
  let [sum, pairs] = [0, 0];
  for (const [place, one] of units.entries()) {
    for (const other of units.slice(place + 1)) {
      sum += 1 - dot(one, other);
      pairs += 1;
    }
  }
  return pairs === 0 ? null : sum / pairs;
}

/** How often each document was chosen in the past, and how many documents there are. */
export interface Popularity {
  readonly counts: ReadonlyMap<string, number>;
  readonly catalogueSize: number;
}

/**
 * Novelty@k in bits, 0 and above: the mean of −log2 p(i) over the first k hits, p(i) = (count + 1) / (all counts + catalogue size), so that
 * what nobody chose yet is the newest and not infinitely new (self-information; Zhou et al. 2010, Vargas, Castells 2011). Null for an empty
 * list.
 */
export function measureNovelty({ hits }: Listed, k: number, { counts, catalogueSize }: Popularity): number | null {
  const top = hits.slice(0, k);
  if (top.length === 0) return null;
  const all = totalOf(counts) + Math.max(catalogueSize, counts.size);
  return top.reduce((sum, { id }) => sum - Math.log2(((counts.get(id) ?? 0) + 1) / all), 0) / top.length;
}

/** The sum of a map is asked for once a query, so it is kept. */
const totals = new WeakMap<ReadonlyMap<string, number>, number>();

function totalOf(counts: ReadonlyMap<string, number>): number {
  const known = totals.get(counts);
  if (known !== undefined) return known;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  totals.set(counts, total);
  return total;
}

function unitOf(vector: ArrayLike<number>): Float64Array | null {
  const values = Float64Array.from(vector);
  const length = Math.sqrt(dot(values, values));
  return length > 0 ? values.map((value) => value / length) : null;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let place = 0; place < Math.min(a.length, b.length); place++) sum += (a[place] ?? 0) * (b[place] ?? 0);
  return sum;
}
