import type { Shopper } from '../../docs/examples/kit/shoppers.js';

/** Products that had so many events before a shopper's next one, and how many next ones they got. */
export interface KnownBand {
  /** As a table names it. */
  readonly name: string;
  readonly products: number;
  /** Events that are known of them. */
  readonly events: number;
  /** Shoppers whose next product is one of them. */
  readonly targets: number;
}

/** The least number of events of each band. */
const FLOORS = [0, 1, 2, 3, 4, 5, 8, 12, 25] as const;

/**
 * Takes the products of a log apart by their known events. If a product's past alone says how often it comes next, targets by known event are
 * alike in all bands; where few known events bring more of them, something else betrays the target.
 * @param options.hidden latest events of every shopper that are not known; the first of them is the target
 */
export function bandKnownEvents(
  shoppers: readonly Pick<Shopper, 'met'>[],
  { products, hidden }: { products: readonly string[]; hidden: number },
): KnownBand[] {
  const known = new Map<string, number>(products.map((id) => [id, 0]));
  const targets = new Map<string, number>();
  for (const { met } of shoppers) {
    for (const { itemId } of met.slice(0, -hidden)) known.set(itemId, (known.get(itemId) ?? 0) + 1);
    const target = met.at(-hidden)?.itemId;
    if (target !== undefined) targets.set(target, (targets.get(target) ?? 0) + 1);
  }
  return FLOORS.map((floor, place) => {
    const next = FLOORS[place + 1] ?? Number.POSITIVE_INFINITY;
    const within = [...known].filter(([, events]) => events >= floor && events < next);
    return {
      name: next === floor + 1 ? String(floor) : Number.isFinite(next) ? `${floor}–${next - 1}` : `${floor}+`,
      products: within.length,
      events: within.reduce((sum, [, events]) => sum + events, 0),
      targets: within.reduce((sum, [id]) => sum + (targets.get(id) ?? 0), 0),
    };
  });
}
