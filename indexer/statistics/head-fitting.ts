import { HEAD_INDEX, type HeadDocument } from '../../mappings/head-index.js';
import type { EncoderStamp } from '../../mappings/product-index.js';
import { cutFragments, encodePictureHead, fitPictureHead, type PictureHead } from '../../models/picture-head.js';
import type { TextEncoder } from '../../models/text-encoder.js';
import type { SampledProduct } from './catalogue-statistics.js';

/** A fitted head and the document that keeps it, or why there is none. */
export type HeadFit = { head: PictureHead; document: HeadDocument; note: string } | { head: null; document: null; note: string };

/** Items that a head is fitted on; more cost time and hardly lift it. */
const ITEMS = 3_000;
/** Typed fragments an item, beside its whole text: queries are one to three words. */
const FRAGMENTS = 3;
const BATCH = 256;

/**
 * Fits the map from typed words to pictures on the catalogue's own pairs of text and picture.
 * @param options.index the concrete index that the head belongs to
 */
export async function fitHead(
  sample: readonly SampledProduct[],
  options: { index: string; encoder: TextEncoder; stamps: { text: EncoderStamp; image: EncoderStamp }; queryPrompt: string },
): Promise<HeadFit> {
  const { index, encoder, stamps } = options;
  const texts: Float32Array[] = [];
  const pictures: Float32Array[] = [];
  const fragments: { text: string; picture: Float32Array }[] = [];
  for (const { words, text, image } of sample.filter(({ text, image }) => text !== null && image !== null).slice(0, ITEMS)) {
    if (words === null || text === null || image === null) continue;
    texts.push(text);
    pictures.push(image);
    for (const fragment of cutFragments(words, { count: FRAGMENTS }))
      fragments.push({ text: options.queryPrompt + fragment, picture: image });
  }
  for (let start = 0; start < fragments.length; start += BATCH) {
    const batch = fragments.slice(start, start + BATCH);
    texts.push(...(await encoder.encode(batch.map(({ text }) => text))));
    pictures.push(...batch.map(({ picture }) => picture));
  }
  const fit = fitPictureHead({ texts, pictures });
  if ('refusal' in fit) return { head: null, document: null, note: `none: ${fit.refusal}` };
  const { recallAt10, recallAt10Low, heldOut, fitted } = fit.quality;
  return {
    head: fit,
    document: {
      index,
      text_encoder: stamps.text.id,
      image_encoder: stamps.image.id,
      ...encodePictureHead(fit),
      created: new Date().toISOString(),
      quality: fit.quality,
    },
    note:
      `stored in ${HEAD_INDEX}; a held-out title finds its picture among the first 10 of ${heldOut} in ${recallAt10.toFixed(3)} ` +
      `of the cases (at least ${recallAt10Low.toFixed(3)}), fitted on ${fitted} items`,
  };
}
