import type { Diversity, Exclusion, Pin } from '../../config/list-rules.js';
import type { Profile } from '../../config/schema.js';
import type { SearchOptions } from './search-options.js';
import { matchesWildcard } from './wildcard.js';

/** What a shop's own rules say of one search. */
export interface ListRules {
  /** Ids with the place that each is to have, counted from 0, or the next one that is free; an id stands once. */
  readonly pins: readonly PinnedId[];
  /** Ids that the search must not find. */
  readonly excluded: readonly string[];
  /** Against a list of the same; null = none. */
  readonly diversity: Diversity | null;
}

export interface PinnedId {
  readonly id: string;
  readonly place: number;
}

/** More pinned products than this fill the pages that people see. */
const MOST_PINS = 100;

/** The rules for these words: those of the request where it names any, else the profile's. What is excluded is not pinned. */
export function findRules(
  profile: Pick<Profile, 'pins' | 'exclude' | 'diversity'>,
  options: Pick<SearchOptions, 'pins' | 'exclude' | 'diversity'>,
  queryText: string | null,
): ListRules {
  const pins = options.pins ?? profile.pins;
  const exclusions = options.exclude ?? profile.exclude;
  const diversity = options.diversity === undefined ? profile.diversity : options.diversity;
  if (pins.length === 0 && exclusions.length === 0) return { pins: [], excluded: [], diversity };
  const words = normalise(queryText ?? '');
  const applies = ({ query }: Pin | Exclusion): boolean => query === undefined || matchesWildcard(words, normalise(query));
  const excluded = new Set(exclusions.filter(applies).flatMap(({ ids }) => ids));
  const places = new Map<string, number>();
  for (const { ids, position } of pins.filter(applies)) {
    for (const id of ids) if (places.size < MOST_PINS && !places.has(id) && !excluded.has(id)) places.set(id, position - 1);
  }
  return { pins: [...places].map(([id, place]) => ({ id, place })), excluded: [...excluded], diversity };
}

/** Fields whose values of each hit the rules look at. */
export function diversityFields({ diversity }: Pick<ListRules, 'diversity'>): string[] {
  const fields = [diversity?.maxPerGroup?.field, diversity?.floor?.field];
  return [...new Set(fields.filter((field) => field !== undefined))];
}

/** Fields that a rule looks at and that no hit of the list has a value of: most likely mistyped. */
export function fieldsWithoutValues(
  rules: Pick<ListRules, 'diversity'>,
  values: ReadonlyMap<string, readonly (string | null)[]>,
): string[] {
  return diversityFields(rules).filter((field) => values.get(field)?.every((value) => value === null));
}

function normalise(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}
