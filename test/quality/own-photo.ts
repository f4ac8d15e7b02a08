import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { PRODUCT } from '../../mappings/product-index.js';
import { openImageEncoder } from '../../models/image-encoder.js';
import { decodePicture } from '../../models/picture-decoder.js';
import type { CatalogueDoor, EncoderSet } from './catalogue-door.js';
import type { Top } from './tops-catalogue.js';

/** As a shopper's phone or a messenger might leave a photo: smaller, and compressed once more. */
export const DISTORTION = { longSide: 160, quality: 60 } as const;

export interface OwnPhotoResult {
  searches: number;
  /** Share whose first hit is the product itself, or one with the very same photo file. */
  hitAt1: number;
  /** Share whose first hit is the product itself by its id. */
  sameIdAt1: number;
}

/** From bytes: the decoder has closed sharp's loaders for files. */
async function distort(top: Top): Promise<Buffer> {
  const { longSide, quality } = DISTORTION;
  return sharp(await readFile(top.photo))
    .resize(longSide, longSide, { fit: 'inside' })
    .jpeg({ quality })
    .toBuffer();
}

/** Each product's own photo, distorted, straight to the engine's picture field. */
export async function findByVector(door: CatalogueDoor, encoders: EncoderSet, tops: readonly Top[]): Promise<OwnPhotoResult> {
  const encoder = await openImageEncoder({ path: encoders.image });
  try {
    return await findOwn(tops, async (photo) => {
      const [vector] = await encoder.encode([await decodePicture(photo)]);
      const knn = { [PRODUCT.imageVector]: { vector: Array.from(vector ?? []), k: 10 } };
      return door.searchEngine({ query: { knn }, size: 1, _source: false });
    });
  } finally {
    await encoder.close();
  }
}

/** The same through the whole sidecar: a photo instead of words, beside a query that matches everything alike. */
export function findThroughSidecar(door: CatalogueDoor, tops: readonly Top[]): Promise<OwnPhotoResult> {
  return findOwn(tops, (photo) =>
    door.searchSidecar(
      { query: { match_all: {} }, size: 1, _source: false },
      { query_image: { format: 'base64', value: photo.toString('base64') } },
    ),
  );
}

async function findOwn(tops: readonly Top[], search: (photo: Buffer) => Promise<readonly { id: string }[]>): Promise<OwnPhotoResult> {
  const digests = new Map(tops.map((top) => [top.id, top.photoDigest]));
  let [samePhoto, sameId] = [0, 0];
  for (const top of tops) {
    const [first] = await search(await distort(top));
    if (first?.id === top.id) sameId += 1;
    if (first && (first.id === top.id || digests.get(first.id) === top.photoDigest)) samePhoto += 1;
  }
  return { searches: tops.length, hitAt1: samePhoto / tops.length, sameIdAt1: sameId / tops.length };
}
