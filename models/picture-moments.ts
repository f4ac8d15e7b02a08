import { solvePositiveDefinite } from './positive-definite.js';

/**
 * Penalties, as shares of the mean variance of a direction; chosen on tops (docs/quality.md). A weak one on the text
 * side lets rare words count; a strong one on the picture side trusts its leading directions.
 */
const TEXT_PENALTY = 0.3;
const PICTURE_PENALTY = 3;
/** Share of an item's weight that its short texts have together. */
const FRAGMENT_SHARE = 0.2;
/** Vectors that enter the sums of products in one pass over the triangle. */
const AT_ONCE = 8;

/**
 * Sums over items of texts, pictures and their products: all that the head's solution needs, whatever the number of
 * items. An item weighs 1; its title and its fragments share that weight.
 */
export class PictureMoments {
  readonly textDims: number;
  readonly imageDims: number;
  #items = 0;
  readonly #texts: Products;
  readonly #pictures: Products;
  /** textDims × imageDims: an item's mean text times its picture, which is exact since the picture is one. */
  readonly #cross: Float64Array;

  constructor(textDims: number, imageDims: number) {
    this.textDims = textDims;
    this.imageDims = imageDims;
    this.#texts = new Products(textDims);
    this.#pictures = new Products(imageDims);
    this.#cross = new Float64Array(textDims * imageDims);
  }

  add({ texts, picture }: { texts: readonly Float32Array[]; picture: Float32Array }): void {
    const meanText = new Float64Array(this.textDims);
    texts.forEach((text, i) => {
      if (text.length !== this.textDims || picture.length !== this.imageDims) {
        throw new RangeError(
          `vectors of ${text.length} and ${picture.length} dimensions among ${this.textDims} and ${this.imageDims}; use one pair of encoders`,
        );
      }
      const weight = texts.length === 1 ? 1 : i === 0 ? 1 - FRAGMENT_SHARE : FRAGMENT_SHARE / (texts.length - 1);
      this.#texts.add(text, weight);
      for (let t = 0; t < meanText.length; t++) meanText[t] = (meanText[t] ?? 0) + weight * (text[t] ?? 0);
    });
    this.#pictures.add(picture, 1);
    this.#items++;
    const cross = this.#cross;
    for (let t = 0; t < meanText.length; t++) {
      const value = meanText[t] ?? 0;
      const row = t * this.imageDims;
      for (let d = 0; d < picture.length; d++) cross[row + d] = (cross[row + d] ?? 0) + value * (picture[d] ?? 0);
    }
  }

  /**
   * (Cᴛᴛ + s)⁻¹ Cᴛᴘ (Cᴘᴘ + r)⁻¹ of the centred moments, and the offset that centres the text side.
   *
   * @returns (textDims + 1) × imageDims, row-major, the offset last
   */
  solve(): Float32Array {
    const { textDims, imageDims } = this;
    const [meanText, meanPicture] = [this.#texts.mean(this.#items), this.#pictures.mean(this.#items)];
    const byPicture = new Float64Array(textDims * imageDims);
    for (let t = 0; t < textDims; t++) {
      for (let d = 0; d < imageDims; d++) {
        byPicture[t * imageDims + d] = (this.#cross[t * imageDims + d] ?? 0) / this.#items - (meanText[t] ?? 0) * (meanPicture[d] ?? 0);
      }
    }
    solvePositiveDefinite(penalise(this.#pictures.covariance(this.#items), imageDims, PICTURE_PENALTY), imageDims, byPicture);
    const byText = transpose(byPicture, textDims, imageDims);
    solvePositiveDefinite(penalise(this.#texts.covariance(this.#items), textDims, TEXT_PENALTY), textDims, byText);

    const matrix = new Float32Array((textDims + 1) * imageDims);
    matrix.set(transpose(byText, imageDims, textDims));
    for (let d = 0; d < imageDims; d++) {
      let offset = 0;
      for (let t = 0; t < textDims; t++) offset -= (meanText[t] ?? 0) * (byText[d * textDims + t] ?? 0);
      matrix[textDims * imageDims + d] = offset;
    }
    return matrix;
  }
}

/** Weighted sum of vectors and of their outer products (lower triangle). */
class Products {
  readonly #size: number;
  readonly #sum: Float64Array;
  readonly #triangle: Float64Array;
  #waiting: Float64Array[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#sum = new Float64Array(size);
    this.#triangle = new Float64Array(size * size);
  }

  add(vector: Float32Array, weight: number): void {
    const root = Math.sqrt(weight);
    const scaled = new Float64Array(this.#size);
    for (let d = 0; d < scaled.length; d++) {
      this.#sum[d] = (this.#sum[d] ?? 0) + weight * (vector[d] ?? 0);
      scaled[d] = root * (vector[d] ?? 0);
    }
    this.#waiting.push(scaled);
    if (this.#waiting.length === AT_ONCE) this.#flush();
  }

  mean(weight: number): Float64Array {
    return this.#sum.map((value) => value / weight);
  }

  /** Lower triangle of the centred second moments; a copy. */
  covariance(weight: number): Float64Array {
    this.#flush();
    const size = this.#size;
    const mean = this.mean(weight);
    const covariance = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++)
        covariance[i * size + j] = (this.#triangle[i * size + j] ?? 0) / weight - (mean[i] ?? 0) * (mean[j] ?? 0);
    }
    return covariance;
  }

  #flush(): void {
    const size = this.#size;
    while (this.#waiting.length < AT_ONCE) this.#waiting.push(new Float64Array(size));
    const [a, b, c, d, e, f, g, h] = this.#waiting;
    this.#waiting = [];
    if (!a || !b || !c || !d || !e || !f || !g || !h) return;
    for (let i = 0; i < size; i++) addRow(this.#triangle, i, size, [a, b, c, d, e, f, g, h]);
  }
}

type EightVectors = readonly [
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
];

function addRow(triangle: Float64Array, i: number, size: number, [a, b, c, d, e, f, g, h]: EightVectors): void {
  const [ai, bi, ci, di] = [a[i] ?? 0, b[i] ?? 0, c[i] ?? 0, d[i] ?? 0];
  const [ei, fi, gi, hi] = [e[i] ?? 0, f[i] ?? 0, g[i] ?? 0, h[i] ?? 0];
  const row = i * size;
  for (let j = 0; j <= i; j++) {
    const low = ai * (a[j] ?? 0) + bi * (b[j] ?? 0) + ci * (c[j] ?? 0) + di * (d[j] ?? 0);
    const high = ei * (e[j] ?? 0) + fi * (f[j] ?? 0) + gi * (g[j] ?? 0) + hi * (h[j] ?? 0);
    triangle[row + j] = (triangle[row + j] ?? 0) + low + high;
  }
}

function penalise(covariance: Float64Array, size: number, share: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += covariance[i * size + i] ?? 0;
  for (let i = 0; i < size; i++) covariance[i * size + i] = (covariance[i * size + i] ?? 0) + (share * trace) / size + 1e-12;
  return covariance;
}

function transpose(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const turned = new Float64Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = matrix[r * columns + c] ?? 0;
  }
  return turned;
}
