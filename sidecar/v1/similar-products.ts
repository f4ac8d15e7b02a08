import { PRODUCT } from '../../mappings/product-index.js';
import type { Json, JsonObject } from '../json/value.js';
import type { QueryVectors } from '../scorer.js';
import { settle } from '../walk/deadline.js';
import type { IndexStamp } from '../walk/index-stamp.js';
import type { PageAnswer, PageSource } from './answers.js';
import type { FoundProduct, OwnCall } from './client-search.js';
import { RequestRefused } from './refusal.js';
import type { SimilarRequest } from './requests.js';
import { answerPage, describeIndex, idsClause, openScene, pageFilter, type OwnRouteDeps } from './scene.js';
import { nearestQuery, readVector, type Probe } from './vector-neighbours.js';

/** Of the profile's blend: who looks at a product wants one like it, and taste decides among these. */
const TASTE_SHARE = 0.5;

/** A query for products like one, or why there can be none. */
type LikeQuery =
  { readonly query: JsonObject; readonly sources: PageSource[]; readonly vectors: QueryVectors } | { readonly nothing: string };

const NO_VECTORS: QueryVectors = { text: null, image: null, head: null };

/**
 * Products like one: near its text or picture vector, or met in the same histories. Nearest first for nobody; for a shopper with a
 * history the model ranks them. @throws RequestRefused, EngineRefused
 */
export async function findSimilar(
  asked: { index: string; id: string; request: SimilarRequest; call: OwnCall },
  deps: OwnRouteDeps,
): Promise<Omit<PageAnswer, 'took'>> {
  const { request, call, index, id } = asked;
  const scene = openScene(asked, deps);
  const constraints = pageFilter(scene, request);
  const read = [PRODUCT.textVector, PRODUCT.imageVector, PRODUCT.groupKey];
  const [product] = await deps.client.readProducts(call, index, [id], read);
  if (!product) throw new RequestRefused('absent', `product [${id}] in [${index}]`);
  const group = product._source[PRODUCT.groupKey];
  const mustNot = [idsClause([id]), ...(group === undefined ? [] : [{ term: { [PRODUCT.groupKey]: group } }])];
  const stamp = await describeIndex(scene, deps);
  const like = await likeQuery(
    { product, stamp, window: scene.profile.window, filter: constraints, mustNot, modality: request.modality },
    deps,
  );
  if ('nothing' in like) return { applied: false, reason: like.nothing, sources: [], items: [] };
  const history = await scene.history;
  const unranked = history.length === 0 ? 'no_history' : null;
  const { query, sources, vectors } = like;
  const blend = scene.options.blend ?? TASTE_SHARE * scene.profile.blend;
  return answerPage(
    { ...scene, block: { ...scene.block, blend } },
    { query, stamp, request, sources, given: { vectors, history }, unranked },
    deps,
  );
}

async function likeQuery(
  like: { product: FoundProduct; stamp: IndexStamp; window: number; filter: Json[]; mustNot: Json[]; modality: SimilarRequest['modality'] },
  deps: OwnRouteDeps,
): Promise<LikeQuery> {
  const { product, stamp, window, filter, mustNot, modality } = like;
  if (modality === 'behaviour') return metWith(product._id, { concrete: stamp.concrete, filter, mustNot }, deps);
  const text = modality === 'image' ? null : readVector(product._source[PRODUCT.textVector]);
  const image = modality === 'text' ? null : readVector(product._source[PRODUCT.imageVector]);
  const probes: Probe[] = [];
  if (text) probes.push({ field: 'text', vector: text, pair: 'item_text:item_text' });
  if (image) probes.push({ field: 'image', vector: image, pair: 'item_image:item_image' });
  if (probes.length === 0) return { nothing: 'no_vector' };
  return {
    query: nearestQuery(probes, { k: window, filter, mustNot, meta: stamp.meta }),
    sources: probes.map(({ field }) => field),
    // To look for what is like it is to search by its words and its photo.
    vectors: { ...NO_VECTORS, text: text && Float32Array.from(text), image: image && Float32Array.from(image) },
  };
}

/** Products met in the same histories, heaviest first. */
async function metWith(
  id: string,
  among: { concrete: readonly string[]; filter: Json[]; mustNot: Json[] },
  deps: OwnRouteDeps,
): Promise<LikeQuery> {
  const version = await deps.statistics.describe(among.concrete);
  if (!version) return { nothing: 'no_statistics' };
  const read = await settle(deps.shop.neighbours(version, [id]));
  if (!read.ok) return { nothing: 'statistics_unavailable' };
  const neighbours = read.value.get(id) ?? [];
  if (neighbours.length === 0) return { nothing: 'no_neighbours' };
  const should = neighbours.map((neighbour) => ({ constant_score: { filter: idsClause([neighbour.id]), boost: neighbour.cosine } }));
  return {
    query: { bool: { should, minimum_should_match: 1, filter: among.filter, must_not: among.mustNot } },
    sources: ['behaviour'],
    vectors: NO_VECTORS,
  };
}
