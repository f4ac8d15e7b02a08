import { identifyAction } from '../../models/feature-set.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { PairTable } from './pair-table.js';
import { contributionOf, splitPairKey, type CountedEvent } from './shopper-contribution.js';
import type { Shopper, ShopperEvent } from './shopper-stream.js';

/** Values that were not counted, how often, and a few of them. */
export interface Uncounted {
  events: number;
  examples: string[];
}

export interface RowSums {
  users: number;
  impressions: number;
  views: number;
  carts: number;
  purchases: number;
}

const COUNTERS = ['users', 'impressions', 'views', 'carts', 'purchases'] as const;
const EXAMPLES = 5;

/** What the shoppers of a slice add up to; memory grows with the products and the pairs, not with the events. */
export class SliceTally {
  readonly read = { events: 0, shoppers: 0 };
  readonly counted = { events: 0, users: 0 };
  readonly unknownProducts: Uncounted = { events: 0, examples: [] };
  readonly unknownActions: Uncounted = { events: 0, examples: [] };
  readonly pairs = new PairTable();
  readonly #sums: Record<keyof RowSums, Uint32Array>;

  constructor(
    private readonly catalogue: CountedCatalogue,
    private readonly from: number,
  ) {
    const sums = (): Uint32Array => new Uint32Array(catalogue.ids.length);
    this.#sums = { users: sums(), impressions: sums(), views: sums(), carts: sums(), purchases: sums() };
  }

  add(shopper: Shopper): void {
    this.read.shoppers += 1;
    const history: CountedEvent[] = [];
    for (const event of shopper.events) {
      const fresh = event.time >= this.from;
      if (fresh) this.read.events += 1;
      const counted = this.#recognise(event, fresh);
      if (counted !== null) history.push(counted);
    }
    const { users, events, items, pairs } = contributionOf(history, this.from);
    this.counted.events += events;
    this.counted.users += users;
    for (const [item, touch] of items) for (const counter of COUNTERS) increase(this.#sums[counter], item, touch[counter]);
    for (const [key, { weight, users: met }] of pairs) this.pairs.add(key, weight, met);
  }

  sumsOf(item: number): RowSums {
    const at = (counter: keyof RowSums): number => this.#sums[counter][item] ?? 0;
    return { users: at('users'), impressions: at('impressions'), views: at('views'), carts: at('carts'), purchases: at('purchases') };
  }

  /** Pairs by their lower product: row `i` is at `offsets[i]` to `offsets[i + 1]`. */
  pairRows(): { offsets: Uint32Array; others: Uint32Array; weights: Float64Array; users: Uint32Array } {
    const offsets = new Uint32Array(this.catalogue.ids.length + 1);
    for (const [key] of this.pairs.entries()) increase(offsets, splitPairKey(key)[0] + 1, 1);
    for (let item = 1; item < offsets.length; item += 1) increase(offsets, item, offsets[item - 1] ?? 0);
    const next = offsets.slice();
    const others = new Uint32Array(this.pairs.size);
    const weights = new Float64Array(this.pairs.size);
    const users = new Uint32Array(this.pairs.size);
    for (const [key, weight, met] of this.pairs.entries()) {
      const [low, high] = splitPairKey(key);
      const place = next[low] ?? 0;
      increase(next, low, 1);
      others[place] = high;
      weights[place] = weight;
      users[place] = met;
    }
    return { offsets, others, weights, users };
  }

  #recognise({ action: name, objectId, time }: ShopperEvent, fresh: boolean): CountedEvent | null {
    const action = identifyAction(name);
    const item = this.catalogue.places.get(objectId);
    if (action === 0) {
      if (fresh) note(this.unknownActions, name);
      return null;
    }
    if (item === undefined) {
      if (fresh) note(this.unknownProducts, objectId);
      return null;
    }
    return { item, action, time };
  }
}

function increase(sums: Uint32Array, at: number, by: number): void {
  sums[at] = (sums[at] ?? 0) + by;
}

function note(uncounted: Uncounted, example: string): void {
  uncounted.events += 1;
  if (uncounted.examples.length < EXAMPLES && !uncounted.examples.includes(example)) uncounted.examples.push(example);
}
