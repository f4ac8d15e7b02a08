import type { Pixels } from './picture-decoder.js';

/**
 * The whole picture, fitted inside a square and centred on white → three planes of (value / 127.5 − 1), written to
 * `planes` (3 · side · side numbers). Nothing is cut off: a dress is tall.
 */
export function squarePicture(pixels: Pixels, side: number, planes: Float32Array): void {
  const scale = side / Math.max(pixels.width, pixels.height);
  const [width, height] = [Math.max(1, Math.round(pixels.width * scale)), Math.max(1, Math.round(pixels.height * scale))];
  const across = spreadWeights(pixels.width, width);
  const down = spreadWeights(pixels.height, height);
  const narrow = narrowRows(pixels, across, width);
  const [left, top] = [(side - width) >> 1, (side - height) >> 1];
  planes.fill(1);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const to = (channel * side + top + y) * side + left;
      planes.fill(-1, to, to + width);
      for (let k = 0; k < down.taps; k++) {
        const weight = (down.weights[y * down.taps + k] ?? 0) / 127.5;
        const from = (channel * pixels.height + Math.min((down.starts[y] ?? 0) + k, pixels.height - 1)) * width;
        if (weight > 0) for (let x = 0; x < width; x++) planes[to + x] = (planes[to + x] ?? 0) + weight * (narrow[from + x] ?? 0);
      }
    }
  }
}

/** For each target pixel where its source pixels start, and what each of `taps` gives; an edge's surplus taps give 0. */
interface Spread {
  starts: Int32Array;
  weights: Float32Array;
  taps: number;
}

/** A triangle over the source, as wide as two target pixels when shrinking, two source pixels when enlarging. */
function spreadWeights(from: number, to: number): Spread {
  const step = from / to;
  const reach = Math.max(step, 1);
  const taps = Math.ceil(2 * reach) + 1;
  const spread = { starts: new Int32Array(to), weights: new Float32Array(to * taps), taps };
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * step;
    const start = Math.max(0, Math.floor(centre - reach));
    const end = Math.min(from, Math.ceil(centre + reach));
    let total = 0;
    for (let at = start; at < end; at++) total += Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach);
    spread.starts[target] = start;
    for (let at = start; at < end; at++)
      spread.weights[target * taps + at - start] = Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach) / total;
  }
  return spread;
}

/** → planes of width `to`: 3 × height × to. Interleaved bytes are read once, in order. */
function narrowRows({ width, height, data }: Pixels, spread: Spread, to: number): Float32Array {
  const planes = new Float32Array(3 * height * to);
  const size = height * to;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const start = spread.starts[x] ?? 0;
      const taps = Math.min(spread.taps, width - start);
      let [red, green, blue] = [0, 0, 0];
      let at = (y * width + start) * 3;
      for (let k = 0; k < taps; k++) {
        const weight = spread.weights[x * spread.taps + k] ?? 0;
        red += weight * (data[at] ?? 0);
        green += weight * (data[at + 1] ?? 0);
        blue += weight * (data[at + 2] ?? 0);
        at += 3;
      }
      planes[y * to + x] = red;
      planes[size + y * to + x] = green;
      planes[2 * size + y * to + x] = blue;
    }
  }
  return planes;
}
