import { packageVersion } from '../config/package-root.js';
import type { Config } from '../config/schema.js';
import type { ProductFieldRoles } from '../mappings/product-index.js';
import { connectEngine, nameNode } from '../opensearch/connection.js';
import { openUpstream } from '../opensearch/upstream.js';
import { Behaviour } from './behaviour/behaviour.js';
import type { IsErased } from './behaviour/recent-erasures.js';
import { FeatureLog, isSampled } from './feature-log.js';
import { openListener } from './http/listener.js';
import { openLog, type Logger } from './http/log.js';
import { openMetrics, type Metrics } from './http/metrics.js';
import type { Ui } from './http/ui-routes.js';
import { IndexStamps, type IndexStamp } from './walk/index-stamp.js';
import { CurrentStatistics } from './statistics/current-statistics.js';
import { QueryEncoding } from './query-vectors.js';
import type { ListKeeper, LoggedList, ScoredInput } from './logged-list.js';
import { SearchRanker, type RankSearchDeps } from './rank-search.js';
import { observeSearches } from './search-observer.js';
import { ScorerPool } from './scorer.js';
import { locateRankers, ServedRankers, type RankerChange } from './served-rankers.js';
import { answerSpellings } from './spellings/index.js';
import { recallHistory } from './user-history.js';
import { ClientSearch } from './v1/client-search.js';
import { openOwnRoutes } from './v1/own-routes.js';
import { ShopStatistics } from './v1/shop-statistics.js';
import { Admission } from './walk/admission.js';
import { WarmUp } from './warm-up.js';
import { warmIndex, warmStatistics, warmingCall } from './warming.js';

export { loggedListSchema, writeListLine, type LoggedList, type ScoredInput } from './logged-list.js';
export { textFieldsOf } from './candidate-legs.js';
export { splitQuery, type SplitOptions } from './request/query-tree.js';
export { ScorerRefused } from './scorer.js';
export { RankerRefused } from './served-rankers.js';
export { IGNORED_ACTIONS } from './user-history.js';

/** A running sidecar. */
export interface Sidecar {
  readonly url: string;
  readonly adminUrl: string;
  /** Process ids of the scorers, for operators and fault tests. */
  scorerIds(): number[];
  /** Takes what the profiles' rankers are now, while searches go on. Rejects with RankerRefused: the ones before go on. */
  loadRankers(): Promise<RankerChange[]>;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

export interface SidecarOptions {
  /** The page's folder and further folders beneath `/ui/`; absent = no page. */
  readonly ui?: { readonly folder: string; readonly mounts?: readonly { readonly path: string; readonly folder: string }[] };
  readonly log?: Logger;
  /** Read only, and only what is asked for: no behaviour indices are created, no item vectors read ahead. */
  readonly passive?: boolean;
  /** Told of each sampled list (`observability.featureLog.sample`) that was ranked and shown, before its answer goes out. */
  readonly onRankedList?: (list: LoggedList, scored: ScoredInput | null) => void;
  /** Tell it the inputs of the ranker, too. */
  readonly withInputs?: boolean;
}

/** Engine that answered in this time is reachable. */
const REACHABLE_MS = 10_000;
/** A reason of skipped searches is logged so often at most. */
const LOG_EVERY_MS = 60_000;
/** Code that has never run takes ten times as long, and no shopper's budget forgives that: it runs before they come. */
const WARMING_WALKS = 8;

/**
 * Opens the sidecar: scorer processes first (artefacts and encoders that don't fit are refused here), then the ports; the
 * item vectors of the profiles' indices are read in the background, and `/readyz` waits for them. Throws `ScorerRefused`,
 * `CannotListen`.
 */
export async function startSidecar(config: Config, options: SidecarOptions = {}): Promise<Sidecar> {
  const settings = {
    opensearch: config.opensearch,
    encoders: config.encoders,
    memoryBytes: config.scorer.memory,
    rankers: await locateRankers(config.profiles),
  };
  const log = options.log ?? openLog(config.observability.log);
  const metrics = openMetrics();
  if (!config.opensearch.tls.verify) log.warn('opensearch.tls.verify is false: any certificate passes for OpenSearch’s');
  const upstream = openUpstream(config.opensearch);
  const engine = connectEngine(config.opensearch);
  const behaviour = new Behaviour({ config, upstream, metrics, log });
  const scorers = new ScorerPool(settings, {
    processes: config.scorer.processes,
    onRestart: (cause) => {
      metrics.countScorerRestart(cause.startsWith('exit') ? 'exit' : 'signal');
      log.warn({ cause }, 'a scorer process ended and is started again');
    },
  });
  const lists = keepLists(config, options, { metrics, log });
  const warmUp = new WarmUp({ log });
  let walk: ((stamp: IndexStamp) => Promise<void>) | null = null;
  // What has run once is compiled for every index, the next ones behind a swapped alias included.
  const walkOnce = async (stamp: IndexStamp): Promise<void> => {
    const first = walk;
    walk = null;
    await first?.(stamp);
  };
  const stamps = new IndexStamps(engine, {
    fallback: rolesOf(config),
    onIndex: (index, stamp) => {
      if (stamp.hasRankKey && !options.passive) warmUp.include(warmIndex({ index, stamp, scorers, log, walk: () => walkOnce(stamp) }));
    },
  });
  const statistics = new CurrentStatistics(engine, {
    alias: config.behaviour.statistics,
    prepare: async (version) => {
      if (options.passive) return;
      const warmed = warmStatistics({ version, config, scorers, log });
      warmUp.include(warmed);
      await warmed;
    },
    onTrouble: (error) => log.warn({ alias: config.behaviour.statistics, error: String(error) }, 'the item statistics can not be read'),
  });
  try {
    const facts = await scorers.ready();
    const rankers = new ServedRankers({
      profiles: config.profiles,
      settings,
      scorers,
      metrics,
      log,
      statistics: () => (statistics.known && !options.passive ? { what: 'statistics', index: statistics.known.index } : null),
    });
    const walking: Omit<RankSearchDeps, 'observe' | 'lists' | 'searches'> = {
      config,
      upstream,
      stamps,
      admission: new Admission(),
      scorers,
      statistics,
      encoding: new QueryEncoding(scorers),
      erased: behaviour.erased,
      recall: (keys, signal) => recallHistory(keys, { store: behaviour.store, behaviour: config.behaviour, consent: 'full', signal }),
    };
    const observe = observeSearches(metrics, log);
    const searches = options.passive ? null : behaviour.searches;
    const ranker = new SearchRanker({ ...walking, observe, lists: lists.keeper, searches });
    // Searches that nobody sent are in no count.
    const unseen = new SearchRanker({ ...walking, observe: { outcome: () => undefined }, lists: null, searches: null });
    walk = async ({ roles }) => {
      for (const [profile, { index }] of Object.entries(config.profiles)) {
        for (let walked = 0; walked < WARMING_WALKS; walked += 1) await unseen.answer(warmingCall({ index, profile, roles }, config));
      }
    };
    const ownRoutes = openOwnRoutes({
      ...walking,
      observe,
      engine,
      client: new ClientSearch({ upstream, answer: (call) => ranker.answer(call) }),
      shop: new ShopStatistics(engine),
    });
    const engineState = { reachableAt: 0 };
    const listener = await openListener({
      config,
      upstream,
      answerSearch: answerSpellings({ ranker, upstream, config }),
      ownRoutes,
      store: behaviour,
      rankers,
      readHealth: () => {
        const scoring = scorers.readyProcesses > 0;
        const reachable = Date.now() - engineState.reachableAt < REACHABLE_MS;
        return {
          started: true,
          // A dead scorer degrades the order, never the service; an engine that is away is away behind every other sidecar, too.
          ready: warmUp.over,
          degraded: !scoring || !reachable,
          checks: {
            scorers: { ok: scoring, detail: `${scorers.readyProcesses} ready` },
            opensearch: { ok: reachable, detail: config.opensearch.nodes.map(nameNode).join(', ') },
            warm_up: { ok: warmUp.over },
          },
        };
      },
      readInfo: () => ({
        name: 'fuserank',
        version: packageVersion,
        rankers: scorers.facts?.rankers ?? facts.rankers,
        encoders: { text: facts.textEncoder, image: facts.imageEncoder },
        profiles: config.profiles,
        statistics: { alias: config.behaviour.statistics, index: statistics.known?.index ?? null, until: statistics.known?.until ?? null },
      }),
      ui: options.ui && config.ui.enabled ? pageOf(config, options.ui) : null,
      metrics,
      log,
    });
    const pulse = watchEngine(engine, engineState, metrics, scorers);
    warmUp.include(statistics.describe([]));
    for (const pattern of new Set(Object.values(config.profiles).map(({ index }) => index))) warmUp.include(stamps.describe(pattern));
    if (!options.passive) await behaviour.start([ranker, ownRoutes, { forget: lists.forget }], { reachBack: lists.namesUsers });
    return {
      url: listener.url,
      adminUrl: listener.adminUrl,
      scorerIds: () => scorers.processIds,
      loadRankers: () => rankers.loadAll(),
      close: async () => {
        clearInterval(pulse);
        warmUp.close();
        await listener.close();
        await behaviour.close();
        await lists.close();
        await scorers.close();
        await engine.close();
        await upstream.close();
      },
    };
  } catch (error) {
    warmUp.close();
    await scorers.close();
    await engine.close();
    await upstream.close();
    throw error;
  }
}

/** Where an index says nothing of its fields, the configuration does. */
function rolesOf(config: Config): ProductFieldRoles {
  const { id, map } = config.index;
  return { id, ...map };
}

function pageOf(config: Config, ui: NonNullable<SidecarOptions['ui']>): Ui {
  const readSettings = (): object => ({
    display: config.display,
    profiles: Object.entries(config.profiles).map(([name, { index }]) => ({ name, index })),
  });
  return { folder: ui.folder, readSettings, ...(ui.mounts ? { mounts: ui.mounts } : {}) };
}

/** Ranked lists for the log's files and for whoever asked to be told of them. */
function keepLists(
  config: Config,
  { onRankedList, withInputs = false }: SidecarOptions,
  { metrics, log }: { metrics: Metrics; log: Logger },
): { keeper: ListKeeper | null; close: () => Promise<void>; forget: (isErased: IsErased) => Promise<void>; namesUsers: boolean } {
  const { folder, sample } = config.observability.featureLog;
  // Hashes of this process name nobody, and its salt goes with it.
  const namesUsers = folder !== null && !config.observability.hashUserIds;
  let warnedAt = 0;
  const lose = (lists: number, cause: string): void => {
    metrics.countLoggedLists('lost', lists);
    if (Date.now() - warnedAt < LOG_EVERY_MS) return;
    warnedAt = Date.now();
    log.warn({ folder, cause }, 'ranked lists are missing from the feature log');
  };
  const files =
    folder === null ? null : new FeatureLog(folder, { onKept: (count) => metrics.countLoggedLists('kept', count), onLost: lose });
  const keep: ListKeeper['keep'] = (describe) => {
    try {
      const { list, scored } = describe();
      files?.take(list);
      onRankedList?.(list, scored);
    } catch (error) {
      lose(1, error instanceof Error ? error.message : String(error));
    }
  };
  return {
    keeper: files || onRankedList ? { wants: (key) => isSampled(key, sample), wantsInputs: withInputs, keep } : null,
    close: async () => files?.close(),
    forget: async (isErased) => void (namesUsers && (await files?.forget(isErased))),
    namesUsers,
  };
}

/** Asks the engine every few seconds whether it is there; searches never wait for this. */
function watchEngine(
  engine: ReturnType<typeof connectEngine>,
  state: { reachableAt: number },
  metrics: Metrics,
  scorers: ScorerPool,
): NodeJS.Timeout {
  const ask = (): void => {
    engine.ping().then(
      () => (state.reachableAt = Date.now()),
      () => undefined,
    );
    metrics.setScorers({ ready: scorers.readyProcesses, queued: scorers.queued });
    metrics.setDegraded(scorers.readyProcesses === 0);
  };
  ask();
  return setInterval(ask, REACHABLE_MS / 3).unref();
}
