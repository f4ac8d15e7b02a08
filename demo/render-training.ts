/**
 * Draws a shop to train on: `npx tsx demo/render-training.ts OUTDIR --count 4000 --seed 7`.
 * Writes OUTDIR/products.ndjson (a product a line, with `latent`: kind, colour, pattern, material, style) and
 * OUTDIR/images/*.jpg. Uses the training values only, so that the demo's tastes stay unseen.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { renderPicture } from './picture.js';
import { generateShop } from './shop.js';
import { wholeNumber } from '../config/whole-number.js';

async function renderTraining(folder: string, options: { count: number; seed: number }): Promise<void> {
  await mkdir(join(folder, 'images'), { recursive: true });
  const rows = createWriteStream(join(folder, 'products.ndjson'));
  for (const { product, latent, svg } of generateShop({ values: 'training', ...options })) {
    await writeFile(join(folder, 'images', product.image), await renderPicture(svg));
    rows.write(`${JSON.stringify({ ...product, latent })}\n`);
  }
  rows.end();
  await finished(rows);
}

await new Command('render-training')
  .description('draw a shop whose values are apart from the demo’s, to train encoders and rankers on')
  .argument('<folder>', 'where products.ndjson and images/ go')
  .option('--count <n>', 'how many products', wholeNumber(1), 4000)
  .option('--seed <n>', 'another seed, another shop', wholeNumber(0), 7)
  .action(renderTraining)
  .parseAsync();
