import { createHash } from 'node:crypto';
import { askForNextItem, type NextItem } from '../../../tuning/rows/next-item-query.js';
import type { OutputFile, OutputFolder } from './output-folder.js';

/** One shopper's products, oldest first. */
export interface Shopper {
  readonly id: string;
  readonly met: readonly Meeting[];
}

export interface Meeting {
  readonly itemId: string;
  /** Null where the source tells the order alone. */
  readonly time: Date | null;
}

export interface LastOutOptions {
  readonly output: OutputFolder;
  /** `application` of the events. */
  readonly application: string;
  /** UBI action name of every meeting. */
  readonly action: string;
  readonly items: ReadonlyMap<string, NextItem>;
  /** Products that are left out: no event and no query speaks of them. */
  readonly leftOut?: ReadonlySet<string>;
  readonly seed: number;
  readonly queries: number | null;
  readonly now: Date;
}

/** What became of the shoppers. */
export interface LastOutCounts {
  readonly shoppers: number;
  readonly events: number;
  readonly queries: number;
  /** Last products without a category, from which no query can be derived. */
  readonly withoutQuery: number;
  /** Last products that are left out. */
  readonly targetsLeftOut: number;
}

/** A row of products.ndjson: whatever it has is written. */
export type ProductRow = { readonly id: string } & Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;

/**
 * Writes each shopper's products as UBI 1.3 events (`events.ndjson`) but for the last one, which becomes a query derived from its category
 * with the events before it as history (`queries.ndjson`) and that query's only judgment (`judgments.csv`). It is among no events, so
 * statistics and recalled histories can't know it.
 *
 * Where the source has no times, products lie a day apart and the last event was yesterday: the order is the source's, the times are made.
 */
export async function leaveLastOut(shoppers: AsyncIterable<Shopper> | Iterable<Shopper>, options: LastOutOptions): Promise<LastOutCounts> {
  const events = options.output.file('events.ndjson');
  const chosen = new ShopperSample(options.queries, options.seed);
  const leftOut = options.leftOut ?? new Set<string>();
  let [count, withoutQuery, targetsLeftOut] = [0, 0, 0];
  for await (const shopper of shoppers) {
    count += 1;
    const timed = dateMeetings(shopper.met, options.now);
    for (const { itemId, time } of timed.slice(0, -1)) {
      if (leftOut.has(itemId)) continue;
      await events.writeJson({
        application: options.application,
        action_name: options.action,
        user_id: shopper.id,
        timestamp: time.toISOString(),
        event_attributes: { object: { object_id: itemId, object_id_field: 'id' } },
      });
    }
    const last = timed.at(-1);
    const item = last && options.items.get(last.itemId);
    if (last && leftOut.has(last.itemId)) targetsLeftOut += 1;
    else if (!item || item.category.length === 0) withoutQuery += 1;
    else chosen.offer(shopper, item);
  }
  const queries = await writeQuestions(chosen, options);
  return { shoppers: count, events: events.lines, queries, withoutQuery, targetsLeftOut };
}

async function writeQuestions(chosen: ShopperSample, options: LastOutOptions): Promise<number> {
  const [queries, judgments] = [options.output.file('queries.ndjson'), options.output.file('judgments.csv')];
  await judgments.writeHeading(['query_id', 'query', 'docid', 'rating']);
  for (const { shopper, item } of chosen.list()) {
    const timed = dateMeetings(shopper.met, options.now);
    const asked = timed.at(-1)?.time ?? options.now;
    const earlier = timed
      .slice(0, -1)
      .filter(({ itemId }) => options.leftOut?.has(itemId) !== true)
      .map(({ itemId, time }) => ({
        object_id: itemId,
        action_name: options.action,
        age_s: Math.round((asked.getTime() - time.getTime()) / 1000),
      }));
    const question = askForNextItem(item, { seed: options.seed, shopper: shopper.id, earlier });
    if (question === null) continue;
    await queries.writeJson(question);
    await judgments.writeCsv([question.query_id, question.query ?? '', item.id, '1']);
  }
  return queries.lines;
}

/** A day apart where times are not known: the last meeting, which is no event, is now, the one before it was yesterday. */
function dateMeetings(met: readonly Meeting[], now: Date): { itemId: string; time: Date }[] {
  return met.map(({ itemId, time }, place) => ({ itemId, time: time ?? new Date(now.getTime() - (met.length - 1 - place) * DAY_MS) }));
}

/** The shoppers that become queries: those whose hash by the seed is lowest, whatever their order in the source. */
class ShopperSample {
  readonly #chosen: { key: string; shopper: Shopper; item: NextItem }[] = [];

  constructor(
    readonly limit: number | null,
    readonly seed: number,
  ) {}

  offer(shopper: Shopper, item: NextItem): void {
    this.#chosen.push({ key: createHash('sha256').update(`${this.seed} ${shopper.id}`).digest('hex'), shopper, item });
    if (this.limit !== null && this.#chosen.length > 4 * this.limit + 1000) this.#cut();
  }

  list(): { shopper: Shopper; item: NextItem }[] {
    this.#cut();
    return this.#chosen;
  }

  #cut(): void {
    this.#chosen.sort((a, b) => (a.key < b.key ? -1 : 1));
    if (this.limit !== null) this.#chosen.splice(this.limit);
  }
}

/** Products in an order that tells nothing: engines break ties by it, and in a source it may follow age or popularity. */
export async function writeShuffled(file: OutputFile, products: readonly ProductRow[]): Promise<void> {
  const keyed = products.map((product) => ({ product, key: createHash('sha256').update(product.id).digest('hex') }));
  for (const { product } of keyed.sort((a, b) => (a.key < b.key ? -1 : 1))) await file.writeJson(product);
}

/** One line for the printed remarks. */
export function tellLastOut(
  { shoppers, events, queries, withoutQuery, targetsLeftOut }: LastOutCounts,
  { timed }: { timed: boolean },
): string[] {
  return [
    `${shoppers.toLocaleString('en')} shoppers: ${events.toLocaleString('en')} events, and of ${queries.toLocaleString('en')} the last product as a derived query, not a typed one`,
    ...(withoutQuery > 0 ? [`${withoutQuery.toLocaleString('en')} last products have no category, hence no query`] : []),
    ...(targetsLeftOut > 0 ? [`${targetsLeftOut.toLocaleString('en')} last products are left out, hence no query`] : []),
    ...(timed ? [] : ['times are made (a day between products, the last event yesterday): they keep the order and mean nothing else']),
  ];
}
