// The `icecat` pack: an electronics catalogue with thousands of sparse attributes. Nobody has searched or judged in it.
import { z } from 'zod';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import { findSource, readJsonRows } from '../kit/source-rows.js';

const productSchema = z.object({
  id: z.string(),
  sku: z.string(),
  title: z.string(),
  short_description: z.string().nullable(),
  brand: z.string(),
  ean: z.array(z.string()),
  price: z.number(),
  date_released: z.string(),
  category: z.string().nullable(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export const icecat: Adapter = {
  name: 'icecat',
  source: 'folder with products.jsonl.gz (id, sku, title, short_description, brand, ean, price, category, attributes)',
  adapt: adaptIcecat,
};

async function adaptIcecat({ source, output }: AdapterRun): Promise<Adapted> {
  const products = output.file('products.ndjson');
  for await (const { value } of readJsonRows(findSource(source, ['products.jsonl.gz', 'products.jsonl']), productSchema)) {
    const { short_description, category, attributes, ...plain } = value;
    await products.writeJson({
      ...plain,
      ...(short_description === null ? {} : { short_description }),
      ...(category === null ? {} : { category }),
      attributes,
      attribute_text: describeAttributes(attributes),
    });
  }
  return {
    indexFlags:
      '--id-field id --text-fields title,short_description,brand,attribute_text --price-field price --brand-field brand ' +
      '--category-field category --keyword-fields sku,ean',
    remarks: [
      'Icecat is the source of these product data (Open Content License): name it wherever they are shown',
      'all attributes are searched as one text: a field for each of thousands would be a mapping that no engine likes',
    ],
  };
}

/** Values that are words, each behind its name; numbers alone say nothing to a search. */
function describeAttributes(attributes: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => (typeof value === 'string' ? [`${name.replaceAll('_', ' ').trim()} ${value}`] : []))
    .join('; ');
}

await runWhenCalled(import.meta.url, icecat);
