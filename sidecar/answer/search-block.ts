import type { JsonObject } from '../json/value.js';
import { fieldsWithoutValues } from '../request/list-rules.js';
import type { Rankable } from '../search-request.js';
import type { Gathered } from '../walk/gather-candidates.js';
import type { SearchClock } from '../walk/search-clock.js';
import type { EngineAnswer } from './engine-answer.js';
import type { RankedList } from './ranked-lists.js';

/** What `ext.fuserank` of an answer says of every ranked page. */
export function describeSearch(search: Rankable, list: RankedList, clock: SearchClock): JsonObject {
  return {
    applied: true,
    profile: search.profileName,
    window: list.window,
    took_ms: Math.round(clock.elapsedMs),
    stages: Object.fromEntries([...clock.stages].map(([name, milliseconds]) => [name, Math.round(milliseconds * 100) / 100])),
  };
}

/**
 * What it says of a list that was ranked just now: how many events of the shopper were known (null = they came too late),
 * what the shop's rules name, and fields of theirs that no hit has a value of; and, where asked for, the ids that each retriever found, best first, whether or not they joined the list.
 */
export function describeGathered({ legs, plan, set }: Gathered, of: { search: Rankable; history: readonly unknown[] | null }): JsonObject {
  const { search, history } = of;
  const { pins, excluded } = search.rules;
  const told: JsonObject = { history_length: history?.length ?? null };
  const withoutValues = fieldsWithoutValues(search.rules, set.values);
  if (pins.length > 0 || excluded.length > 0 || withoutValues.length > 0)
    told.rules = {
      pinned: pins.map(({ id }) => id),
      excluded: [...excluded],
      ...(withoutValues.length > 0 ? { without_values: withoutValues } : {}),
    };
  if (search.options.legs && legs !== null) {
    const found = { first_phase: legs.firstPhase, text: legs.text, image: legs.image };
    const most = search.explain ? undefined : search.window;
    told.legs = Object.fromEntries(
      Object.entries(found).flatMap(([name, answer]) => (answer ? [[name, idsOf(answer).slice(0, most)]] : [])),
    );
  }
  if (search.options.legs && plan.reason !== null) told.no_vector_legs = plan.reason;
  return told;
}

function idsOf({ hits }: EngineAnswer): string[] {
  return hits.map(({ id }) => id);
}
