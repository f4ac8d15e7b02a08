import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { findSource, readCsvRows, readJsonRows } from '../../docs/examples/kit/source-rows.js';

/** A product's texts, as `fuserank model fit-text` takes them. */
export interface TextProduct {
  readonly id: string;
  readonly title: string;
  readonly group: string | null;
  readonly texts: readonly string[];
  readonly labels: readonly string[];
}

const text = z.string().nullish();
const texts = z.array(z.string()).nullish();
const esciRow = z.object({ id: z.string(), title: z.string(), bullet_points: text, description: text, brand: text, category: texts });
const icecatRow = z.object({
  id: z.string(),
  title: z.string(),
  short_description: text,
  brand: text,
  category: text,
  attributes: z.record(z.string(), z.unknown()),
});
const magentoRow = z.object({
  sku: z.string(),
  name: z.string(),
  parent: text,
  description: text,
  short_description: text,
  categories: z.array(z.string()),
});
const beautyRow = z.object({ id: z.number(), title: text, brand: text, categories: z.array(z.string()) });
const topsRow = z.object({ id: z.string(), title: z.string(), brand: text, color: text });

type Reader = (folder: string) => Promise<TextProduct[]>;

const READERS: Readonly<Record<string, Reader>> = {
  icecat: (folder) =>
    read(folder, 'products', icecatRow, (row) => ({
      ...{ id: row.id, title: row.title, group: null },
      texts: [row.short_description, describe(row.attributes)],
      labels: [row.brand, row.category],
    })),
  magento: (folder) =>
    read(folder, 'products', magentoRow, (row) => ({
      ...{ id: row.sku, title: row.name, group: row.parent ?? row.sku },
      texts: [row.description, row.short_description],
      labels: [row.categories[0]?.replaceAll('/', ' ')],
    })),
  beauty: (folder) =>
    read(folder, 'items', beautyRow, (row) => ({
      ...{ id: String(row.id), title: row.title ?? '', group: null },
      texts: [],
      labels: [row.brand, row.categories.at(-1)],
    })),
  tops: (folder) =>
    read(folder, 'products', topsRow, (row) => ({ id: row.id, title: row.title, group: null, texts: [], labels: [row.brand, row.color] })),
  esci: (folder) =>
    read(folder, 'products', esciRow, (row) => ({
      ...{ id: row.id, title: row.title, group: null },
      texts: [row.bullet_points, row.description],
      labels: [row.brand, row.category?.at(-1)],
    })),
};

/** Packs that the built-in encoder has never met, then the one whose titles it learnt from. */
export const TEXT_PACKS: readonly string[] = Object.keys(READERS);

/** Products of a pack that have a title. @throws InputInvalid where the pack is not there */
export async function readTextPack(data: string, name: string): Promise<TextProduct[]> {
  const reader = READERS[name];
  if (reader === undefined) throw new RangeError(`there is no pack ${name}; those with texts are ${TEXT_PACKS.join(', ')}`);
  return (await reader(join(data, name))).filter(({ title }) => title !== '');
}

async function read<Schema extends z.ZodType>(
  folder: string,
  file: string,
  schema: Schema,
  textsOf: (
    row: z.output<Schema>,
  ) => Omit<TextProduct, 'texts' | 'labels'> & Record<'texts' | 'labels', readonly (string | null | undefined)[]>,
): Promise<TextProduct[]> {
  const products: TextProduct[] = [];
  for await (const { value } of readJsonRows(findSource(folder, [`${file}.jsonl.gz`, `${file}.jsonl`]), schema)) {
    const { texts: all, labels, ...plain } = textsOf(value);
    const label = labels.filter((part) => part).join(' ');
    products.push({
      ...plain,
      texts: all.flatMap((part) => (part === null || part === undefined || part === '' ? [] : [part])),
      labels: label === '' ? [] : [label],
    });
  }
  return products;
}

/** Values that are words, behind their names. */
function describe(attributes: Readonly<Record<string, unknown>>): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => (typeof value === 'string' ? [`${name.replaceAll('_', ' ').trim()} ${value}`] : []))
    .join('; ');
}

/** Products kept out of every fit: whole groups, the same ones each time, at most `most` and a fifth of all. */
export function keepApart(products: readonly TextProduct[], most: number): { learn: TextProduct[]; test: TextProduct[] } {
  const keyOf = ({ group, title }: TextProduct): string =>
    createHash('sha256')
      .update(`kept apart ${group ?? title.toLowerCase()}`)
      .digest('hex');
  const drawn = products.map((product) => ({ product, key: keyOf(product) })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  let end = Math.min(most, Math.floor(drawn.length / 5));
  while (end > 0 && end < drawn.length && drawn[end]?.key === drawn[end - 1]?.key) end += 1;
  return { test: drawn.slice(0, end).map(({ product }) => product), learn: drawn.slice(end).map(({ product }) => product) };
}

export interface JudgedQuery {
  readonly id: string;
  readonly query: string;
  /** Gain by product: E 1, S 0.1, C 0.01, I 0. */
  readonly gains: ReadonlyMap<string, number>;
}

const GAINS = { E: 1, S: 0.1, C: 0.01, I: 0 } as const;

/** The judged queries of the ESCI pack. */
export async function readJudgedQueries(data: string): Promise<JudgedQuery[]> {
  const folder = join(data, 'esci');
  const gains = new Map<string, Map<string, number>>();
  const judgment = z.object({ query_id: z.string(), product_id: z.string(), grade: z.enum(['E', 'S', 'C', 'I']) });
  for await (const { value } of readCsvRows(findSource(folder, ['judgments.csv']), judgment)) {
    const own = gains.get(value.query_id) ?? new Map<string, number>();
    gains.set(value.query_id, own.set(value.product_id, GAINS[value.grade]));
  }
  const queries: JudgedQuery[] = [];
  for await (const { value } of readCsvRows(findSource(folder, ['queries.csv']), z.object({ query_id: z.string(), query: z.string() }))) {
    queries.push({ id: value.query_id, query: value.query, gains: gains.get(value.query_id) ?? new Map<string, number>() });
  }
  return queries;
}
