import type { EngineClient } from '../../opensearch/connection.js';
import { NOTHING, UNREAD, type ContentHash } from './content-hash.js';
import type { PreparedProduct } from './product-preparation.js';
import { readStoredVectors, type StoredVectors } from './stored-products.js';
import type { Embedder, Embedding } from '../vectors.js';

/** A product ready to be written. */
export interface EmbeddedProduct {
  prepared: PreparedProduct;
  textVector: Float32Array | null;
  imageVector: Float32Array | null;
  /** As stored; differs from the prepared one where a picture turned out to be unreadable. */
  hash: ContentHash;
  /** Why the product goes without a picture vector though it names a picture; null when all is well. */
  pictureFault: string | null;
}

/** A picture's hash when its bytes were read but hold no picture; known so, it is not decoded again. */
function unreadableHash(imageHash: string): string {
  return `${UNREAD}${imageHash}`;
}

/** True when what is stored is what would be stored now. */
export function isUnchanged(now: ContentHash, stored: ContentHash): boolean {
  return now.document === stored.document && now.text === stored.text && isSameImage(now.image, stored.image);
}

function isSameImage(now: string, stored: string): boolean {
  return stored === now || stored === unreadableHash(now);
}

/** Why a stored product has no picture vector though it names a picture; null when it has, or names none. */
export function knownPictureFault(prepared: PreparedProduct, stored: ContentHash | undefined): string | null {
  if (prepared.picture.kind === 'refused') return prepared.picture.reason;
  if (prepared.picture.kind === 'bytes' && stored?.image === unreadableHash(prepared.hash.image)) {
    return 'the file holds no picture that can be read (unchanged since it was last tried)';
  }
  return null;
}

/**
 * Gives each product its vectors: those that the stored version already has for the same text or the same bytes are
 * taken from there, the rest is embedded.
 * @param stored where content hashes were read from; null: nothing is reused
 */
export async function embedProducts(
  batch: readonly PreparedProduct[],
  options: { embedder: Embedder; stored: { client: EngineClient; index: string; hashes: ReadonlyMap<string, ContentHash> } | null },
): Promise<EmbeddedProduct[]> {
  const { embedder, stored } = options;
  const storedHash = (prepared: PreparedProduct): ContentHash | undefined => stored?.hashes.get(prepared.product.id);
  const reusable = batch.filter((prepared) => {
    const hash = storedHash(prepared);
    return hash !== undefined && (hasVector(prepared.hash.text, hash.text) || hasVector(prepared.hash.image, hash.image));
  });
  const vectors = stored
    ? await readStoredVectors(
        stored.client,
        stored.index,
        reusable.map(({ product }) => product.id),
      )
    : new Map<string, StoredVectors>();
  const reused = (prepared: PreparedProduct, kind: 'text' | 'image'): Float32Array | null => {
    const hash = storedHash(prepared);
    return hash !== undefined && prepared.hash[kind] === hash[kind] ? (vectors.get(prepared.product.id)?.[kind] ?? null) : null;
  };

  const texts = batch.flatMap((prepared) =>
    prepared.text === null || reused(prepared, 'text') ? [] : [{ key: prepared.hash.text, text: prepared.text }],
  );
  const pictures = batch.flatMap((prepared) =>
    prepared.picture.kind !== 'bytes' || reused(prepared, 'image') || knownPictureFault(prepared, storedHash(prepared)) !== null
      ? []
      : [{ key: prepared.hash.image, bytes: prepared.picture.bytes }],
  );
  const [textEmbeddings, pictureEmbeddings] = await Promise.all([embedder.embedTexts(texts), embedder.embedPictures(pictures)]);

  return batch.map((prepared) => {
    const picture = pictureEmbeddings.get(prepared.hash.image);
    const pictureFault = knownPictureFault(prepared, storedHash(prepared)) ?? (picture && 'missing' in picture ? picture.missing : null);
    const unreadable = pictureFault !== null && prepared.picture.kind === 'bytes';
    return {
      prepared,
      textVector: reused(prepared, 'text') ?? vectorOf(textEmbeddings.get(prepared.hash.text)),
      imageVector: reused(prepared, 'image') ?? vectorOf(picture),
      hash: unreadable ? { ...prepared.hash, image: unreadableHash(prepared.hash.image) } : prepared.hash,
      pictureFault,
    };
  });
}

function hasVector(now: string, stored: string): boolean {
  return now === stored && now !== NOTHING;
}

function vectorOf(embedding: Embedding | undefined): Float32Array | null {
  return embedding && 'vector' in embedding ? embedding.vector : null;
}
