import { seedStream } from '../../models/random-stream.js';

/** Up to this many differences other than zero, all sign patterns are counted instead of drawn. */
const EXACT_LIMIT = 14;
/** Differences whose 2^8 signed sums are looked up together. */
const BLOCK = 8;
const PATTERNS = 1 << BLOCK;

/**
 * Two-sided p of the paired randomisation test (Fisher; Smucker, Allan, Carterette 2007): if the two systems were the same,
 * the sign of each query's difference would be a coin's, so p is the share of sign patterns whose mean is at least as far
 * from zero as the one seen. Exact for up to 14 differences that are not zero (the others change nothing); beyond, `draws`
 * patterns are drawn and p = (1 + hits) / (1 + draws), which never claims 0 (Phipson, Smyth 2010). 1 for no differences.
 * Deterministic from the seed; the same for the differences negated.
 */
export function randomisationTest(differences: ArrayLike<number>, options: { seed: number; draws?: number }): number {
  const { seed, draws = 10_000 } = options;
  const moved = Array.from(differences).filter((difference) => difference !== 0);
  if (moved.length === 0) return 1;
  const seen = Math.abs(moved.reduce((sum, difference) => sum + difference, 0));
  // A pattern that ties with the one seen must count, in whatever order its sum was rounded.
  const enough = seen - 1e-12 * moved.reduce((sum, difference) => sum + Math.abs(difference), 0);
  return moved.length <= EXACT_LIMIT ? countPatterns(moved, enough) : drawPatterns(moved, { enough, seed, draws });
}

function countPatterns(differences: readonly number[], enough: number): number {
  const patterns = 2 ** differences.length;
  let hits = 0;
  for (let pattern = 0; pattern < patterns; pattern += 1) {
    let sum = 0;
    for (const [place, difference] of differences.entries()) sum += (pattern >>> place) & 1 ? difference : -difference;
    if (Math.abs(sum) >= enough) hits += 1;
  }
  return hits / patterns;
}

function drawPatterns(differences: readonly number[], options: { enough: number; seed: number; draws: number }): number {
  const { enough, seed, draws } = options;
  const blocks = Math.ceil(differences.length / BLOCK);
  const sums = signedSums(differences, blocks);
  const next = seedStream(seed);
  let hits = 0;
  for (let draw = 0; draw < draws; draw += 1) {
    let sum = 0;
    let bits = 0;
    for (let block = 0; block < blocks; block += 1) {
      bits = block % 4 === 0 ? Math.floor(next() * 2 ** 32) : bits >>> BLOCK; // 32 coins a number: four blocks
      sum += sums[block * PATTERNS + (bits & (PATTERNS - 1))] ?? 0;
    }
    if (Math.abs(sum) >= enough) hits += 1;
  }
  return (1 + hits) / (1 + draws);
}

/** By block and sign pattern: the sum of the block's differences with those signs. */
function signedSums(differences: readonly number[], blocks: number): Float64Array {
  const sums = new Float64Array(blocks * PATTERNS);
  for (let block = 0; block < blocks; block += 1) {
    for (let pattern = 0; pattern < PATTERNS; pattern += 1) {
      let sum = 0;
      for (let place = 0; place < BLOCK; place += 1) {
        const difference = differences[block * BLOCK + place] ?? 0;
        sum += (pattern >>> place) & 1 ? difference : -difference;
      }
      sums[block * PATTERNS + pattern] = sum;
    }
  }
  return sums;
}
