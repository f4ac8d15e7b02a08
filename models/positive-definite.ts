/**
 * Solves A · X = B for a symmetric positive definite A by Cholesky's factorisation A = L · Lᵀ, on flat arrays: a matrix
 * library that reaches every element through a call takes minutes at 1500 × 1500, this a second or two.
 *
 * @param a size × size, row-major; only its lower triangle is read, and it is overwritten by L
 * @param b one right-hand side a row, rows × size; overwritten by the solutions
 * @throws RangeError where A is not positive definite
 */
export function solvePositiveDefinite(a: Float64Array, size: number, b: Float64Array): void {
  factorise(a, size);
  for (let start = 0; start < b.length; start += size) {
    // L · y = b, then Lᵀ · x = y.
    for (let i = 0; i < size; i++) {
      const row = i * size;
      b[start + i] = ((b[start + i] ?? 0) - dotRows(a, row, b, start, i)) / (a[row + i] ?? 1);
    }
    for (let i = size - 1; i >= 0; i--) {
      const row = i * size;
      const value = (b[start + i] ?? 0) / (a[row + i] ?? 1);
      b[start + i] = value;
      for (let j = 0; j < i; j++) b[start + j] = (b[start + j] ?? 0) - value * (a[row + j] ?? 0);
    }
  }
}

function factorise(a: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let j = 0; j < i; j++) {
      a[row + j] = ((a[row + j] ?? 0) - dotRows(a, row, a, j * size, j)) / (a[j * size + j] ?? 1);
    }
    const pivot = (a[row + i] ?? 0) - dotRows(a, row, a, row, i);
    if (!(pivot > 0)) throw new RangeError(`not positive definite at row ${i}; raise the penalty`);
    a[row + i] = Math.sqrt(pivot);
  }
}

/** Four sums at once: one would wait for itself at every step. */
function dotRows(a: Float64Array, atA: number, b: Float64Array, atB: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += (a[atA + k] ?? 0) * (b[atB + k] ?? 0);
    s1 += (a[atA + k + 1] ?? 0) * (b[atB + k + 1] ?? 0);
    s2 += (a[atA + k + 2] ?? 0) * (b[atB + k + 2] ?? 0);
    s3 += (a[atA + k + 3] ?? 0) * (b[atB + k + 3] ?? 0);
  }
  for (; k < length; k++) s0 += (a[atA + k] ?? 0) * (b[atB + k] ?? 0);
  return s0 + s1 + s2 + s3;
}
