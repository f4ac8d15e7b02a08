import type { Config } from '../config/schema.js';
import type { EventStore } from './behaviour/event-store.js';
import { chooseUserKey, MOST_SKEW_MS, type UserKeys } from '../mappings/ubi-event.js';

/** One thing that a shopper did with one product. */
export interface HistoryEvent {
  objectId: string;
  /** UBI's action_name, as the shop spells it. */
  action: string;
  /** Milliseconds since 1970, never later than the time of recall. */
  timestampMs: number;
  sessionId: string | null;
}

const DAY_MS = 86_400_000;
/** An impression says what the shop showed, not what the shopper did; 24 a search would push every click out of the window. */
export const IGNORED_ACTIONS: readonly string[] = ['impression'];

/**
 * The last `historyLength` events of the user within `ttlDays`, oldest first, events of this very moment included.
 * Empty for nobody, for somebody unknown and where consent is withheld, which are all one to the ranking.
 * Rejects when the events cannot be read or the signal aborts: the caller then ranks for nobody.
 */
export async function recallHistory(
  keys: UserKeys,
  options: {
    store: EventStore;
    behaviour: Pick<Config['behaviour'], 'historyLength' | 'ttlDays'>;
    consent: 'full' | 'none';
    now?: number;
    signal?: AbortSignal;
  },
): Promise<HistoryEvent[]> {
  const key = chooseUserKey(keys);
  if (key === null || options.consent === 'none') return [];
  const now = options.now ?? Date.now();
  const events = await options.store.readHistory(key, {
    length: options.behaviour.historyLength,
    since: now - options.behaviour.ttlDays * DAY_MS,
    // What others stored with a later time has not happened yet.
    until: now + MOST_SKEW_MS,
    ignoredActions: IGNORED_ACTIONS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return events.flatMap(({ objectId, action, timestampMs, sessionId }) =>
    // A clock that runs ahead must not make an event younger than the search it comes before.
    objectId === null ? [] : [{ objectId, action, timestampMs: Math.min(timestampMs, now), sessionId }],
  );
}
