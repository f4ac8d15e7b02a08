import type { ProductIndexMeta } from '../../mappings/product-index.js';
import type { TextEncoder } from '../../models/text-encoder.js';
import { measureCosineStatistics, type FragmentVectors, type ItemVectors } from './cosine-statistics.js';
import { drawFragment, type Random } from './sample.js';

/** A product kept aside while the catalogue streams by. */
export interface SampledProduct extends ItemVectors {
  /** The text that was embedded. */
  words: string | null;
}

/** Typed fragments that stand for shoppers' queries. */
const FRAGMENTS = 300;

/**
 * Cosine statistics of a catalogue from a sample of its products. Queries are short runs of words cut from the
 * products' own texts, since there are no typed ones yet.
 * @param options.queryPrompt what the encoder wants before a query
 * @param options.project takes a text vector into the picture space; null: the index has no head
 */
export async function describeCatalogue(
  sample: readonly SampledProduct[],
  options: { encoder: TextEncoder | null; queryPrompt: string; project: ((text: Float32Array) => Float32Array) | null; random: Random },
): Promise<ProductIndexMeta['cosine_stats']> {
  const fragments = options.encoder ? await embedFragments(sample, { ...options, encoder: options.encoder }) : [];
  const { project } = options;
  const projected = fragments.map((fragment) => ({ ...fragment, head: project && fragment.text ? project(fragment.text) : null }));
  return measureCosineStatistics(sample, projected, options.random);
}

async function embedFragments(
  sample: readonly SampledProduct[],
  { encoder, queryPrompt, random }: { encoder: TextEncoder; queryPrompt: string; random: Random },
): Promise<FragmentVectors[]> {
  const drawn: { source: number; words: string }[] = [];
  for (let draw = 0; draw < FRAGMENTS && sample.length > 0; draw += 1) {
    const source = Math.floor(random() * sample.length);
    const words = drawFragment(sample[source]?.words ?? '', random);
    if (words !== null) drawn.push({ source, words });
  }
  const vectors = await encoder.encode(drawn.map(({ words }) => queryPrompt + words));
  return drawn.flatMap(({ source }, position) => {
    const vector = vectors[position];
    return vector?.some((value) => value !== 0) ? [{ source, text: vector, head: null }] : [];
  });
}
