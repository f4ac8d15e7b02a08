import { createHash } from 'node:crypto';
import { Matrix } from 'ml-matrix';
import { PictureMoments } from './picture-moments.js';

/**
 * A map from the text space to the picture space: a typed query becomes a vector whose cosine with an item's picture
 * says how well the words describe what is seen. Fitted on the catalogue's own pairs; of no use on another one.
 */
export interface PictureHead {
  readonly textDims: number;
  readonly imageDims: number;
  /** (textDims + 1) × imageDims, row-major; the last row is the offset, which centres the text side. */
  readonly matrix: Float32Array;
  /** How it was judged when it was fitted, on items that the judged map had not seen. */
  readonly quality: PictureHeadQuality;
  /** Text vector → unit vector of imageDims values. Throws RangeError on a vector of another length. */
  project(textVector: Float32Array): Float32Array;
}

// A type, not an interface: it is stored as a record of numbers.
export type PictureHeadQuality = {
  /** Share of the held-out titles whose own picture is among the ten nearest of the held-out pictures. */
  recallAt10: number;
  /** Lower end of the bootstrap's 95 % interval of recallAt10. */
  recallAt10Low: number;
  /** What a random order would reach. */
  chance: number;
  heldOut: number;
  fitted: number;
};

export interface PictureHeadRefusal {
  /** Why there is no head, and what would mend it. */
  refusal: string;
}

const LEAST_ITEMS = 60;
const MOST_ITEMS = 20_000;
const TOP = 10;
const TIMES_CHANCE = 3;
const RESAMPLES = 1000;

/** One picture with its texts: pairs that share a picture (variants, fragments) stay on one side of the split. */
interface Example {
  picture: Float32Array;
  texts: Float32Array[];
  hash: string;
}

/**
 * Fits the head: with T and P the centred texts and pictures, the bilinear form (Cᴘᴘ + r)⁻¹ Cᴘᴛ (Cᴛᴛ + s)⁻¹, which is
 * regularised canonical correlation analysis with every direction weighed by its correlation, folded into one map
 * (Hotelling 1936; Vinod 1976 for the ridge). Centring the pictures would add the same amount to every item's dot
 * product, so it lives in the map alone and the index keeps plain vectors.
 *
 * Then the check: fitted without a part of the items, does a held-out title find its own picture? Only if the lower
 * end of that recall is at least three times chance is there a head, fitted on everything.
 *
 * @param options.texts unit vectors; of the texts of one picture the first is its title, the others are fragments
 * @param options.pictures the unit picture vector of each text; equal vectors are one item
 */
export function fitPictureHead(options: {
  texts: readonly Float32Array[];
  pictures: readonly Float32Array[];
}): PictureHead | PictureHeadRefusal {
  const examples = groupByPicture(options.texts, options.pictures);
  if (examples.length < LEAST_ITEMS) {
    return { refusal: `${examples.length} items with a text and a picture of their own; a head needs ${LEAST_ITEMS} at least` };
  }
  const heldOut = examples.slice(0, countHeldOut(examples.length));
  const rest = examples.slice(heldOut.length);
  const moments = new PictureMoments(rest[0]?.texts[0]?.length ?? 0, rest[0]?.picture.length ?? 0);
  for (const example of rest) moments.add(example);
  const judged = turnMap(moments.solve(), moments);
  const quality = { ...measureRecall(judged, heldOut), fitted: rest.length };
  if (quality.recallAt10Low < TIMES_CHANCE * quality.chance) {
    return {
      refusal:
        `a held-out title finds its picture among ${TOP} of ${quality.heldOut} in ${format(quality.recallAt10)} of the cases ` +
        `(at least ${format(quality.recallAt10Low)}), and ${format(TIMES_CHANCE * quality.chance)} is asked for; ` +
        'titles that say what is seen, or more items, would help',
    };
  }
  for (const example of heldOut) moments.add(example);
  return makeHead({ textDims: moments.textDims, imageDims: moments.imageDims, matrix: moments.solve(), quality });
}

/**
 * Short pieces of a title, as shoppers type them: single words and runs of two or three, the same ones for the same
 * title. Without them a head knows titles only, and a query of one word lies far from any title.
 */
export function cutFragments(title: string, options: { count?: number } = {}): string[] {
  const words = title.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’&.-]*/gu) ?? [];
  const runs = new Set<string>();
  for (let length = 1; length <= 3; length++) {
    for (let start = 0; start + length <= words.length; start++) {
      const run = words.slice(start, start + length).join(' ');
      if (run.length > 2 && length < words.length) runs.add(run);
    }
  }
  // By hash: evenly spread over the title, and no seed to carry.
  const digest = (run: string): string => createHash('sha256').update(`${title}\n${run}`).digest('hex');
  return [...runs]
    .map((run) => ({ run, order: digest(run) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .slice(0, options.count ?? 6)
    .map(({ run }) => run);
}

/** The matrix as base64 of little-endian float32, and the sha256 of those bytes. */
export function encodePictureHead(head: PictureHead): { matrix: string; sha256: string; text_dims: number; image_dims: number } {
  const bytes = Buffer.alloc(head.matrix.length * 4);
  head.matrix.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return {
    matrix: bytes.toString('base64'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    text_dims: head.textDims,
    image_dims: head.imageDims,
  };
}

/** @throws Error where the bytes are not those that were stamped, or not of the stamped shape */
export function decodePictureHead(stored: {
  matrix: string;
  sha256: string;
  text_dims: number;
  image_dims: number;
  quality?: Readonly<Record<string, number>>;
}): PictureHead {
  const bytes = Buffer.from(stored.matrix, 'base64');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== stored.sha256)
    throw new Error(`the picture head's bytes have sha256 ${sha256}, ${stored.sha256} is stamped; index the catalogue again`);
  const expected = (stored.text_dims + 1) * stored.image_dims;
  if (bytes.length !== expected * 4) {
    throw new Error(`the picture head has ${bytes.length / 4} numbers, ${expected} belong to its dims; index the catalogue again`);
  }
  const { recallAt10 = 0, recallAt10Low = 0, chance = 0, heldOut = 0, fitted = 0 } = stored.quality ?? {};
  return makeHead({
    textDims: stored.text_dims,
    imageDims: stored.image_dims,
    matrix: Float32Array.from({ length: expected }, (_, i) => bytes.readFloatLE(i * 4)),
    quality: { recallAt10, recallAt10Low, chance, heldOut, fitted },
  });
}

function makeHead(parts: { textDims: number; imageDims: number; matrix: Float32Array; quality: PictureHeadQuality }): PictureHead {
  const map = turnMap(parts.matrix, parts);
  return {
    ...parts,
    project(textVector) {
      if (textVector.length !== parts.textDims) {
        throw new RangeError(
          `this head takes text vectors of ${parts.textDims} dimensions, not ${textVector.length}; it belongs to another encoder`,
        );
      }
      const projected = map.mmul(Matrix.columnVector([...textVector, 1]));
      const length = projected.norm();
      return Float32Array.from(length > 0 ? projected.div(length).to1DArray() : projected.to1DArray());
    },
  };
}

/** imageDims × (textDims + 1): turned, one text's product with it reads every row in order. */
function turnMap(matrix: Float32Array, { textDims, imageDims }: { textDims: number; imageDims: number }): Matrix {
  return Matrix.from1DArray(textDims + 1, imageDims, matrix).transpose();
}

/** In the order of a hash of the picture, which is the split's and no one's wish. */
function groupByPicture(texts: readonly Float32Array[], pictures: readonly Float32Array[]): Example[] {
  if (texts.length !== pictures.length)
    throw new RangeError(`${texts.length} texts and ${pictures.length} pictures; each text needs its picture`);
  const examples = new Map<string, Example>();
  texts.forEach((text, i) => {
    const picture = pictures[i];
    if (!picture || isZero(text) || isZero(picture)) return;
    const hash = createHash('sha256')
      .update(new Uint8Array(picture.buffer, picture.byteOffset, picture.byteLength))
      .digest('hex');
    const known = examples.get(hash);
    if (known) known.texts.push(text);
    else examples.set(hash, { picture, texts: [text], hash });
  });
  return [...examples.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1)).slice(0, MOST_ITEMS);
}

function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

/** A fifth, but enough that ten of them is not most of them. */
function countHeldOut(items: number): number {
  return items < 200 ? items >> 1 : Math.min(Math.max(Math.round(items / 5), 100), 1000);
}

function format(share: number): string {
  return share.toFixed(3);
}

/** @param map turned, see turnMap */
function measureRecall(map: Matrix, heldOut: readonly Example[]): Omit<PictureHeadQuality, 'fitted'> {
  const titles = new Matrix(heldOut.map(({ texts }) => [...(texts[0] ?? []), 1]));
  const pictures = new Matrix(heldOut.map(({ picture }) => picture));
  // One row a title; its length, which the cosine would divide by, orders nothing.
  const products = titles.mmul(map.transpose()).mmul(pictures.transpose());
  const found = heldOut.map((_, own) => {
    const nearer = products.getRow(own).filter((product) => product > products.get(own, own));
    return nearer.length < TOP ? 1 : 0;
  });
  const chance = Math.min(1, TOP / found.length);
  return { recallAt10: mean(found), recallAt10Low: boundFromBelow(found), chance, heldOut: found.length };
}

/** Percentile bootstrap: the 2.5 % point of the mean over resamples with replacement; seeded, so the same every time. */
function boundFromBelow(found: readonly number[]): number {
  let state = 0x9e3779b9;
  // xorshift32 (Marsaglia 2003): plenty for drawing indices.
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < found.length; i++) sum += found[draw() % found.length] ?? 0;
    return sum / found.length;
  }).sort((a, b) => a - b);
  return means[Math.floor(0.025 * RESAMPLES)] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
