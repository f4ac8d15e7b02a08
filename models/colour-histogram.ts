import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.js';
import type { Pixels } from './picture-decoder.js';

/** Grid of the CIE Lab solid: lightness × a × b, each pixel shared among its eight nearest knots. */
const LIGHTNESS_KNOTS = 5;
const CHROMA_KNOTS = 7;
/** Beyond ±this a and b hardly occur in sRGB. */
const CHROMA_RANGE = 84;
/** Pixels looked at along each edge: colours are coarse, so a sample grid is enough. */
const SAMPLES = 64;
/** Lab distance within which a pixel counts as the backdrop that the picture's rim shows. */
const BACKDROP_DISTANCE = 12;
/** What a backdrop pixel still counts for: a white shirt on white is not nothing. */
const BACKDROP_WEIGHT = 0.05;

const BINS = LIGHTNESS_KNOTS * CHROMA_KNOTS * CHROMA_KNOTS;

/**
 * The directions in which histograms of real pictures differ, frozen: a quarter of the bins lies outside what sRGB can
 * show, and neighbours go together, so that 64 numbers keep .998 of the squared length. Fitted by
 * models/training/fit-colour-basis.ts; row-major, BINS × dims.
 */
const basisText = readFileSync(join(packageRoot, 'models', 'artefacts', 'colours-1', 'basis.json'), 'utf8');
const basis = z
  .object({ bins: z.literal(BINS), dims: z.number().int().positive(), rows: z.array(z.array(z.number())).length(BINS) })
  .parse(JSON.parse(basisText));

/** sha256 of the frozen directions: histograms of two bases do not compare. */
export const COLOUR_BASIS_SHA256 = createHash('sha256').update(basisText).digest('hex');
export const COLOUR_DIMS = basis.dims;

/** Colours of the thing in the picture → a unit vector of COLOUR_DIMS values; like colours have a high cosine. */
export function measureColours(pixels: Pixels): Float32Array {
  const colours = new Float32Array(COLOUR_DIMS);
  countColours(pixels).forEach((share, bin) => {
    if (share > 0) basis.rows[bin]?.forEach((value, d) => (colours[d] = (colours[d] ?? 0) + share * value));
  });
  let squares = 0;
  for (const value of colours) squares += value * value;
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return colours.map((value) => value * scale);
}

/**
 * The histogram itself: soft bins in CIE Lab (D65), the middle of the picture weighing more than its rim and the
 * backdrop hardly at all; square roots of the shares, so that a dot product is the Bhattacharyya coefficient.
 *
 * @returns a unit vector of 245 values ≥ 0: lightness × a × b
 */
export function countColours(pixels: Pixels): Float32Array {
  const lab = sampleLab(pixels);
  const backdrop = findBackdrop(lab);
  const shares = new Float32Array(BINS);
  for (let y = 0; y < SAMPLES; y++) {
    for (let x = 0; x < SAMPLES; x++) {
      const at = (y * SAMPLES + x) * 3;
      const [lightness, a, b] = [lab[at] ?? 0, lab[at + 1] ?? 0, lab[at + 2] ?? 0];
      const dx = (x + 0.5) / SAMPLES - 0.5;
      const dy = (y + 0.5) / SAMPLES - 0.5;
      const centre = Math.exp(-4 * (dx * dx + dy * dy));
      const near = backdrop && Math.hypot(lightness - backdrop[0], a - backdrop[1], b - backdrop[2]) < BACKDROP_DISTANCE;
      addToKnots(shares, lightness, a, b, near ? centre * BACKDROP_WEIGHT : centre);
    }
  }
  let total = 0;
  for (const share of shares) total += share;
  return shares.map((share) => Math.sqrt(share / total));
}

/** Shares one pixel among the eight knots around its colour, in proportion to how near they are. */
function addToKnots(shares: Float32Array, lightness: number, a: number, b: number, weight: number): void {
  const l = placeAmongKnots(lightness / 100, LIGHTNESS_KNOTS);
  const u = placeAmongKnots((a + CHROMA_RANGE) / (2 * CHROMA_RANGE), CHROMA_KNOTS);
  const v = placeAmongKnots((b + CHROMA_RANGE) / (2 * CHROMA_RANGE), CHROMA_KNOTS);
  const [i, j, k] = [lowerKnot(l, LIGHTNESS_KNOTS), lowerKnot(u, CHROMA_KNOTS), lowerKnot(v, CHROMA_KNOTS)];
  for (let corner = 0; corner < 8; corner++) {
    const [di, dj, dk] = [corner >> 2, (corner >> 1) & 1, corner & 1];
    const bin = ((i + di) * CHROMA_KNOTS + j + dj) * CHROMA_KNOTS + k + dk;
    const near = (1 - Math.abs(l - i - di)) * (1 - Math.abs(u - j - dj)) * (1 - Math.abs(v - k - dk));
    shares[bin] = (shares[bin] ?? 0) + weight * near;
  }
}

/** Position in [0, 1], held inside it → in knots. */
function placeAmongKnots(position: number, knots: number): number {
  return Math.min(Math.max(position, 0), 1) * (knots - 1);
}

function lowerKnot(place: number, knots: number): number {
  return Math.min(Math.floor(place), knots - 2);
}

/** The median colour of the rim, where most of the rim agrees with it; else the picture has no backdrop. */
function findBackdrop(lab: Float32Array): [number, number, number] | null {
  const rim: number[] = [];
  for (let i = 0; i < SAMPLES; i++) rim.push(i, (SAMPLES - 1) * SAMPLES + i, i * SAMPLES, i * SAMPLES + SAMPLES - 1);
  const median = (channel: number): number => {
    const values = rim.map((pixel) => lab[pixel * 3 + channel] ?? 0).sort((p, q) => p - q);
    return values[values.length >> 1] ?? 0;
  };
  const colour: [number, number, number] = [median(0), median(1), median(2)];
  const agreeing = rim.filter(
    (pixel) =>
      Math.hypot((lab[pixel * 3] ?? 0) - colour[0], (lab[pixel * 3 + 1] ?? 0) - colour[1], (lab[pixel * 3 + 2] ?? 0) - colour[2]) <
      BACKDROP_DISTANCE,
  );
  return agreeing.length * 2 > rim.length ? colour : null;
}

/** SAMPLES × SAMPLES Lab triples, each the mean of a 2 × 2 patch spread over its cell. */
function sampleLab({ width, height, data }: Pixels): Float32Array {
  const lab = new Float32Array(SAMPLES * SAMPLES * 3);
  for (let y = 0; y < SAMPLES; y++) {
    for (let x = 0; x < SAMPLES; x++) {
      let [red, green, blue] = [0, 0, 0];
      for (const [ox, oy] of PATCH) {
        const column = Math.min(width - 1, Math.floor(((x + ox) / SAMPLES) * width));
        const row = Math.min(height - 1, Math.floor(((y + oy) / SAMPLES) * height));
        const at = (row * width + column) * 3;
        red += LINEAR[data[at] ?? 0] ?? 0;
        green += LINEAR[data[at + 1] ?? 0] ?? 0;
        blue += LINEAR[data[at + 2] ?? 0] ?? 0;
      }
      lab.set(toLab(red / PATCH.length, green / PATCH.length, blue / PATCH.length), (y * SAMPLES + x) * 3);
    }
  }
  return lab;
}

const PATCH: readonly (readonly [number, number])[] = [
  [0.25, 0.25],
  [0.75, 0.25],
  [0.25, 0.75],
  [0.75, 0.75],
];

/** sRGB byte → linear light (IEC 61966-2-1). */
const LINEAR = Float32Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** Linear sRGB in [0, 1] → CIE Lab under D65: L in [0, 100], a and b about ±100. */
function toLab(red: number, green: number, blue: number): [number, number, number] {
  const x = foldCube((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047);
  const y = foldCube(0.2126729 * red + 0.7151522 * green + 0.072175 * blue);
  const z = foldCube((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function foldCube(value: number): number {
  return value > 216 / 24389 ? Math.cbrt(value) : (value * (24389 / 27) + 16) / 116;
}
