import { ScorerFailure, type ScorerPool } from '../scorer.js';
import type { EmbedAnswer } from './answers.js';
import { RequestRefused } from './refusal.js';
import { pictureBytes, type EmbedCall } from './requests.js';

/** So many texts occupy a scorer for some ten milliseconds; searches come in between. */
const CHUNK = 8;

/** Vectors of texts and pictures, by the configured encoders, in a scorer process. @throws RequestRefused */
export async function embedAll(request: EmbedCall, scorers: ScorerPool): Promise<Omit<EmbedAnswer, 'took'>> {
  const texts = await embedTexts(request.texts, request.as === 'query' ? 'queries' : 'documents', scorers).catch(refuse);
  const images: (Float32Array | null)[] = [];
  for (const [place, picture] of request.images.entries()) {
    const { vectors } = await scorers
      .embed({ what: 'picture', bytes: pictureBytes(picture) })
      .catch((error: unknown) => {
        const unreadable = error instanceof ScorerFailure && error.reason === 'query_image_unreadable';
        throw unreadable ? new RequestRefused('bad', `images.${place}: ${error.message}`) : error;
      })
      .catch(refuse);
    images.push(vectors[0] ?? null);
  }
  const { facts } = scorers;
  if (!facts) throw new RequestRefused('unable', 'no scorer process is ready');
  const { textEncoder, imageEncoder } = facts;
  return {
    texts: texts.map(plain),
    images: images.map(plain),
    encoders: { text: { id: textEncoder.id, dims: textEncoder.dims }, image: { id: imageEncoder.id, dims: imageEncoder.dims } },
  };
}

/** Rejects with a `ScorerFailure`. */
export async function embedTexts(
  texts: readonly string[],
  what: 'queries' | 'documents',
  scorers: ScorerPool,
): Promise<(Float32Array | null)[]> {
  const vectors: (Float32Array | null)[] = [];
  for (let start = 0; start < texts.length; start += CHUNK)
    vectors.push(...(await scorers.embed({ what, texts: texts.slice(start, start + CHUNK) })).vectors);
  return vectors;
}

function refuse(error: unknown): never {
  throw error instanceof ScorerFailure ? new RequestRefused('unable', error.message, { cause: error }) : error;
}

function plain(vector: Float32Array | null): number[] | null {
  return vector && Array.from(vector);
}
