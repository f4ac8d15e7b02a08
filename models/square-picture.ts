import type { Pixels } from './picture-decoder.js';

/**
 * The whole picture, fitted inside a square and centred on white → three planes of (value / 127.5 − 1), written to
 * `planes` (3 · side · side numbers). Nothing is cut off: a dress is tall.
 */
export function squarePicture(pixels: Pixels, side: number, planes: Float32Array): void {
  const scale = side / Math.max(pixels.width, pixels.height);
  const [width, height] = [Math.max(1, Math.round(pixels.width * scale)), Math.max(1, Math.round(pixels.height * scale))];
  const narrow = resampleRows(pixels, spreadWeights(pixels.width, width));
  const columns = spreadWeights(pixels.height, height);
  const [left, top] = [(side - width) >> 1, (side - height) >> 1];
  planes.fill(1);
  for (let y = 0; y < height; y++) {
    const { start, weights } = columns[y] ?? EMPTY;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let value = 0;
        for (let k = 0; k < weights.length; k++) value += (weights[k] ?? 0) * (narrow[((start + k) * width + x) * 3 + channel] ?? 0);
        planes[(channel * side + top + y) * side + left + x] = value / 127.5 - 1;
      }
    }
  }
}

/** Source pixels that make one pixel, and what each gives; the weights add up to 1. */
interface Spread {
  start: number;
  weights: Float32Array;
}

const EMPTY: Spread = { start: 0, weights: new Float32Array() };

/** A triangle over the source, as wide as two target pixels when shrinking, two source pixels when enlarging. */
function spreadWeights(from: number, to: number): Spread[] {
  const step = from / to;
  const reach = Math.max(step, 1);
  return Array.from({ length: to }, (_, target) => {
    const centre = (target + 0.5) * step;
    const start = Math.max(0, Math.floor(centre - reach));
    const end = Math.min(from, Math.ceil(centre + reach));
    const weights = Float32Array.from({ length: end - start }, (_w, k) => Math.max(0, 1 - Math.abs(start + k + 0.5 - centre) / reach));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: weights.map((weight) => weight / total) };
  });
}

/** → height × (number of spreads) × 3 */
function resampleRows({ width, height, data }: Pixels, spreads: readonly Spread[]): Float32Array {
  const rows = new Float32Array(height * spreads.length * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < spreads.length; x++) {
      const { start, weights } = spreads[x] ?? EMPTY;
      let [red, green, blue] = [0, 0, 0];
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k] ?? 0;
        const at = (y * width + start + k) * 3;
        red += weight * (data[at] ?? 0);
        green += weight * (data[at + 1] ?? 0);
        blue += weight * (data[at + 2] ?? 0);
      }
      const to = (y * spreads.length + x) * 3;
      rows[to] = red;
      rows[to + 1] = green;
      rows[to + 2] = blue;
    }
  }
  return rows;
}
