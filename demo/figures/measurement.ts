import { quantile } from '../../tuning/significance/bootstrap.js';
import { ARM_PROFILES } from '../demo-config.js';
import { kinds } from '../kinds.js';
import { type Question, searchRanked, searchShop } from '../shop-client.js';
import { type Shopper, demoQueries } from '../shoppers.js';
import { type ArmResult, type Catalogue, DEPTH, type RankedPair, compareArm, pairStrangers } from './taste-share.js';
import { demoValues } from '../values.js';

export type ArmName = 'full' | 'no_history' | 'no_picture' | 'no_text' | 'shuffled_history';

export interface Doors {
  /** OpenSearch itself. */
  engine: string;
  /** The sidecar in front of it. */
  sidecar: string;
}

/** No measured answer may be the engine's order because the machine was busy: quality and speed are told apart. */
const UNHURRIED = { budget_ms: 10_000 } as const;
/** Searches under way at once. */
const LANES = 3;
const BOOTSTRAP_SEED = 20;

/** The `ext.fuserank` members of one arm for one shopper. */
function askArm(arm: ArmName, shopper: Shopper, stranger: Shopper): NonNullable<Question['ranking']> {
  switch (arm) {
    case 'full':
      return { ...UNHURRIED, user_id: shopper.user };
    case 'no_picture':
      return { ...UNHURRIED, user_id: shopper.user, profile: ARM_PROFILES.no_picture };
    case 'no_text':
      return { ...UNHURRIED, user_id: shopper.user, profile: ARM_PROFILES.no_text };
    case 'shuffled_history':
      return { ...UNHURRIED, user_id: stranger.user };
    case 'no_history':
      return { ...UNHURRIED, user_id: shopper.user, consent: 'none' };
  }
}

async function inLanes<T, R>(work: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array<R>(work.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let place = next++; place < work.length; place = next++) {
      const item = work[place];
      if (item !== undefined) results[place] = await act(item);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

export interface ArmMeasurement extends ArmResult {
  /** For `no_history`: whether every list was the anonymous one, id for id. */
  equals_anonymous?: boolean;
}

/** Taste shares of one arm over all shoppers and demo queries, beside the engine's own order. */
export async function measureArm(
  arm: ArmName,
  options: { doors: Doors; shoppers: readonly Shopper[]; catalogue: Catalogue },
): Promise<ArmMeasurement> {
  const { doors, shoppers, catalogue } = options;
  const engineLists = new Map<string, string[]>();
  for (const { text } of demoQueries) engineLists.set(text, (await searchShop(doors.engine, { query: text, size: DEPTH })).ids);
  const strangers = pairStrangers(shoppers);
  const questions = shoppers.flatMap((shopper) => demoQueries.map((query) => ({ shopper, query })));
  const pairs = await inLanes(questions, async ({ shopper, query }): Promise<RankedPair> => {
    const ranking = askArm(arm, shopper, strangers.get(shopper) ?? shopper);
    const { ids } = await searchRanked(doors.sidecar, { query: query.text, size: DEPTH, ranking });
    return { shopper, kind: query.kind, query: query.text, engine: engineLists.get(query.text) ?? [], ranked: ids };
  });
  const result = compareArm(pairs, { catalogue, seed: BOOTSTRAP_SEED });
  if (arm !== 'no_history') return result;
  const anonymous = new Map<string, string>();
  for (const { text } of demoQueries) {
    anonymous.set(text, (await searchRanked(doors.sidecar, { query: text, size: DEPTH, ranking: UNHURRIED })).ids.join());
  }
  return { ...result, equals_anonymous: pairs.every((pair) => pair.ranked.join() === anonymous.get(pair.query)) };
}

/** Median and 99th percentile, ms. */
export interface Timings {
  direct_p50: number;
  through_p50: number;
  ours_p50: number;
  ours_p99: number;
}

const TIMED = 100;
const PAGE = 24;

/**
 * The shop's view of speed: queries that nobody asked before, each straight to the engine and through the sidecar for a
 * known shopper, in alternating order. `ours` is the sidecar's time in which none of its requests to the engine is open.
 */
export async function timeSearches(options: { doors: Doors; shoppers: readonly Shopper[] }): Promise<Timings> {
  const queries = kinds.flatMap((kind) => kind.titles.flatMap((title) => demoValues.styles.map((style) => `${style} ${title}`)));
  const stride = Math.floor(queries.length / TIMED);
  const [direct, through, ours]: [number[], number[], number[]] = [[], [], []];
  for (let turn = 0; turn < TIMED; turn += 1) {
    const query = queries[turn * stride] ?? '';
    const question = { query, size: PAGE, fields: ['title', 'brand', 'price', 'image'] };
    const user_id = options.shoppers[turn % options.shoppers.length]?.user ?? '';
    const askEngine = async (): Promise<void> => void direct.push((await searchShop(options.doors.engine, question)).ms);
    const askSidecar = async (): Promise<void> => {
      const answer = await searchShop(options.doors.sidecar, { ...question, ranking: { user_id } });
      through.push(answer.ms);
      const own = answer.stages.get('ours');
      if (own !== undefined) ours.push(own);
    };
    const order = turn % 2 === 0 ? [askEngine, askSidecar] : [askSidecar, askEngine];
    for (const ask of order) await ask();
  }
  const at = (values: number[], share: number): number =>
    Math.round(
      quantile(
        values.sort((a, b) => a - b),
        share,
      ) * 100,
    ) / 100;
  return { direct_p50: at(direct, 0.5), through_p50: at(through, 0.5), ours_p50: at(ours, 0.5), ours_p99: at(ours, 0.99) };
}
