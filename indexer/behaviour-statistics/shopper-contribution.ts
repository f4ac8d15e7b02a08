/** Action classes of models/feature-set.json. */
export const ACTION = { impression: 1, view: 2, cart: 3, purchase: 4 } as const;

/** One event of a shopper's that counts: a product of the catalogue, an action that we know. */
export interface CountedEvent {
  /** Place of the product in the catalogue. */
  item: number;
  /** One of ACTION. */
  action: number;
  /** Milliseconds since 1970. */
  time: number;
}

/** What one shopper adds to one product. */
export interface ItemTouch {
  /** 1 when the shopper is a new one to the product. Being shown it is no touch. */
  users: number;
  impressions: number;
  views: number;
  carts: number;
  purchases: number;
}

/** What one shopper adds to one pair of products. */
export interface PairMeeting {
  /** Sum over meetings of DECAY^(events between them): the same in both directions. */
  weight: number;
  /** 1 when the two had not met in this shopper's history before. */
  users: number;
}

export interface Contribution {
  /** 1 when the shopper is a new one altogether. */
  users: number;
  events: number;
  items: Map<number, ItemTouch>;
  /** By `pairKey`. */
  pairs: Map<number, PairMeeting>;
}

/** Events of a history that an event is paired with: those just before it. */
export const MEETING_WINDOW = 20;
export const DECAY = 0.8;

/** Products a catalogue may hold so that a pair still is an exact number. */
export const ITEM_LIMIT = 2 ** 26;

/** One number for two different products, the same for (a, b) and (b, a). */
export function pairKey(a: number, b: number): number {
  return a < b ? a * ITEM_LIMIT + b : b * ITEM_LIMIT + a;
}

/** The two products of a key, the lower place first. */
export function splitPairKey(key: number): [low: number, high: number] {
  const low = Math.floor(key / ITEM_LIMIT);
  return [low, key - low * ITEM_LIMIT];
}

/**
 * What the events at or after `from` add to the sums, given those before: so the contributions of the two parts of a history, cut anywhere,
 * add up to that of the whole. Impressions are counted, and are no place in the history that other events are paired over.
 * @param history one shopper's events, oldest first
 */
export function contributionOf(history: readonly CountedEvent[], from = -Infinity): Contribution {
  const contribution: Contribution = { users: 0, events: 0, items: new Map(), pairs: new Map() };
  const known = { shopper: false, items: new Set<number>(), pairs: new Set<number>() };
  const touched: number[] = [];
  for (const event of history) {
    const fresh = event.time >= from;
    if (fresh) {
      contribution.events += 1;
      if (!known.shopper) contribution.users = 1;
      countAction(contribution.items, event);
    }
    known.shopper = true;
    if (event.action === ACTION.impression) continue;
    if (!known.items.has(event.item)) {
      known.items.add(event.item);
      if (fresh) touchOf(contribution.items, event.item).users = 1;
    }
    for (let distance = 1; distance <= Math.min(MEETING_WINDOW, touched.length); distance += 1) {
      const other = touched[touched.length - distance];
      if (other === undefined || other === event.item) continue;
      const key = pairKey(event.item, other);
      const first = !known.pairs.has(key);
      known.pairs.add(key);
      if (!fresh) continue;
      const meeting = contribution.pairs.get(key);
      const weight = DECAY ** (distance - 1);
      if (meeting) meeting.weight += weight;
      else contribution.pairs.set(key, { weight, users: first ? 1 : 0 });
    }
    touched.push(event.item);
  }
  return contribution;
}

function touchOf(items: Map<number, ItemTouch>, item: number): ItemTouch {
  let touch = items.get(item);
  if (touch === undefined) items.set(item, (touch = { users: 0, impressions: 0, views: 0, carts: 0, purchases: 0 }));
  return touch;
}

function countAction(items: Map<number, ItemTouch>, { item, action }: CountedEvent): void {
  const touch = touchOf(items, item);
  if (action === ACTION.impression) touch.impressions += 1;
  else if (action === ACTION.view) touch.views += 1;
  else if (action === ACTION.cart) touch.carts += 1;
  else if (action === ACTION.purchase) touch.purchases += 1;
}
