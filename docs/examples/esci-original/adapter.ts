// Amazon's Shopping Queries (ESCI) as its authors publish it: shopping_queries_dataset_examples and …_products, Parquet or CSV.
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import { check, findSource, readCsvRows, refuse, type SourceRow } from '../kit/source-rows.js';

const yes = z.union([z.literal(1), z.literal(1n), z.literal('1'), z.literal('1.0')]).transform(() => true);
const no = z.union([z.literal(0), z.literal(0n), z.literal('0'), z.literal('0.0')]).transform(() => false);
const id = z.union([z.string().min(1), z.int().transform(String), z.bigint().transform(String)]);
const optionalText = z.string().nullish();
const exampleSchema = z.object({
  query_id: id,
  query: z.string().min(1),
  product_id: z.string().min(1),
  product_locale: z.string(),
  esci_label: z.enum(['E', 'S', 'C', 'I']),
  small_version: z.union([yes, no]),
  split: z.string(),
});
const productSchema = z.object({
  product_id: z.string().min(1),
  product_locale: z.string(),
  product_title: optionalText,
  product_description: optionalText,
  product_bullet_point: optionalText,
  product_brand: optionalText,
  product_color: optionalText,
});

export const esciOriginal: Adapter = {
  name: 'esci-original',
  source: 'folder with shopping_queries_dataset_examples and shopping_queries_dataset_products, .parquet or .csv(.gz)',
  flags: {
    locale: { about: 'us, es or jp', default: 'us' },
    split: { about: 'train or test', default: 'test' },
    version: { about: 'small (the harder queries, for ranking) or large', default: 'small' },
  },
  adapt: adaptRelease,
};

async function adaptRelease({ source, output, flag }: AdapterRun): Promise<Adapted> {
  const [locale, split, version] = [flag('locale'), flag('split'), flag('version')];
  const exampleFile = findRelease(source, 'examples');
  const productFile = findRelease(source, 'products');
  const [queries, judgments] = [output.file('queries.ndjson'), output.file('judgments.csv')];
  await judgments.writeHeading(['query_id', 'query', 'product_id', 'grade']);
  const asked = new Set<string>();
  for await (const { value } of readRelease(exampleFile, exampleSchema)) {
    if (value.product_locale !== locale || value.split !== split || (version === 'small' && !value.small_version)) continue;
    if (!asked.has(value.query_id)) await queries.writeJson({ query_id: value.query_id, query: value.query });
    asked.add(value.query_id);
    await judgments.writeCsv([value.query_id, value.query, value.product_id, value.esci_label]);
  }
  if (asked.size === 0) throw refuse(exampleFile, null, `no query with locale ${locale}, split ${split}, version ${version}`);
  const products = output.file('products.ndjson');
  for await (const { value } of readRelease(productFile, productSchema)) {
    if (value.product_locale !== locale) continue;
    await products.writeJson({
      id: value.product_id,
      ...member('title', value.product_title),
      ...member('description', value.product_description),
      ...member('bullet_points', value.product_bullet_point),
      ...member('brand', value.product_brand),
      ...member('color', value.product_color),
    });
  }
  return {
    indexFlags: '--id-field id --text-fields title,bullet_points,brand,color --brand-field brand --keyword-fields color',
    remarks: [
      `${asked.size.toLocaleString('en')} queries of ${locale}, ${split}, ${version}; every product of the locale is in the catalogue`,
    ],
  };
}

function findRelease(source: string, part: string): string {
  const name = `shopping_queries_dataset_${part}`;
  return findSource(source, [`${name}.parquet`, `${name}.csv`, `${name}.csv.gz`]);
}

async function* readRelease<Shape extends Record<string, z.ZodType>>(
  file: string,
  schema: z.ZodObject<Shape>,
): AsyncGenerator<SourceRow<z.output<z.ZodObject<Shape>>>> {
  if (!file.endsWith('.parquet')) {
    yield* readCsvRows(file, schema);
    return;
  }
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw refuse(file, null, `not Parquet: ${error instanceof Error ? error.message : String(error)}`);
  });
  const columns = Object.keys(schema.shape);
  const named = new Set(metadata.schema.map(({ name }) => name));
  const missing = columns.filter((column) => !named.has(column));
  if (missing.length > 0) throw refuse(file, null, `no column ${missing.join(', ')}; there are: ${[...named].slice(1).join(', ')}`);
  // Group by group: the products are two million.
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await parquetReadObjects({ file: buffer, metadata, columns, rowStart, rowEnd });
    for (const [place, row] of rows.entries()) {
      const line = rowStart + place + 1;
      yield { line, value: check(schema, row, file, line) };
    }
    rowStart = rowEnd;
  }
}

function member(name: string, value: string | null | undefined): Record<string, string> {
  return value ? { [name]: value } : {};
}

await runWhenCalled(import.meta.url, esciOriginal);
