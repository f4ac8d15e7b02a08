/**
 * Fits the frozen directions of the colour histogram:
 * `npx tsx models/training/fit-colour-basis.ts "$FUSERANK_DATA/clothing/images" "$FUSERANK_DATA/grocery/photos" rendered/images`.
 * Principal directions of the uncentred second moment, so that dot products survive; each folder weighs the same, and
 * so does a set of single colours from all of sRGB: vivid ones are rare in photos and shops still sell them.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { packageRoot } from '../../config/package-root.js';
import { countColours } from '../colour-histogram.js';
import { decodePicture } from '../picture-decoder.js';

const DIMS = 64;
const PICTURES_A_FOLDER = 800;

/** Red, green and blue each in steps, in the middle of a white wall. */
function drawSingleColours(): number[][] {
  const steps = [0, 51, 102, 153, 204, 255];
  const colours = steps.flatMap((red) => steps.flatMap((green) => steps.map((blue) => [red, green, blue])));
  return colours.map((colour) => {
    const data = new Uint8Array(16 * 16 * 3).fill(255);
    for (let y = 3; y < 13; y++) for (let x = 3; x < 13; x++) data.set(colour, (y * 16 + x) * 3);
    return [...countColours({ width: 16, height: 16, data })];
  });
}

async function readHistograms(folder: string): Promise<number[][]> {
  const names = (await readdir(folder)).sort();
  const step = Math.max(1, Math.floor(names.length / PICTURES_A_FOLDER));
  const rows: number[][] = [];
  for (let i = 0; i < names.length; i += step) {
    rows.push([...countColours(await decodePicture(await readFile(join(folder, names[i] ?? ''))))]);
  }
  return rows;
}

function sumProducts(rows: number[][]): Matrix {
  const histograms = new Matrix(rows);
  return histograms.transpose().mmul(histograms).div(rows.length);
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('name the folders of pictures to fit on');
const products = sumProducts(drawSingleColours());
for (const folder of folders) products.add(sumProducts(await readHistograms(folder)));
const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(products, { assumeSymmetric: true });
const leading = realEigenvalues.map((value, at) => ({ value, at })).sort((p, q) => q.value - p.value);
const kept = leading.slice(0, DIMS);
const share = kept.reduce((sum, { value }) => sum + value, 0) / leading.reduce((sum, { value }) => sum + value, 0);
const rows = Array.from({ length: products.rows }, (_, bin) => kept.map(({ at }) => Number(eigenvectorMatrix.get(bin, at).toFixed(5))));
const out = join(packageRoot, 'models', 'artefacts', 'colours-1');
await mkdir(out, { recursive: true });
await writeFile(join(out, 'basis.json'), `${JSON.stringify({ bins: products.rows, dims: DIMS, kept: Number(share.toFixed(4)), rows })}\n`);
process.stderr.write(`${DIMS} directions keep ${share.toFixed(4)} of the squared length\n`);
