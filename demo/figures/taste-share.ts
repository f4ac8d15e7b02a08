import { bootstrapMean, meanOf } from '../../tuning/significance/bootstrap.js';
import type { Shopper } from '../shoppers.js';
import type { ShopEntry } from '../shop.js';
import { type Taste, excludesTaste, hasTaste, isUntitled } from '../taste.js';

/** How many hits a shopper looks at. */
const TOP = 10;
/** How deep lists are fetched, so that ten are left after taking out what is not counted. */
export const DEPTH = 60;

/** Mean taste shares of two orders, and the 95 % interval over shoppers of ranked − engine. */
export interface ShareComparison {
  engine: number;
  ranked: number;
  interval: [low: number, high: number];
}

export interface ArmResult extends ShareComparison {
  /** The same lists with every product left out whose text tells of the taste. */
  untitled: ShareComparison;
}

/** One answered query for one shopper: product ids, best first. */
export interface RankedPair {
  shopper: Shopper;
  query: string;
  /** The kind of product that the query asks for. */
  kind: string;
  engine: readonly string[];
  ranked: readonly string[];
}

export type Catalogue = ReadonlyMap<string, ShopEntry>;

/**
 * Share of the first ten products that are what the query asks for and have the taste, after leaving out those of the
 * shopper's own history and, if asked, those whose text tells of the taste. Fewer than ten left: the share of those
 * left; none: 0. A product of another kind never counts, so that no order wins by straying from the query.
 */
export function measureShare(
  ids: readonly string[],
  options: { catalogue: Catalogue; kind: string; taste: Taste; history: ReadonlySet<string>; untitledOnly: boolean },
): number {
  const { catalogue, kind, taste, history, untitledOnly } = options;
  const top = ids
    .filter((id) => !history.has(id))
    .map((id) => catalogue.get(id))
    .filter((entry) => entry !== undefined)
    .filter((entry) => !untitledOnly || isUntitled(entry.product, taste))
    .slice(0, TOP);
  return top.length === 0 ? 0 : top.filter(({ latent }) => latent.kind === kind && hasTaste(latent, taste)).length / top.length;
}

export function historyOf(shopper: Shopper): ReadonlySet<string> {
  return new Set(shopper.events.map((event) => event.event_attributes.object.object_id));
}

function compareShares(
  pairs: readonly RankedPair[],
  options: { catalogue: Catalogue; seed: number; untitledOnly: boolean },
): ShareComparison {
  const byShopper = new Map<Shopper, { engine: number[]; ranked: number[] }>();
  for (const { shopper, kind, engine, ranked } of pairs) {
    const question = {
      catalogue: options.catalogue,
      kind,
      taste: shopper.taste,
      history: historyOf(shopper),
      untitledOnly: options.untitledOnly,
    };
    const shares = byShopper.get(shopper) ?? { engine: [], ranked: [] };
    shares.engine.push(measureShare(engine, question));
    shares.ranked.push(measureShare(ranked, question));
    byShopper.set(shopper, shares);
  }
  const means = [...byShopper.values()].map(({ engine, ranked }) => ({ engine: meanOf(engine), ranked: meanOf(ranked) }));
  const gains = means.map(({ engine, ranked }) => ranked - engine);
  return {
    engine: meanOf(means.map((mean) => mean.engine)),
    ranked: meanOf(means.map((mean) => mean.ranked)),
    interval: bootstrapMean(gains, { seed: options.seed }),
  };
}

/** One arm's result. The interval resamples shoppers, whose queries are not independent of each other. */
export function compareArm(pairs: readonly RankedPair[], options: { catalogue: Catalogue; seed: number }): ArmResult {
  return {
    ...compareShares(pairs, { ...options, untitledOnly: false }),
    untitled: compareShares(pairs, { ...options, untitledOnly: true }),
  };
}

/**
 * For each shopper another one whose taste no product can share: the next such in the list. Their histories are swapped
 * in to show that it is the shopper's own behaviour that helps.
 */
export function pairStrangers(shoppers: readonly Shopper[]): Map<Shopper, Shopper> {
  const strangers = new Map<Shopper, Shopper>();
  shoppers.forEach((shopper, index) => {
    const others = [...shoppers.slice(index + 1), ...shoppers.slice(0, index)];
    const stranger = others.find((other) => excludesTaste(shopper.taste, other.taste));
    if (!stranger) throw new RangeError(`no shopper has a taste apart from that of ${shopper.user}`);
    strangers.set(shopper, stranger);
  });
  return strangers;
}
