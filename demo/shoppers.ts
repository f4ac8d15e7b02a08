import { type Chance, hashSeed, seedChance } from './random.js';
import type { ShopEntry } from './shop.js';
import { type Taste, hasTaste, listTastes, nameTaste } from './taste.js';
import { demoValues } from './values.js';

/** A UBI 1.3 event, with the members that the demo's shop sends. */
export interface ShopperEvent {
  application: string;
  action_name: 'click' | 'add_to_cart' | 'purchase';
  timestamp: string;
  user_id: string;
  session_id: string;
  user_query: string;
  event_attributes: { object: { object_id: string; object_id_field: string }; position: { ordinal: number } };
}

export interface Shopper {
  /** The user_id of the events. */
  user: string;
  taste: Taste;
  /** Oldest first, all within the last days. */
  events: ShopperEvent[];
}

export const APPLICATION = 'fuserank-demo';

const NAMES = [
  'ada',
  'bruno',
  'carmen',
  'dmitri',
  'elena',
  'farid',
  'greta',
  'hugo',
  'ines',
  'jonas',
  'keiko',
  'lars',
  'mira',
  'noor',
  'otto',
  'paula',
  'quentin',
  'rosa',
  'samir',
  'tilda',
  'umar',
  'vera',
  'wanda',
  'yusuf',
] as const;

/** What demo shoppers type: kinds, and kinds with a style. None names a colour or a pattern. */
export const demoQueries: readonly { text: string; kind: string }[] = [
  { text: 'lamp', kind: 'lamp' },
  { text: 'mug', kind: 'mug' },
  { text: 'dress', kind: 'dress' },
  { text: 'bag', kind: 'bag' },
  { text: 'sneakers', kind: 'sneaker' },
  { text: 'rug', kind: 'rug' },
  { text: 'cushion', kind: 'cushion' },
  { text: 'vase', kind: 'vase' },
  { text: 'modern chair', kind: 'chair' },
  { text: 'vintage jacket', kind: 'jacket' },
];

const MATCHING_SHARE = 0.85;
const DAY_MS = 86_400_000;

/** Looked at; two in five also put into the cart, half of those bought. */
function actOn(chance: Chance): ShopperEvent['action_name'][] {
  if (!chance.happens(0.4)) return ['click'];
  return chance.happens(0.5) ? ['click', 'add_to_cart', 'purchase'] : ['click', 'add_to_cart'];
}

function recallVisits(options: { entries: readonly ShopEntry[]; taste: Taste; user: string; now: Date }, chance: Chance): ShopperEvent[] {
  const { entries, taste, user, now } = options;
  const liked = chance.shuffle(entries.filter((entry) => hasTaste(entry.latent, taste)));
  const others = chance.shuffle(entries.filter((entry) => !hasTaste(entry.latent, taste)));
  const length = chance.whole(8, 25);
  const events: ShopperEvent[] = [];
  const seenKinds = new Map<string, number>();
  const visits = chance.whole(2, 4);
  let at = now.getTime() - chance.between(4, 6) * DAY_MS;
  for (let step = 0; events.length < length; step += 1) {
    const source = chance.happens(MATCHING_SHARE) ? liked : others;
    // Nobody looks at one kind only: at most two of a kind while others are left.
    const next = source.find((entry) => (seenKinds.get(entry.latent.kind) ?? 0) < 2) ?? source[0];
    if (!next) break;
    source.splice(source.indexOf(next), 1);
    seenKinds.set(next.latent.kind, (seenKinds.get(next.latent.kind) ?? 0) + 1);
    for (const action of actOn(chance)) {
      if (events.length >= length) break;
      at += chance.between(20, 180) * 1000;
      events.push({
        application: APPLICATION,
        action_name: action,
        timestamp: new Date(at).toISOString(),
        user_id: user,
        session_id: `${user}-${Math.floor((events.length * visits) / length) + 1}`,
        user_query: next.latent.kind,
        event_attributes: { object: { object_id: next.product.id, object_id_field: 'id' }, position: { ordinal: chance.whole(1, 24) } },
      });
    }
    if (step % Math.ceil(length / (visits * 2)) === 0) at += (chance.between(0.6, 1) * DAY_MS * 3) / visits / 2;
  }
  // Whatever the gaps summed up to, the last event lies at least an hour back.
  const overrun = Math.max(0, at - (now.getTime() - 3_600_000));
  return events.map((event) => ({ ...event, timestamp: new Date(Date.parse(event.timestamp) - overrun).toISOString() }));
}

/**
 * One shopper for every taste of the demo's shop, each with 8–25 events on several kinds of product, 85 % of them to
 * their taste. Deterministic from seed and `now`.
 */
export function makeShoppers(options: { entries: readonly ShopEntry[]; seed: number; now: Date }): Shopper[] {
  const tastes = listTastes(demoValues);
  if (tastes.length > NAMES.length) throw new RangeError(`${tastes.length} tastes but only ${NAMES.length} shoppers`);
  return tastes.map((taste, index) => {
    const user = NAMES[index] ?? `shopper-${index + 1}`;
    const chance = seedChance(hashSeed('shopper', options.seed, user, nameTaste(taste)));
    return { user, taste, events: recallVisits({ ...options, taste, user }, chance) };
  });
}
