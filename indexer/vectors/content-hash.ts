import { createHash } from 'node:crypto';
import type { EncoderStamp } from '../../mappings/product-index.js';

/**
 * What a stored product was made from, in three parts, so that a new price writes the document again but embeds nothing:
 * `document.text.image`, each a truncated sha256 or one of the marks below.
 */
export interface ContentHash {
  document: string;
  text: string;
  image: string;
}

/** In place of a hash: nothing to embed. */
export const NOTHING = '-';
/** In place of a picture's hash: a video, or a picture that could not be read at all. */
export const VIDEO = 'v';
export const UNREAD = '!';

/** Raised when a document is stored in another form, so that everything is written once more. */
const FORM = 'fuserank-document-1';

/** 144 bits of sha256; each part is preceded by its length, so that no two lists of parts run together. */
function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest().subarray(0, 18).toString('base64url');
}

export function hashDocument(source: string, groupKey: string | null): string {
  return digest(FORM, source, groupKey ?? '');
}

/** Encoder and preprocessing are part of it: another encoder is another content. */
export function hashText(text: string | null, encoder: EncoderStamp | null): string {
  return text === null || encoder === null ? NOTHING : digest(text, encoder.id, encoder.preprocessing);
}

export function hashPicture(bytes: Uint8Array, encoder: EncoderStamp): string {
  return digest(bytes, encoder.id, encoder.preprocessing);
}

export function joinContentHash(hash: ContentHash): string {
  return `${hash.document}.${hash.text}.${hash.image}`;
}

/** Null for a text that is no content hash of this form. */
export function splitContentHash(joined: string): ContentHash | null {
  const [document, text, image, ...more] = joined.split('.');
  return document === undefined || text === undefined || image === undefined || more.length > 0 ? null : { document, text, image };
}
