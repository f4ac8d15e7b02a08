import type { EncoderStamp } from '../../mappings/product-index.js';
import type { Product } from '../catalogue.js';
import { hashDocument, hashPicture, hashText, NOTHING, UNREAD, VIDEO, type ContentHash } from './content-hash.js';
import type { FieldMap } from '../catalogue/field-map.js';
import { readFirstText, readJoinedText } from '../catalogue/field-path.js';
import type { PictureSource } from '../picture.js';
import { PictureRefused } from '../picture/picture-refused.js';

/** A product with everything read that its vectors are made from, and what that hashes to. */
export interface PreparedProduct {
  product: Product;
  hash: ContentHash;
  groupKey: string | null;
  /** Text to embed; null when the fields are empty or there is no text encoder. */
  text: string | null;
  picture: Picture;
  /** The product names a video of its own, which is accepted and not looked at. */
  video: boolean;
}

export type Picture = { kind: 'none' } | { kind: 'video' } | { kind: 'refused'; reason: string } | { kind: 'bytes'; bytes: Uint8Array };

export interface PreparationOptions {
  map: FieldMap;
  encoders: { text: EncoderStamp | null; image: EncoderStamp | null };
  pictures: PictureSource | null;
}

const VIDEO_NAME = /\.(mp4|m4v|mov|webm|mkv|avi|ogv)([?#].*)?$/i;

/** Reads a product's text and its picture's bytes; nothing is decoded or embedded yet. */
export async function prepareProduct(product: Product, options: PreparationOptions): Promise<PreparedProduct> {
  const { map, encoders } = options;
  const group = map.paths.group ? (readFirstText(map.paths.group.read(product.fields)) ?? product.id) : null;
  const text = encoders.text ? readEmbeddingText(product, map) : null;
  const picture = await readPicture(product, options);
  return {
    product,
    groupKey: group,
    text,
    picture,
    video: map.paths.video !== null && readFirstText(map.paths.video.read(product.fields)) !== null,
    hash: {
      document: hashDocument(product.source, group),
      text: hashText(text, encoders.text),
      image: hashOf(picture, encoders.image),
    },
  };
}

/** The mapped vector fields, in order, joined by a space; null when all are empty. */
function readEmbeddingText(product: Product, map: FieldMap): string | null {
  const parts = map.paths.vector.map((path) => readJoinedText(path.read(product.fields))).filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

async function readPicture(product: Product, { map, pictures }: PreparationOptions): Promise<Picture> {
  const reference = map.paths.image === null ? null : readFirstText(map.paths.image.read(product.fields));
  if (reference === null || pictures === null) return { kind: 'none' };
  if (VIDEO_NAME.test(reference)) return { kind: 'video' };
  try {
    const file = await pictures.read(reference);
    return file.kind === 'video' ? file : { kind: 'bytes', bytes: file.bytes };
  } catch (error) {
    if (error instanceof PictureRefused) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

function hashOf(picture: Picture, encoder: EncoderStamp | null): string {
  switch (picture.kind) {
    case 'none':
      return NOTHING;
    case 'video':
      return VIDEO;
    case 'refused':
      return UNREAD;
    case 'bytes':
      return encoder === null ? NOTHING : hashPicture(picture.bytes, encoder);
  }
}
