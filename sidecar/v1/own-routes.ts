import type { EmbedAnswer, PageAnswer, RankItemsAnswer } from './answers.js';
import type { OwnCall } from './client-search.js';
import { Embedding } from './embedding.js';
import { searchByPhoto } from './photo-search.js';
import { rankItems } from './rank-items.js';
import { Recommender } from './recommended-products.js';
import type { EmbedCall, ImageSearchRequest, RankItemsRequest, RecommendRequest, SimilarRequest } from './requests.js';
import type { OwnRouteDeps } from './scene.js';
import { findSimilar } from './similar-products.js';

/** What the `/v1` routes do, apart from HTTP. All reject with `RequestRefused`, `EngineRefused` or `BadSearchOption`. */
export interface OwnRoutes {
  rank(request: RankItemsRequest, call: OwnCall): Promise<RankItemsAnswer>;
  similar(index: string, id: string, request: SimilarRequest, call: OwnCall): Promise<PageAnswer>;
  recommend(index: string, request: RecommendRequest, call: OwnCall): Promise<PageAnswer>;
  searchByPhoto(index: string, request: ImageSearchRequest, call: OwnCall): Promise<PageAnswer>;
  embed(request: EmbedCall, call: OwnCall): Promise<EmbedAnswer>;
}

export function openOwnRoutes(house: Omit<OwnRouteDeps, 'embedding'>): OwnRoutes {
  const deps = { ...house, embedding: new Embedding(house.scorers) };
  const recommender = new Recommender(deps);
  return {
    rank: (request, call) => timed(() => rankItems({ request, call }, deps)),
    similar: (index, id, request, call) => timed(() => findSimilar({ index, id, request, call }, deps)),
    recommend: (index, request, call) => timed(() => recommender.recommend({ index, request, call })),
    searchByPhoto: (index, request, call) => timed(() => searchByPhoto({ index, request, call }, deps)),
    embed: (request, { signal }) => timed(() => deps.embedding.embedAll(request, signal)),
  };
}

async function timed<T>(work: () => Promise<T>): Promise<T & { took: number }> {
  const started = performance.now();
  const done = await work();
  return { took: Math.round(performance.now() - started), ...done };
}
