import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../config/schema.js';
import { COLUMN_NAMES, FEATURE_SET_HASH, printColumn } from '../models/feature-set.js';
import type { RankingInput } from '../models/ranker.js';
import { HISTORY_LIMIT } from './features.js';
import { hashUserId } from './http/log.js';
import type { RetrievedCandidate } from './retrieve.js';
import type { RankReply, RankRequest } from './scorer.js';
import type { Rankable } from './search-request.js';
import type { StatisticsVersion } from './statistics/current-statistics.js';

const rank = z.int().min(0);

/** A ranked list as the feature log keeps it: what was ranked, by what, and every column that it was ranked by. */
export const loggedListSchema = z.object({
  fuserank_log: z.literal(1),
  /** When it was ranked (ISO 8601). */
  time: z.iso.datetime(),
  /** Names this one ranking. */
  list_id: z.string().min(1),
  /** The id by which events name the search; null where the search gave none. */
  query_id: z.string().nullable(),
  /** Index or alias that was searched. */
  index: z.string(),
  profile: z.string(),
  /** `name-version@sha8` of the ranker. */
  model: z.string(),
  /** Profile and blend: lists of different variants were shown in different orders on purpose. */
  variant: z.string(),
  /** Of all columns; values of another feature set mean something else. */
  feature_set: z.string(),
  columns: z.array(z.string()),
  /** Null for nobody; a hash where the configuration wants user ids hashed. */
  user: z.string().nullable(),
  query: z.string().nullable(),
  /** Events of the shopper that the ranking saw. */
  history_length: z.int().min(0),
  /** The moment up to which the item statistics had counted events; null = ranked without them. */
  statistics_until: z.iso.datetime().nullable(),
  /** Products whose vectors or statistics did not arrive in time: what needs them stands at "not known". */
  missing: z.int().min(0),
  candidates: z.array(
    z.object({
      id: z.string(),
      /** Place in the engine's own order, from 0; null for a hit that only a vector leg found. */
      first_phase_rank: rank.nullable(),
      /** Place in the ranked list over all its pages, from 0; null where it was left out of it. */
      position: rank.nullable(),
      /** float32 values in the order of `columns`. */
      columns: z.array(z.number()),
    }),
  ),
});
export type LoggedList = z.output<typeof loggedListSchema>;

/** What a ranker was told of a list and what it said: enough to score it again, or to train on. */
export interface ScoredInput {
  /** Every input, every column. */
  readonly input: RankingInput;
  /** Products of the shopper's events, oldest first; as many as the ranking looked at. */
  readonly history: readonly string[];
  /** The ranker's own scores, in the order of the candidates. */
  readonly scores: Float32Array;
  /** Trust in them, 0–1. */
  readonly gate: number;
}

/** A list for those who keep it. */
export interface KeptList {
  readonly list: LoggedList;
  /** Null where nobody asked. */
  readonly scored: ScoredInput | null;
}

/** Who keeps ranked lists with their columns. */
export interface ListKeeper {
  /** Whether this list is among the sampled ones. @param key query id, else the list's key */
  wants(key: string): boolean;
  /** Whether the inputs are wanted beside the columns. */
  readonly wantsInputs: boolean;
  /** Takes a list that was shown; never throws. */
  keep(describe: () => KeptList): void;
}

/** What a list is logged with beside its columns and candidates. */
export type ListFacts = Omit<LoggedList, 'fuserank_log' | 'feature_set' | 'columns' | 'candidates'>;

/** What a list is known by, as far as its search alone tells. */
export function nameList(
  search: Rankable,
  { observability }: Pick<Config, 'observability'>,
): Omit<ListFacts, 'model' | 'history_length' | 'statistics_until' | 'missing'> {
  const { options, profileName, blend } = search;
  const user = options.user ?? options.client ?? options.session;
  return {
    time: new Date().toISOString(),
    list_id: randomUUID(),
    query_id: options.queryId,
    index: search.index,
    profile: profileName,
    variant: `${profileName}@${blend}`,
    user: user !== null && observability.hashUserIds ? hashUserId(user) : user,
    query: search.queryText,
  };
}

/**
 * @param candidates in the order of the scored list
 * @param columns [N·F] row-major, as the scorer gives them
 * @param order positions among the candidates, best first
 * @throws Error for a value that is no finite number, which no log can hold
 */
export function describeList(
  facts: ListFacts,
  ranked: {
    candidates: readonly { readonly id: string; readonly firstPhaseRank: number | null }[];
    columns: Float32Array;
    order: readonly number[];
  },
): LoggedList {
  const { candidates, columns, order } = ranked;
  const width = COLUMN_NAMES.length;
  const odd = columns.findIndex((value) => !Number.isFinite(value));
  if (columns.length !== candidates.length * width || odd >= 0) {
    throw new Error(
      odd < 0
        ? `${columns.length} values for ${candidates.length} candidates of ${width} columns`
        : `column ${COLUMN_NAMES[odd % width] ?? ''} of ${candidates[Math.floor(odd / width)]?.id ?? ''} is ${columns[odd]}`,
    );
  }
  const places = new Map(order.map((position, place) => [position, place]));
  return {
    fuserank_log: 1,
    ...facts,
    feature_set: FEATURE_SET_HASH,
    columns: [...COLUMN_NAMES],
    candidates: candidates.map(({ id, firstPhaseRank }, position) => ({
      id,
      first_phase_rank: firstPhaseRank,
      position: places.get(position) ?? null,
      columns: [...columns.subarray(position * width, (position + 1) * width)],
    })),
  };
}

/** A list that a ranker scored, for those who keep lists. Null where the scorer was not asked for its columns. */
export function offerToKeep(scored: {
  readonly search: Rankable;
  readonly config: Config;
  readonly reply: RankReply;
  /** Oldest first. */
  readonly history: RankRequest['history'];
  readonly candidates: readonly RetrievedCandidate[];
  /** Positions among the candidates, best first. */
  readonly order: readonly number[];
  /** Null: ranked without any. */
  readonly statistics: StatisticsVersion | null;
}): (() => KeptList) | null {
  const { search, reply, history, candidates, order } = scored;
  const { columns, inputs } = reply;
  if (!columns) return null;
  const facts = {
    ...nameList(search, scored.config),
    model: reply.model,
    history_length: history.length,
    statistics_until: scored.statistics?.until ?? null,
    missing: reply.missing + reply.missingStatistics,
  };
  const seen = search.profile.signals.history ? history.slice(-HISTORY_LIMIT).map(({ objectId }) => objectId) : [];
  return () => ({
    list: describeList(facts, { candidates, columns, order }),
    scored: inputs && { input: inputs, history: seen, scores: reply.scores, gate: reply.gate },
  });
}

/** The list as one line of JSON without its end; reading it back gives the same bits. */
export function writeListLine(list: LoggedList): string {
  const { candidates, ...head } = list;
  const rows = candidates.map(({ columns, ...candidate }) => {
    const values = columns.map(printColumn).join(',');
    return `${JSON.stringify(candidate).slice(0, -1)},"columns":[${values}]}`;
  });
  return `${JSON.stringify(head).slice(0, -1)},"candidates":[${rows.join(',')}]}`;
}
