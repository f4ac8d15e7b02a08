import type { Config, Profile } from '../../config/schema.js';
import { PRODUCT } from '../../mappings/product-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { Json, JsonObject } from '../json/value.js';
import { findRules, type ListRules } from '../request/list-rules.js';
import { parseSearchOptions, type SearchOptions } from '../request/search-options.js';
import type { GivenFacts } from '../request/search-call.js';
import type { RankRequest } from '../scorer.js';
import type { RecentErasures } from '../behaviour/recent-erasures.js';
import type { SearchObserver } from '../search-observer.js';
import { findProfile } from '../search-request.js';
import type { Admission } from '../walk/admission.js';
import { settle, within } from '../walk/deadline.js';
import { recallEvents, type GatheringDeps } from '../walk/gather-candidates.js';
import type { IndexStamp } from '../walk/index-stamp.js';
import { SearchClock } from '../walk/search-clock.js';
import type { PageAnswer, PageSource } from './answers.js';
import { searchCallOf, type ClientSearch, type OwnCall } from './client-search.js';
import type { Embedding } from './embedding.js';
import { RequestRefused } from './refusal.js';
import { searchBlock } from './requests.js';
import type { ShopStatistics } from './shop-statistics.js';

/** What our own routes need of the house around them. */
export interface OwnRouteDeps extends GatheringDeps {
  readonly config: Config;
  readonly admission: Admission;
  readonly observe: SearchObserver;
  /** With the service's own account. */
  readonly engine: EngineClient;
  readonly client: ClientSearch;
  readonly shop: ShopStatistics;
  readonly embedding: Embedding;
  /** Who was erased while a request was under way: nothing of theirs is kept. */
  readonly erased: RecentErasures;
}

/** A request to one of our routes, with the profile that ranks it and who asks. */
export interface Scene {
  readonly call: OwnCall;
  readonly index: string;
  readonly profileName: string;
  readonly profile: Profile;
  readonly options: SearchOptions;
  /** `ext.fuserank` of the searches that it stands for. */
  readonly block: JsonObject;
  /** Never rejects; empty for nobody, and where it can't be read in time. */
  readonly history: Promise<RankRequest['history']>;
}

/** A history that takes longer is left out. */
const HISTORY_MS = 500;

/**
 * Finds the profile and who asks, and begins to recall what that shopper did.
 * @param index null: the index of the profile
 * @throws RequestRefused, BadSearchOption
 */
export function openScene(
  asked: { index: string | null; request: Parameters<typeof searchBlock>[0]; more?: JsonObject; call: OwnCall },
  deps: OwnRouteDeps,
): Scene {
  const { call } = asked;
  const block: JsonObject = { ...searchBlock(asked.request), ...asked.more };
  const body = { ext: { fuserank: block } };
  const options = parseSearchOptions(body, searchCallOf(call, asked.index ?? '', body), deps.config);
  const { profiles } = deps.config;
  const [only, ...others] = Object.keys(profiles);
  const named = options.profile ?? (asked.index === null && others.length === 0 ? (only ?? null) : null);
  const found = asked.index === null && named === null ? null : findProfile(deps.config, asked.index ?? '', named);
  if (!found) {
    const missing = asked.index === null ? 'neither index nor profile is given' : `no profile’s index pattern matches [${asked.index}]`;
    throw new RequestRefused('bad', `${missing}; name a profile (configured: ${Object.keys(profiles).join(', ') || 'none'})`);
  }
  const history = settle(within(HISTORY_MS, recallEvents(options, deps, new SearchClock(), call.signal), []));
  return {
    call,
    index: asked.index ?? found.profile.index,
    profileName: found.name,
    profile: found.profile,
    options,
    block,
    history: history.then((settled) => (settled.ok ? settled.value : [])),
  };
}

/** The stamp of the scene's index. Throws what the engine tells the client of an index that is not there, or not for it. */
export async function describeIndex({ call, index }: Scene, deps: OwnRouteDeps): Promise<IndexStamp> {
  try {
    return await deps.stamps.describe(index);
  } catch (cause) {
    await deps.client.readProducts(call, index, ['-'], []);
    throw new RequestRefused('unable', `what [${index}] holds can not be read; the sidecar’s log says why`, { cause });
  }
}

/** The shop's rules for a page; they hold whether or not the model ranks it. */
function rulesOf({ profile, options }: Scene): ListRules {
  return findRules(profile, options, options.queryText);
}

/** What every product of a page must pass, beside what the route itself asks for: the shop's exclusions among it. */
export function pageFilter(scene: Scene, request: { filter?: RankFilter; in_stock_only: boolean }): Json[] {
  const asked: Json[] = request.filter === undefined ? [] : Array.isArray(request.filter) ? [...request.filter] : [request.filter];
  const { excluded } = rulesOf(scene);
  const clauses = excluded.length === 0 ? asked : [...asked, { bool: { must_not: [idsClause(excluded)] } }];
  if (!request.in_stock_only) return clauses;
  const { profile, profileName } = scene;
  if (profile.inStock === null) {
    const setting = `profiles.${profileName}.inStock`;
    throw new RequestRefused(
      'bad',
      `in_stock_only: nothing says what is in stock; set ${setting}, for example to "in_stock:true", or use filter`,
    );
  }
  return [...clauses, { query_string: { query: profile.inStock } }];
}
type RankFilter = JsonObject | JsonObject[] | undefined;

/** A page of a scene: the query that finds its candidates, best first, and what is known beside it. */
interface ScenePage {
  readonly query: JsonObject;
  readonly stamp: IndexStamp;
  readonly request: { readonly size: number; readonly from: number; readonly fields?: readonly string[] | undefined };
  readonly sources: PageSource[];
  readonly given: GivenFacts;
  /** Why the candidates keep the order of the query; null = the model ranks them. */
  readonly unranked: string | null;
}

/** Searches as the client and ranks what it finds. Throws `EngineRefused`. */
export function answerPage(scene: Scene, page: ScenePage, { client }: Pick<OwnRouteDeps, 'client'>): Promise<Omit<PageAnswer, 'took'>> {
  const { query, stamp, request, sources, unranked } = page;
  const { size, from, fields } = request;
  const { pins, diversity } = rulesOf(scene);
  const keepsOrder = unranked !== null && (pins.length > 0 || diversity !== null);
  // Blend 0 keeps the order of the query, and no rule touches it: where there is none, the shorter way.
  const block = unranked === null || keepsOrder ? scene.block : { ...scene.block, blend: 0 };
  const given = keepsOrder ? { ...page.given, keepsOrder } : page.given;
  const body = { query, size, from, ...oneOfEachGroup(stamp), ext: { fuserank: block } };
  return client.rankPage(scene.call, { index: scene.index, body, given, fields, sources, from, unranked });
}

/** Variants stand for each other: a page shows one of them. */
function oneOfEachGroup(stamp: IndexStamp): JsonObject {
  return stamp.hasRankKey && stamp.roles.group !== null ? { collapse: { field: PRODUCT.groupKey } } : {};
}

export function idsClause(ids: readonly string[]): JsonObject {
  return { ids: { values: [...ids] } };
}
