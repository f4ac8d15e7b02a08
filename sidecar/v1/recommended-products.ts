import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { IsErased } from '../behaviour/recent-erasures.js';
import type { Json, JsonObject } from '../json/value.js';
import { identityHeaders } from '../request/client-headers.js';
import { namesOfShopper } from '../request/search-options.js';
import type { RankRequest } from '../scorer.js';
import { settle } from '../walk/deadline.js';
import type { IndexStamp } from '../walk/index-stamp.js';
import type { PageAnswer, PageSource } from './answers.js';
import type { OwnCall } from './client-search.js';
import { fuseSources, type RankedSource } from './fused-candidates.js';
import { excludedIds, probeInterests, weighInterests, type Interest } from './interest.js';
import type { RecommendRequest } from './requests.js';
import { answerPage, describeIndex, idsClause, openScene, pageFilter, type OwnRouteDeps, type Scene } from './scene.js';
import { nearestQuery } from './vector-neighbours.js';

/** Where the candidates of a page come from; kept for the reader's next pages, so that a click does not shuffle them. */
interface Plan {
  readonly query: JsonObject;
  readonly sources: PageSource[];
  readonly history: RankRequest['history'];
}

/** How much a source's ranks count beside the others: what goes with what says more of a next product than likeness; chosen on the data sets of docs/quality.md. */
const SOURCE_WEIGHT = { history: 0.3, behaviour: 1, popular: 0.2 } as const;
/** Products whose neighbours are asked for. */
const MET_WITH = 20;
/** Every product that passes the filter may fill a page, after all that is there for a reason. */
const FILL: JsonObject = { constant_score: { filter: { match_all: {} }, boost: 1e-6 } };
const KEPT_MS = 5 * 60_000;

/** Pages for a shopper without a query. */
export class Recommender {
  readonly #deps: OwnRouteDeps;
  readonly #plans = new LRUCache<string, { plan: Plan; names: readonly string[] }>({ max: 1_000, ttl: KEPT_MS });

  constructor(deps: OwnRouteDeps) {
    this.#deps = deps;
  }

  /**
   * Candidates near what the shopper looked at, met with it in the histories of others, and popular now; ranked by the model where
   * there is a history, else in the order of popularity. @throws RequestRefused, EngineRefused
   */
  async recommend(asked: { index: string; request: RecommendRequest; call: OwnCall }): Promise<Omit<PageAnswer, 'took'>> {
    const { request } = asked;
    const startedAt = performance.now();
    const scene = openScene(asked, this.#deps);
    const filter = pageFilter(scene, request);
    const stamp = await describeIndex(scene, this.#deps);
    const key = planKey(asked);
    const kept = request.from > 0 ? this.#plans.get(key)?.plan : undefined;
    const plan = kept ?? (await this.#plan(scene, { stamp, filter, exclude: request.exclude }));
    const names = namesOfShopper(scene.options);
    if (!kept && !this.#deps.erased.coverSince(names, startedAt)) this.#plans.set(key, { plan, names });
    const unranked = plan.history.length > 0 ? null : plan.sources.includes('popular') ? 'no_history' : 'nothing_known';
    const { query, sources, history } = plan;
    return answerPage(scene, { query, stamp, request, sources, given: { history }, unranked }, this.#deps);
  }

  /** Forgets the plans of shoppers who are erased: their histories are in them. */
  forget(isErased: IsErased): void {
    this.#plans.purgeStale();
    for (const [key, { names }] of [...this.#plans.entries()]) if (names.some(isErased)) this.#plans.delete(key);
  }

  async #plan(scene: Scene, page: { stamp: IndexStamp; filter: Json[]; exclude: RecommendRequest['exclude'] }): Promise<Plan> {
    const history = await scene.history;
    const interests = weighInterests(history);
    const excluded = excludedIds(history, page.exclude);
    const around = { stamp: page.stamp, filter: page.filter, mustNot: excluded.length === 0 ? [] : [idsClause(excluded)] };
    // A source that fails is one source less.
    const [near, met, popular] = await Promise.all([
      settle(this.#nearby(scene, interests, around)),
      settle(this.#metWith(interests, page.stamp)),
      settle(this.#popular(page.stamp)),
    ]);
    const named = (
      [
        ['history', near],
        ['behaviour', met],
        ['popular', popular],
      ] as const
    ).flatMap(([source, ids]) => (ids.ok && ids.value.length > 0 ? [{ source, ids: ids.value, weight: SOURCE_WEIGHT[source] }] : []));
    const fused = fuseSources(named satisfies RankedSource[]).slice(0, scene.profile.window);
    const should = fused.map(({ id, score }) => ({ constant_score: { filter: idsClause([id]), boost: score } }));
    return {
      query: { bool: { should: [...should, FILL], minimum_should_match: 1, filter: around.filter, must_not: around.mustNot } },
      sources: [...named.map(({ source }) => source), 'any'],
      history,
    };
  }

  /** Ids near what the shopper looked at, found as the client. */
  async #nearby(
    scene: Scene,
    interests: readonly Interest[],
    around: { stamp: IndexStamp; filter: Json[]; mustNot: Json[] },
  ): Promise<string[]> {
    const { stamp, filter, mustNot } = around;
    const probes = await probeInterests(interests, stamp.concrete, this.#deps.engine);
    if (probes.length === 0) return [];
    const { window } = scene.profile;
    const query = nearestQuery(probes, { k: Math.ceil(window / 2), filter, mustNot, meta: stamp.meta });
    return this.#deps.client.findIds(scene.call, scene.index, { query, size: window });
  }

  async #metWith(interests: readonly Interest[], stamp: IndexStamp): Promise<string[]> {
    const version = await this.#deps.statistics.describe(stamp.concrete);
    if (!version) return [];
    const asked = interests.slice(0, MET_WITH);
    const neighbours = await this.#deps.shop.neighbours(
      version,
      asked.map(({ id }) => id),
    );
    const scores = new Map<string, number>();
    for (const { id: own, weight } of asked)
      for (const { id, cosine } of neighbours.get(own) ?? []) scores.set(id, (scores.get(id) ?? 0) + weight * cosine);
    return [...scores].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
  }

  async #popular(stamp: IndexStamp): Promise<string[]> {
    const version = await this.#deps.statistics.describe(stamp.concrete);
    return version ? this.#deps.shop.popular(version) : [];
  }
}

/** Equal for the pages of one list: everything but from and size; our own headers, the client's credentials and its token included. */
function planKey({ index, request, call }: { index: string; request: RecommendRequest; call: OwnCall }): string {
  const { from: _from, size: _size, ...same } = request;
  return createHash('sha256')
    .update(JSON.stringify([call.token, identityHeaders(call.headers), index, same]))
    .digest('base64url');
}
