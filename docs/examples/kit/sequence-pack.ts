import { z } from 'zod';
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import type { Adapted, AdapterRun } from './adapter.js';
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
  const products: ProductRow[] = [];
  /** By the number that sequences use. Products are known by ASIN, so that two packs may share one events index. */
  const items = new Map<string, NextItem>();
  let untitled = 0;
  for await (const { value: item, line } of readJsonRows(itemFile, itemSchema)) {
    if (items.has(item.id)) throw refuse(itemFile, line, `item ${item.id} comes twice`);
    const title = titleOf(item);
    if (title === null) untitled += 1;
    items.set(item.id, { id: item.asin, title, category: item.categories });
    products.push({ id: item.asin, title, brand: item.brand, category: item.categories });
  }
  await writeShuffled(run.output.file('products.ndjson'), products);
  const byAsin = new Map([...items.values()].map((item) => [item.id, item]));
  const shoppers = readSequences(sequenceFile, { application, items });
  const counts = await leaveLastOut(shoppers, { ...run, application, action: 'purchase', items: byAsin });
  return {
    indexFlags: '--id-field id --text-fields title,brand,category --brand-field brand --category-field category',
    remarks: [...tellLastOut(counts, { timed: false }), ...(untitled > 0 ? [`${untitled} products have nothing to make a title of`] : [])],
  };
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
