import { LRUCache } from 'lru-cache';
import type { EncoderStamp } from '../mappings/product-index.js';
import type { ImageEncoder } from '../models/image-encoder.js';
import { decodePicture, UnreadablePicture, type Pixels } from '../models/picture-decoder.js';
import type { TextEncoder } from '../models/text-encoder.js';

/** A unit vector, or why there is none. */
export type Embedding = { vector: Float32Array } | { missing: string };

/** Work that inference really did; the second run over an unchanged catalogue shows zeros. */
export interface EmbeddingCounts {
  texts: number;
  pictures: number;
}

/** Variants share titles and photos: what was embedded lately is not embedded again. About 30 MB at 1,400 floats a product. */
const REMEMBERED = 4096;
/** Pictures decoded at a time; the next ones are decoded while these are in the model. */
const PICTURE_GROUP = 8;

export function stampOf(encoder: TextEncoder | ImageEncoder): EncoderStamp {
  return { id: encoder.id, dims: encoder.dims, normalised: true, preprocessing: encoder.preprocessing };
}

/** Turns texts and picture bytes into unit vectors, in batches, each distinct key once. */
export class Embedder {
  readonly counts: EmbeddingCounts = { texts: 0, pictures: 0 };
  private readonly lately = new LRUCache<string, Embedding>({ max: REMEMBERED });

  constructor(
    private readonly encoders: { text: TextEncoder | null; image: ImageEncoder | null },
    private readonly limits: { maxPixels: number },
  ) {}

  /** @param work texts with a key that is the same only for the same text */
  async embedTexts(work: readonly { key: string; text: string }[]): Promise<Map<string, Embedding>> {
    const { text: encoder } = this.encoders;
    const { known, fresh } = this.divide(work);
    if (encoder === null || fresh.length === 0) return known;
    const vectors = await encoder.encode(fresh.map(({ text }) => text));
    this.counts.texts += fresh.length;
    fresh.forEach(({ key }, position) =>
      this.remember(known, key, toEmbedding(vectors[position], 'the text has no word that the encoder knows')),
    );
    return known;
  }

  /** @param work picture files with a key that is the same only for the same bytes */
  async embedPictures(work: readonly { key: string; bytes: Uint8Array }[]): Promise<Map<string, Embedding>> {
    const { image: encoder } = this.encoders;
    const { known, fresh } = this.divide(work);
    if (encoder === null) return known;
    let decoding = this.decodeGroup(fresh.slice(0, PICTURE_GROUP));
    for (let start = 0; start < fresh.length; start += PICTURE_GROUP) {
      const decoded = await decoding;
      decoding = this.decodeGroup(fresh.slice(start + PICTURE_GROUP, start + 2 * PICTURE_GROUP));
      const readable: { key: string; pixels: Pixels }[] = [];
      for (const { key, outcome } of decoded) {
        if ('missing' in outcome) this.remember(known, key, outcome);
        else readable.push({ key, pixels: outcome.pixels });
      }
      if (readable.length === 0) continue;
      const vectors = await encoder.encode(readable.map(({ pixels }) => pixels));
      this.counts.pictures += readable.length;
      readable.forEach(({ key }, position) => this.remember(known, key, toEmbedding(vectors[position], 'the picture gave no vector')));
    }
    return known;
  }

  private divide<Work extends { key: string }>(work: readonly Work[]): { known: Map<string, Embedding>; fresh: Work[] } {
    const known = new Map<string, Embedding>();
    const fresh = new Map<string, Work>();
    for (const item of work) {
      const embedding = this.lately.get(item.key);
      if (embedding) known.set(item.key, embedding);
      else fresh.set(item.key, item);
    }
    return { known, fresh: [...fresh.values()] };
  }

  private remember(known: Map<string, Embedding>, key: string, embedding: Embedding): void {
    known.set(key, embedding);
    this.lately.set(key, embedding);
  }

  private decodeGroup(
    group: readonly { key: string; bytes: Uint8Array }[],
  ): Promise<{ key: string; outcome: { pixels: Pixels } | { missing: string } }[]> {
    return Promise.all(
      group.map(async ({ key, bytes }) => {
        try {
          return { key, outcome: { pixels: await decodePicture(bytes, { maxPixels: this.limits.maxPixels }) } };
        } catch (error) {
          if (error instanceof UnreadablePicture) return { key, outcome: { missing: error.message } };
          throw error;
        }
      }),
    );
  }
}

/** A zero vector has no direction; the engine refuses it for cosine, so it counts as none. */
function toEmbedding(vector: Float32Array | undefined, missing: string): Embedding {
  return vector === undefined || vector.every((value) => value === 0) ? { missing } : { vector };
}
