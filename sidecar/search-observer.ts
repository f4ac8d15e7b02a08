import { LRUCache } from 'lru-cache';
import type { Logger } from './http/log.js';
import type { Metrics } from './http/metrics.js';
import type { SkipReason } from './search-request.js';
import type { SearchClock } from './walk/search-clock.js';

/** Told of every search when it is answered. */
export interface SearchObserver {
  outcome(outcome: {
    readonly applied: boolean;
    readonly reason: SkipReason | null;
    readonly detail: string | null;
    readonly clock: SearchClock;
    /** Hits in the ranked list; null where none was made. */
    readonly candidates: number | null;
    /** Fields of the shop's rules that none of them has a value of, and whose profile it was; absent where there are none. */
    readonly unruled?: { readonly profile: string; readonly fields: readonly string[] };
  }): void;
}

const LOG_EVERY_MS = 60_000;
/** Of fewer hits that all lack a value, the field may be in order. */
const TELLING_HITS = 10;

/** Counts every search; says a skip's reason once a minute, and a rule's field that nothing has. */
export function observeSearches(metrics: Metrics, log: Logger): SearchObserver {
  const logged = new LRUCache<string, number>({ max: 1_000 });
  const isDue = (what: string): boolean => {
    if (Date.now() - (logged.get(what) ?? 0) < LOG_EVERY_MS) return false;
    logged.set(what, Date.now());
    return true;
  };
  return {
    outcome({ applied, reason, detail, clock, candidates, unruled }) {
      metrics.observeRank(applied ? { outcome: 'applied' } : { outcome: 'skipped', reason: reason ?? 'internal' });
      for (const [stage, milliseconds] of clock.stages) metrics.observeStage(stage, milliseconds);
      if (candidates !== null) metrics.observeCandidates(candidates);
      metrics.observeStage('engine', clock.engineMs);
      metrics.observeStage('ours', clock.elapsedMs - clock.engineMs);
      if (unruled && candidates !== null && candidates >= TELLING_HITS && isDue(`${unruled.profile} ${unruled.fields.join()}`))
        log.warn(
          { ...unruled, hits: candidates },
          'not one hit has a value of a field that diversity looks at; see whether its name is right, and whether the index maps it',
        );
      if (applied || detail === null || reason === null || !isDue(reason)) return;
      log.warn({ reason, detail }, 'searches are answered in the engine’s order');
    },
  };
}
