import sharp from 'sharp';

/** A decoded picture: RGB, eight bits a channel, row-major, `data.length === width · height · 3`. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

export class UnreadablePicture extends Error {
  override readonly name = 'UnreadablePicture';
}

// Everything libvips can load is blocked, then the four formats a shop sends are let in again: SVG, TIFF, PDF and
// the rest are large parsers on bytes that strangers chose.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer', 'VipsForeignLoadNsgifBuffer'],
});
// One picture, one thread: the caller decides how many pictures are decoded at once. Nothing is worth caching.
sharp.concurrency(1);
sharp.cache(false);

const MAX_PIXELS = 50_000_000;
const TIMEOUT_SECONDS = 10;
/** Encoders look at 224 pixels or so; twice that keeps fine patterns and bounds memory and time after decoding. */
const LONGEST_EDGE = 512;

/**
 * Decodes a picture of a shop: JPEG, PNG, WebP, or the first frame of a GIF, told apart by their first bytes (never by
 * a name or a content type). Turned upright by EXIF, transparency laid on white, colours taken to sRGB, and fitted
 * inside 512 × 512 without enlarging.
 *
 * @param options.maxPixels pictures that declare more (width × height) are refused before they are unpacked; 50 million
 * @throws UnreadablePicture
 */
export async function decodePicture(bytes: Uint8Array, options: { maxPixels?: number } = {}): Promise<Pixels> {
  const format = recogniseFormat(bytes);
  if (!format) throw new UnreadablePicture('not a picture we read; send JPEG, PNG, WebP or GIF');
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  try {
    const source = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', pages: 1, sequentialRead: true });
    const { data, info } = await source
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .resize({ width: LONGEST_EDGE, height: LONGEST_EDGE, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} colour channels`);
    return { width: info.width, height: info.height, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  } catch (error) {
    throw new UnreadablePicture(explainFailure(error, format, maxPixels));
  }
}

function recogniseFormat(bytes: Uint8Array): 'JPEG' | 'PNG' | 'WebP' | 'GIF' | null {
  const starts = (text: string, at = 0): boolean => Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text;
  if (starts('\xff\xd8\xff')) return 'JPEG';
  if (starts('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (starts('RIFF') && starts('WEBP', 8)) return 'WebP';
  if (starts('GIF87a') || starts('GIF89a')) return 'GIF';
  return null;
}

function explainFailure(error: unknown, format: string, maxPixels: number): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/pixel limit/i.test(message)) return `${format} has more than ${maxPixels} pixels; send a smaller one or raise maxPixels`;
  if (/timeout/i.test(message)) return `${format} took longer than ${TIMEOUT_SECONDS} s to decode; send a smaller one`;
  // libvips may append one line per warning; the first line says what broke.
  return `${format} cannot be decoded (${message.split('\n', 1)[0] ?? message}); send a whole file`;
}
