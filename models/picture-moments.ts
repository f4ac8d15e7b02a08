import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/**
 * Penalties, as shares of the mean variance of a direction; chosen on tops (docs/quality.md). A weak one on the text
 * side lets rare words count; a strong one on the picture side trusts its leading directions.
 */
const TEXT_PENALTY = 0.3;
const PICTURE_PENALTY = 3;
/** Keeps a side without any variance solvable. */
const LEAST_PENALTY = 1e-12;
/** Share of an item's weight that its short texts have together. */
const FRAGMENT_SHARE = 0.2;
/** Items that enter the sums of products at once: a catalogue's vectors need not all be held twice. */
const AT_ONCE = 256;

/** An item: its title, then its fragments, and the picture that they share. */
interface Pairs {
  readonly texts: readonly Float32Array[];
  readonly picture: Float32Array;
}

/**
 * Sums over items of texts, pictures and their products: all that the head's solution needs, whatever the number of
 * items. An item weighs 1; its title and its fragments share that weight.
 */
export class PictureMoments {
  readonly textDims: number;
  readonly imageDims: number;
  #items = 0;
  #waiting: Pairs[] = [];
  /** 1 × dims each. */
  readonly #textSum: Matrix;
  readonly #pictureSum: Matrix;
  /** dims × dims each. */
  readonly #textProducts: Matrix;
  readonly #pictureProducts: Matrix;
  /** textDims × imageDims: an item's mean text times its picture, which is exact since the picture is one. */
  readonly #cross: Matrix;

  constructor(textDims: number, imageDims: number) {
    this.textDims = textDims;
    this.imageDims = imageDims;
    this.#textSum = Matrix.zeros(1, textDims);
    this.#pictureSum = Matrix.zeros(1, imageDims);
    this.#textProducts = Matrix.zeros(textDims, textDims);
    this.#pictureProducts = Matrix.zeros(imageDims, imageDims);
    this.#cross = Matrix.zeros(textDims, imageDims);
  }

  /** @throws RangeError where a vector has other dimensions than the sums */
  add({ texts, picture }: Pairs): void {
    for (const text of texts) {
      if (text.length !== this.textDims || picture.length !== this.imageDims) {
        throw new RangeError(
          `vectors of ${text.length} and ${picture.length} dimensions among ${this.textDims} and ${this.imageDims}; use one pair of encoders`,
        );
      }
    }
    this.#items++;
    this.#waiting.push({ texts, picture });
    if (this.#waiting.length === AT_ONCE) this.#sumWaiting();
  }

  /**
   * (Cᴛᴛ + s)⁻¹ Cᴛᴘ (Cᴘᴘ + r)⁻¹ of the centred moments, and the offset that centres the text side.
   *
   * @returns (textDims + 1) × imageDims, row-major, the offset last
   */
  solve(): Float32Array {
    this.#sumWaiting();
    const meanText = Matrix.div(this.#textSum, this.#items);
    const meanPicture = Matrix.div(this.#pictureSum, this.#items);
    const centre = (products: Matrix, left: Matrix, right: Matrix): Matrix =>
      Matrix.div(products, this.#items).sub(left.transpose().mmul(right));

    const cross = centre(this.#cross, meanText, meanPicture);
    const byPicture = solvePenalised(centre(this.#pictureProducts, meanPicture, meanPicture), PICTURE_PENALTY, cross.transpose());
    const map = solvePenalised(centre(this.#textProducts, meanText, meanText), TEXT_PENALTY, byPicture.transpose());
    const offset = meanText.mmul(map).mul(-1);
    return Float32Array.from([...map.to1DArray(), ...offset.to1DArray()]);
  }

  #sumWaiting(): void {
    const items = this.#waiting;
    if (items.length === 0) return;
    this.#waiting = [];
    const weights = items.map(({ texts }) => shareWeight(texts.length));
    const meanTexts = new Matrix(
      items.map(({ texts }, i) =>
        Matrix.rowVector(weights[i] ?? [])
          .mmul(new Matrix(texts))
          .getRow(0),
      ),
    );
    const pictures = new Matrix(items.map(({ picture }) => picture));
    // Roots, since a row enters its product twice.
    const weighedTexts = new Matrix(items.flatMap(({ texts }) => texts)).mulColumnVector(weights.flat().map(Math.sqrt));

    this.#textSum.add(Matrix.rowVector(meanTexts.sum('column')));
    this.#pictureSum.add(Matrix.rowVector(pictures.sum('column')));
    this.#textProducts.add(weighedTexts.gram());
    this.#pictureProducts.add(pictures.gram());
    this.#cross.add(meanTexts.transpose().mmul(pictures));
  }
}

/** The weights of an item's texts, the title's first; their sum is 1. */
function shareWeight(texts: number): number[] {
  if (texts === 1) return [1];
  return Array.from({ length: texts }, (_, i) => (i === 0 ? 1 - FRAGMENT_SHARE : FRAGMENT_SHARE / (texts - 1)));
}

/** X of (covariance + share · its mean variance) · X = right. */
function solvePenalised(covariance: Matrix, share: number, right: Matrix): Matrix {
  const penalty = (share * covariance.trace()) / covariance.rows + LEAST_PENALTY;
  return new CholeskyDecomposition(covariance.add(Matrix.eye(covariance.rows, covariance.rows, penalty))).solve(right);
}
