import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { renderPicture } from '../../demo/picture.js';

const CELL = 128;
const LABEL = 150;

/** A picture of search results to look at: a row for each query, its hits from left to right. */
export async function drawContactSheet(file: string, rows: readonly { label: string; pictures: readonly string[] }[]): Promise<void> {
  const columns = Math.max(...rows.map(({ pictures }) => pictures.length));
  const tiles = rows.flatMap(({ pictures }, row) =>
    pictures.map(async (picture, column) => ({
      // From bytes: the picture decoder has closed sharp's loaders for files.
      input: await sharp(await readFile(picture))
        .resize(CELL, CELL, { fit: 'contain', background: 'white' })
        .png()
        .toBuffer(),
      left: LABEL + column * CELL,
      top: row * CELL,
    })),
  );
  const labels = rows.map(async ({ label }, row) => ({ input: await renderPicture(labelSvg(label)), left: 0, top: row * CELL }));
  await sharp({ create: { width: LABEL + columns * CELL, height: rows.length * CELL, channels: 3, background: 'white' } })
    .composite(await Promise.all([...labels, ...tiles]))
    .png({ palette: true })
    .toFile(file);
}

function labelSvg(label: string): string {
  const text = label.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL}" height="${CELL}"><text x="8" y="${CELL / 2}" font-family="sans-serif" font-size="17">${text}</text></svg>`;
}
