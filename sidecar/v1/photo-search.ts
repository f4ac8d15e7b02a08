import type { ProductFieldRoles } from '../../mappings/product-index.js';
import type { Json } from '../json/value.js';
import { ScorerFailure, type QueryVectors } from '../scorer.js';
import { refuseForeignVectors } from '../walk/gather-candidates.js';
import type { IndexStamp } from '../walk/index-stamp.js';
import { Skipped } from '../walk/skipped.js';
import type { PageAnswer, PageSource } from './answers.js';
import type { OwnCall } from './client-search.js';
import { RequestRefused, refuseUnscored } from './refusal.js';
import { pictureBytes, type ImageSearchRequest } from './requests.js';
import { answerPage, describeIndex, openScene, pageFilter, type OwnRouteDeps } from './scene.js';
import { nearestQuery, type Probe } from './vector-neighbours.js';

/** What a product with all of the words gains: the score of half a standard deviation of cosines. */
const WORDS_BOOST = 0.25;

/**
 * Products that look like a photo, ranked for the shopper; words that go with it are looked for by their vector and literally, too.
 * @throws RequestRefused, EngineRefused
 */
export async function searchByPhoto(
  asked: { index: string; request: ImageSearchRequest; call: OwnCall },
  deps: OwnRouteDeps,
): Promise<Omit<PageAnswer, 'took'>> {
  const { request, call, index } = asked;
  const words = request.query ?? null;
  const scene = openScene({ ...asked, more: words === null ? {} : { query_text: words } }, deps);
  const filter = pageFilter(scene, request);
  const stamp = await describeIndex(scene, deps);
  if (!stamp.meta?.encoders.image) {
    await deps.client.readProducts(call, index, ['-'], []); // who may not read the index is told so, and no more
    throw new RequestRefused(
      'bad',
      `[${index}] has no picture vectors; index its pictures (fuserank index … --image-field), or name an index that has`,
    );
  }
  const vectors = await encodePhoto(pictureBytes(request.image), words, stamp, deps);
  const probes: Probe[] = [];
  if (vectors.image) probes.push({ field: 'image', vector: Array.from(vectors.image), pair: 'query_image:item_image' });
  if (vectors.text) probes.push({ field: 'text', vector: Array.from(vectors.text), pair: 'query_text:item_text' });
  const sources: PageSource[] = probes.map(({ field }) => field);
  const more = words === null ? [] : literally(words, stamp.roles);
  const query = nearestQuery(probes, { k: scene.profile.window, filter, mustNot: [], meta: stamp.meta, more });
  const given = { vectors, history: await scene.history };
  return answerPage(scene, { query, stamp, request, sources, given, unranked: null }, deps);
}

function literally(words: string, { text }: ProductFieldRoles): Json[] {
  if (text.length === 0) return [];
  const clause = { multi_match: { query: words, type: 'cross_fields', operator: 'and', fields: [...text] } };
  return [{ constant_score: { filter: clause, boost: WORDS_BOOST } }];
}

async function encodePhoto(photo: Buffer, words: string | null, stamp: IndexStamp, deps: OwnRouteDeps): Promise<QueryVectors> {
  try {
    refuseForeignVectors(stamp, deps.scorers);
    return await deps.encoding.encode({ queryText: words, options: { queryImage: photo } }, stamp);
  } catch (error) {
    if (error instanceof ScorerFailure && error.reason === 'query_image_unreadable')
      throw new RequestRefused('bad', `image: ${error.message}`);
    if (error instanceof ScorerFailure) throw refuseUnscored(error);
    if (error instanceof Skipped) throw new RequestRefused('unable', error.message, { cause: error });
    throw error;
  }
}
