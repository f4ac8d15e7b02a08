import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** How often a product was met, as a third of all products. */
export type Shelf = 'head' | 'middle' | 'tail';
export const SHELVES: readonly Shelf[] = ['head', 'middle', 'tail'];
/** The field that products carry it in. */
export const SHELF_FIELD = 'shelf';

const productSchema = z.looseObject({ id: z.string(), brand: z.string().nullish() });
const eventSchema = z.looseObject({ event_attributes: z.looseObject({ object: z.looseObject({ object_id: z.string() }) }) });
const querySchema = z.looseObject({ query_id: z.string(), tags: z.array(z.string()).default([]) });

/**
 * Products by thirds of their known events: the tail has at most as many as the product at a third of the way up, the head more than the one
 * at two thirds. Products with equal counts stand together, so the thirds are of about one size.
 */
export function shelveProducts(events: ReadonlyMap<string, number>): Map<string, Shelf> {
  const rising = [...events.values()].sort((a, b) => a - b);
  const [low = 0, high = 0] = [rising[Math.ceil(rising.length / 3) - 1], rising[Math.ceil((2 * rising.length) / 3) - 1]];
  return new Map([...events].map(([id, count]) => [id, count <= low ? 'tail' : count <= high ? 'middle' : 'head']));
}

/** Known events by product, products without any among them. */
export async function countEvents(folder: string): Promise<Map<string, number>> {
  const counts = new Map((await readProducts(folder)).map(({ id }) => [id, 0]));
  for (const line of await readLines(join(folder, 'events.ndjson'))) {
    const id = eventSchema.parse(JSON.parse(line)).event_attributes.object.object_id;
    const count = counts.get(id);
    if (count !== undefined) counts.set(id, count + 1);
  }
  return counts;
}

/** The brand of each product that has one. */
export async function readBrands(folder: string): Promise<Map<string, string>> {
  return new Map((await readProducts(folder)).flatMap(({ id, brand }) => (brand ? [[id, brand] as const] : [])));
}

/**
 * Brands that share the smaller half of the events: the largest that together hold half of them are not among these, all others are.
 * @param events by product
 */
export function findSmallBrands(brands: ReadonlyMap<string, string>, events: ReadonlyMap<string, number>): Set<string> {
  const byBrand = new Map<string, number>();
  for (const [id, brand] of brands) byBrand.set(brand, (byBrand.get(brand) ?? 0) + (events.get(id) ?? 0));
  const falling = [...byBrand].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1));
  const total = falling.reduce((sum, [, count]) => sum + count, 0);
  const small = new Set<string>();
  let held = 0;
  for (const [brand, count] of falling) {
    if (held >= total / 2) small.add(brand);
    held += count;
  }
  return small;
}

/**
 * Writes its shelf into every product of a converted pack, and its target's into the tags of every query.
 * @returns flags of `fuserank index` for the new field
 */
export async function writeShelves(folder: string): Promise<string> {
  const shelves = shelveProducts(await countEvents(folder));
  await rewrite(join(folder, 'products.ndjson'), (value) => {
    const product = productSchema.parse(value);
    return { ...product, [SHELF_FIELD]: shelves.get(product.id) };
  });
  const targets = new Map((await readLines(join(folder, 'judgments.csv'))).slice(1).map(readTarget));
  await rewrite(join(folder, 'queries.ndjson'), (value) => {
    const query = querySchema.parse(value);
    const shelf = shelves.get(targets.get(query.query_id) ?? '');
    return { ...query, tags: [...query.tags, ...(shelf === undefined ? [] : [`target:${shelf}`])] };
  });
  return `--keyword-fields ${SHELF_FIELD}`;
}

/** Query and product of a line `query_id,query,docid,rating` whose ids hold no comma. */
function readTarget(line: string): [query: string, target: string] {
  const [query = ''] = line.split(',', 1);
  return [query, line.split(',').at(-2) ?? ''];
}

async function readProducts(folder: string): Promise<z.output<typeof productSchema>[]> {
  return (await readLines(join(folder, 'products.ndjson'))).map((line) => productSchema.parse(JSON.parse(line)));
}

async function rewrite(file: string, change: (value: unknown) => object): Promise<void> {
  const lines = (await readLines(file)).map((line) => `${JSON.stringify(change(JSON.parse(line)))}\n`);
  await writeFile(file, lines.join(''));
}

async function readLines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}
