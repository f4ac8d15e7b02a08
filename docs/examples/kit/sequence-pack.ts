import { z } from 'zod';
import { InputInvalid } from '../../../tuning/formats/input-lines.js';
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import type { Adapted, AdapterFlag, AdapterRun } from './adapter.js';
import { leaveLastOut, tellLastOut, writeShuffled, type ProductRow, type Shopper } from './shoppers.js';
import { findSource, readCsvRows, readJsonRows, refuse } from './source-rows.js';

/** A product of a sequence pack, as its file has it: more members than these are left. */
const itemSchema = z.object({
  id: z.int().transform(String),
  asin: z.string(),
  title: z.string().nullable(),
  brand: z.string().nullable(),
  categories: z.array(z.string()),
});
export type PackItem = z.output<typeof itemSchema>;

const rowSchema = z.object({ user: z.string().min(1), items: z.string().min(1) });

/** Flags of every sequence pack. */
export const SEQUENCE_FLAGS: Readonly<Record<string, AdapterFlag>> = {
  'known-events': { about: 'leave out products with fewer events before each shopper’s last two', default: '0' },
};

/**
 * `items.jsonl.gz` and `sequences.csv.gz` of a pack of review histories: each row a shopper's products, oldest first, without times. A review
 * stands for a purchase.
 * @param titleOf the title to search by; null where nothing is known to make one of
 */
export async function adaptSequencePack(
  run: AdapterRun,
  { application, titleOf }: { application: string; titleOf: (item: PackItem) => string | null },
): Promise<Adapted> {
  const itemFile = findSource(run.source, ['items.jsonl.gz', 'items.jsonl']);
  const sequenceFile = findSource(run.source, ['sequences.csv.gz', 'sequences.csv']);
  const least = readKnownEvents(run.flag('known-events'));
  const products: ProductRow[] = [];
  /** By the number that sequences use. Products are known by ASIN, so that two packs may share one events index. */
  const items = new Map<string, NextItem>();
  for (const [number, item] of await readPackItems(itemFile)) {
    const title = titleOf(item);
    items.set(number, { id: item.asin, title, category: item.categories });
    products.push({ id: item.asin, title, brand: item.brand, category: item.categories });
  }
  const known = await countKnownEvents(readSequences(sequenceFile, { application, items }));
  const leftOut = new Set(products.flatMap(({ id }) => ((known.get(id) ?? 0) < least ? [id] : [])));
  const kept = products.filter(({ id }) => !leftOut.has(id));
  const untitled = kept.filter(({ title }) => title === null).length;
  await writeShuffled(run.output.file('products.ndjson'), kept);
  const byAsin = new Map([...items.values()].map((item) => [item.id, item]));
  const shoppers = readSequences(sequenceFile, { application, items });
  const counts = await leaveLastOut(shoppers, { ...run, application, action: 'purchase', items: byAsin, leftOut });
  return {
    indexFlags: '--id-field id --text-fields title,brand,category --brand-field brand --category-field category',
    remarks: [
      ...tellLastOut(counts, { timed: false }),
      ...(untitled > 0 ? [`${untitled} products have nothing to make a title of`] : []),
      least > 0
        ? `${leftOut.size.toLocaleString('en')} products with fewer than ${least} events before each shopper’s last two are left out`
        : CORE_WARNING,
    ],
  };
}

/** Why figures of a whole pack flatter whatever has learnt from counts. */
const CORE_WARNING =
  'a 5-core gives every product five events, so that one with fewer before the last product was left out betrays that it is somebody’s last; ' +
  '--known-events 5 leaves those products out';

/**
 * Events of each product before the last two of every shopper. The last is what a query asks for; the one before it is what rows to train on
 * ask for, so it may not decide either which products there are.
 */
async function countKnownEvents(shoppers: AsyncIterable<Shopper>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { met } of shoppers) {
    for (const { itemId } of met.slice(0, -2)) counts.set(itemId, (counts.get(itemId) ?? 0) + 1);
  }
  return counts;
}

/** @throws InputInvalid for what is no whole number from 0 */
function readKnownEvents(text: string | null): number {
  const number = Number(text ?? 0);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InputInvalid(`--known-events ${text}: write a whole number from 0`);
}

/** Items by the number that sequences use. @throws InputInvalid for one that comes twice */
export async function readPackItems(file: string): Promise<Map<string, PackItem>> {
  const items = new Map<string, PackItem>();
  for await (const { value: item, line } of readJsonRows(file, itemSchema)) {
    if (items.has(item.id)) throw refuse(file, line, `item ${item.id} comes twice`);
    items.set(item.id, item);
  }
  return items;
}

/** Rows `user,items`, the items' numbers between blanks. @throws InputInvalid for an item that is unknown and a user that comes twice */
export async function* readSequences(
  file: string,
  { application, items }: { application: string; items: ReadonlyMap<string, NextItem> },
): AsyncGenerator<Shopper> {
  const seen = new Set<string>();
  for await (const { line, value } of readCsvRows(file, rowSchema)) {
    if (seen.has(value.user)) throw refuse(file, line, `user ${value.user} comes twice`);
    seen.add(value.user);
    const met = value.items
      .trim()
      .split(/\s+/)
      .map((number) => {
        const item = items.get(number);
        if (!item) throw refuse(file, line, `item ${number} is not among the items`);
        return { itemId: item.id, time: null };
      });
    yield { id: `${application}-${value.user}`, met };
  }
}
