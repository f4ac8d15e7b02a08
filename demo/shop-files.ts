import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, openFolder } from '../opensearch/local-node/cache.js';
import { renderPicture } from './picture.js';
import { type ShopEntry, type ShopOptions, generateShop } from './shop.js';

/** The demo's shop on disk, as a shopkeeper would hand it over. */
export interface ShopFiles {
  entries: ShopEntry[];
  /** The feed: a product a line. */
  catalogue: string;
  /** Folder of the pictures that the feed names. */
  pictures: string;
  /** Pictures drawn now; the others were there from an earlier run. */
  drawn: number;
}

/** The folder's name changes with the drawing code, so that old pictures are never taken for new ones. */
function nameFolder(entries: readonly ShopEntry[], options: ShopOptions): string {
  const digest = createHash('sha256').update(JSON.stringify(options));
  for (const entry of entries.slice(0, 60)) digest.update(JSON.stringify(entry.product)).update(entry.svg);
  return `shop-${digest.digest('hex').slice(0, 12)}`;
}

/**
 * Writes the shop's feed and draws its pictures below the cache folder, each picture once for all runs.
 * `onProgress` hears how many pictures are there.
 */
export async function prepareShop(options: ShopOptions & { onProgress?: (done: number, all: number) => void }): Promise<ShopFiles> {
  const { onProgress, ...shop } = options;
  const entries = [...generateShop(shop)];
  const folder = join(cacheFolder(), 'demo', nameFolder(entries, shop));
  const pictures = join(folder, 'pictures');
  openFolder(folder);
  await mkdir(pictures, { recursive: true });

  const missing = entries.filter((entry) => !existsSync(join(pictures, entry.product.image)));
  let next = 0;
  const drawNext = async (): Promise<void> => {
    for (let entry = missing[next++]; entry; entry = missing[next++]) {
      const file = join(pictures, entry.product.image);
      // A run that is stopped must not leave half a picture under its name.
      await writeFile(`${file}.part`, await renderPicture(entry.svg));
      await rename(`${file}.part`, file);
      if (next % 100 === 0) onProgress?.(entries.length - missing.length + next, entries.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, drawNext));

  const catalogue = join(folder, 'products.ndjson');
  await writeFile(catalogue, entries.map((entry) => `${JSON.stringify(entry.product)}\n`).join(''));
  return { entries, catalogue, pictures, drawn: missing.length };
}
