import { ScorerFailure, type ScorerPool } from '../scorer.js';
import type { EmbedReply, EmbedRequest } from '../scoring/scorer-tasks.js';
import type { EmbedAnswer } from './answers.js';
import { RequestRefused, refuseUnscored } from './refusal.js';
import { pictureBytes, type EmbedCall } from './requests.js';

/** So many texts keep a scorer busy for some milliseconds; long ones in a sentence transformer for a quarter of a second. */
const TEXTS_A_PIECE = 4;

/**
 * Vectors for their own sake. One piece is encoded at a time, whoever asks, so that searches come in between and at most one scorer is
 * kept from them.
 */
export class Embedding {
  readonly #scorers: ScorerPool;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(scorers: ScorerPool) {
    this.#scorers = scorers;
  }

  /** @throws RequestRefused */
  async embedAll(request: EmbedCall, signal: AbortSignal): Promise<Omit<EmbedAnswer, 'took'>> {
    try {
      const texts = await this.embedTexts(request.texts, request.as === 'query' ? 'queries' : 'documents', signal);
      const images: (Float32Array | null)[] = [];
      for (const [place, picture] of request.images.entries()) images.push(await this.#embedPicture(pictureBytes(picture), place, signal));
      const { facts } = this.#scorers;
      if (!facts) throw new RequestRefused('unable', 'no scorer process is ready');
      const { textEncoder, imageEncoder } = facts;
      return {
        texts: texts.map(plain),
        images: images.map(plain),
        encoders: { text: { id: textEncoder.id, dims: textEncoder.dims }, image: { id: imageEncoder.id, dims: imageEncoder.dims } },
      };
    } catch (error) {
      throw error instanceof ScorerFailure ? refuseUnscored(error) : error;
    }
  }

  /** Null for a text without a word that the encoder knows. Rejects with a `ScorerFailure`, or the signal's reason. */
  async embedTexts(texts: readonly string[], what: 'queries' | 'documents', signal: AbortSignal): Promise<(Float32Array | null)[]> {
    const vectors: (Float32Array | null)[] = [];
    for (let start = 0; start < texts.length; start += TEXTS_A_PIECE)
      vectors.push(...(await this.#inTurn({ what, texts: texts.slice(start, start + TEXTS_A_PIECE) }, signal)).vectors);
    return vectors;
  }

  async #embedPicture(bytes: Buffer, place: number, signal: AbortSignal): Promise<Float32Array | null> {
    try {
      const { vectors } = await this.#inTurn({ what: 'picture', bytes }, signal);
      return vectors[0] ?? null;
    } catch (error) {
      const unreadable = error instanceof ScorerFailure && error.reason === 'query_image_unreadable';
      throw unreadable ? new RequestRefused('bad', `images.${place}: ${error.message}`) : error;
    }
  }

  #inTurn(request: EmbedRequest, signal: AbortSignal): Promise<EmbedReply> {
    const piece = this.#turn.then(() => {
      signal.throwIfAborted();
      return this.#scorers.embed(request);
    });
    this.#turn = piece.catch(() => undefined);
    return piece;
  }
}

function plain(vector: Float32Array | null): number[] | null {
  return vector && Array.from(vector);
}
