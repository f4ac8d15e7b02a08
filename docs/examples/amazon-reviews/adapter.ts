// Amazon product reviews as McAuley's group publishes them, 2014 and 2018: 5-core reviews and the metadata of the products.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import { parsePythonLiteral } from '../kit/python-literal.js';
import { leaveLastOut, tellLastOut, writeShuffled, type ProductRow } from '../kit/shoppers.js';
import { readJsonRows, readParsedRows, refuse, requireFolder } from '../kit/source-rows.js';
import { TimedLog } from '../kit/timed-log.js';

const reviewSchema = z.object({ reviewerID: z.string().min(1), asin: z.string().min(1), unixReviewTime: z.int() });
const productSchema = z.object({
  asin: z.string().min(1),
  title: z.string().optional(),
  brand: z.string().nullish(),
  /** 2014 has a number, 2018 a text such as `$12.99`. */
  price: z.union([z.number(), z.string()]).nullish(),
  description: z.union([z.string(), z.array(z.string())]).nullish(),
  imUrl: z.string().nullish(),
  imageURLHighRes: z.array(z.string()).optional(),
  /** Several paths in 2014, one in 2018. */
  categories: z.array(z.array(z.string())).optional(),
  category: z.array(z.string()).optional(),
});
type ReviewedProduct = z.output<typeof productSchema>;

export const amazonReviews: Adapter = {
  name: 'amazon-reviews',
  source: 'folder with one reviews file (reviews_Beauty_5.json.gz, All_Beauty_5.json.gz) and its meta_….json.gz',
  adapt: adaptReviews,
};

async function adaptReviews(run: AdapterRun): Promise<Adapted> {
  const { reviews, meta } = findFiles(run.source);
  const log = new TimedLog();
  const reviewed = new Set<string>();
  for await (const { value } of readJsonRows(reviews, reviewSchema)) {
    log.add(value.reviewerID, value.asin, value.unixReviewTime);
    reviewed.add(value.asin);
  }
  const items = new Map<string, NextItem>();
  const products: ProductRow[] = [];
  for await (const { value } of readParsedRows(meta, productSchema, parseProduct)) {
    if (!reviewed.has(value.asin) || items.has(value.asin)) continue; // the metadata are of the whole shop
    const category = categoryOf(value);
    items.set(value.asin, { id: value.asin, title: value.title ?? null, category });
    products.push(describeProduct(value, category));
  }
  if (products.length === 0)
    throw refuse(meta, null, `none of the ${reviewed.size} reviewed products is described; do both files belong together?`);
  await writeShuffled(run.output.file('products.ndjson'), products);
  const counts = await leaveLastOut(log.shoppers(), { ...run, application: 'amazon-reviews', action: 'purchase', items });
  const unknown = reviewed.size - products.length;
  return {
    indexFlags:
      '--id-field id --text-fields title,description,brand,category --price-field price --brand-field brand --category-field category --image-field image',
    remarks: [
      ...tellLastOut(counts, { timed: true }),
      'a review stands for a purchase; it is dated by the day',
      ...(unknown > 0 ? [`${unknown} reviewed products are not described: their events name products that the catalogue lacks`] : []),
    ],
  };
}

function findFiles(folder: string): { reviews: string; meta: string } {
  requireFolder(folder, 'reviews and metadata');
  const names = readdirSync(folder).filter((name) => /\.jsonl?(\.gz)?$/.test(name));
  const [meta, ...moreMeta] = names.filter((name) => /^meta[_.-]/i.test(name));
  const [reviews, ...moreReviews] = names.filter((name) => !/^meta[_.-]/i.test(name));
  if (meta === undefined || reviews === undefined || moreMeta.length + moreReviews.length > 0) {
    throw refuse(
      folder,
      null,
      `holds ${names.join(', ') || 'no .json file'}; it must hold one file of reviews and one whose name begins with meta_`,
    );
  }
  return { reviews: join(folder, reviews), meta: join(folder, meta) };
}

/** JSON in 2018, Python's own notation in 2014. */
function parseProduct(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    return parsePythonLiteral(line);
  }
}

/** Of several paths the longest; the shop's own name at its beginning says nothing within one shop. */
function categoryOf({ categories, category }: ReviewedProduct): string[] {
  const paths = category === undefined ? (categories ?? []) : [category];
  const [longest = []] = [...paths].sort((a, b) => b.length - a.length);
  return longest.slice(1);
}

function describeProduct(product: ReviewedProduct, category: readonly string[]): ProductRow {
  const { asin, title, brand, description } = product;
  const text = Array.isArray(description) ? description.join('\n') : (description ?? '');
  const price =
    typeof product.price === 'string' ? Number(/^\$?(\d+(?:\.\d+)?)$/.exec(product.price.trim())?.[1] ?? Number.NaN) : product.price;
  const image = product.imUrl ?? product.imageURLHighRes?.[0];
  return {
    id: asin,
    ...(title === undefined ? {} : { title }),
    ...(text === '' ? {} : { description: text }),
    ...(brand ? { brand } : {}),
    ...(typeof price === 'number' && !Number.isNaN(price) ? { price } : {}),
    ...(image ? { image } : {}),
    category,
  };
}

await runWhenCalled(import.meta.url, amazonReviews);
