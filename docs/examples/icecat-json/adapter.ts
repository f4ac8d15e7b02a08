// Products as Icecat's own JSON interface answers them: one file a product.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readText } from '../../../tuning/formats/input-lines.js';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import type { ProductRow } from '../kit/shoppers.js';
import { check, refuse, requireFolder } from '../kit/source-rows.js';

const named = z.looseObject({ Value: z.string() });
const answerSchema = z.looseObject({
  data: z.looseObject({
    GeneralInfo: z.looseObject({
      IcecatId: z.union([z.int(), z.string()]).transform(String),
      Title: z.string().optional(),
      ProductName: z.string().optional(),
      Brand: z.string(),
      BrandPartCode: z.string().optional(),
      GTIN: z.array(z.string()).optional(),
      Category: z.looseObject({ Name: named }).optional(),
      Description: z.looseObject({ LongDesc: z.string().optional() }).optional(),
    }),
    Image: z.looseObject({ HighPic: z.string().optional() }).optional(),
    FeaturesGroups: z
      .array(
        z.looseObject({ Features: z.array(z.looseObject({ Feature: z.looseObject({ Name: named }), PresentationValue: z.string() })) }),
      )
      .default([]),
  }),
});

export const icecatJson: Adapter = {
  name: 'icecat-json',
  source: 'folder of .json files, each an answer of Icecat’s interface ({"msg": "OK", "data": {"GeneralInfo": …}})',
  adapt: adaptAnswers,
};

async function adaptAnswers({ source, output }: AdapterRun): Promise<Adapted> {
  requireFolder(source, 'the .json files');
  const files = readdirSync(source)
    .filter((name) => name.endsWith('.json'))
    .sort();
  if (files.length === 0) throw refuse(source, null, 'holds no .json file; save one answer of the interface a file');
  const products = output.file('products.ndjson');
  const seen = new Map<string, string>();
  for (const name of files) {
    const product = await readProduct(join(source, name));
    const other = seen.get(product.id);
    if (other !== undefined) throw refuse(join(source, name), null, `product ${product.id} is in ${other} already`);
    seen.set(product.id, name);
    await products.writeJson(product);
  }
  return {
    indexFlags:
      '--id-field id --text-fields title,description,brand,attribute_text --brand-field brand --category-field category --image-field image --keyword-fields sku,ean',
    remarks: ['Icecat is the source of these product data: name it wherever they are shown'],
  };
}

async function readProduct(file: string): Promise<ProductRow> {
  const {
    GeneralInfo: general,
    Image: picture,
    FeaturesGroups: groups,
  } = check(answerSchema, parseAnswer(await readText(file), file), file, null).data;
  const features = groups.flatMap(({ Features }) =>
    Features.map(({ Feature, PresentationValue }) => [Feature.Name.Value, PresentationValue]),
  );
  const description = general.Description?.LongDesc?.replaceAll(/<[^>]*>|\\n/g, ' ').trim();
  return {
    id: general.IcecatId,
    title: general.Title ?? [general.Brand, general.ProductName].filter((part) => part).join(' '),
    brand: general.Brand,
    ...(general.BrandPartCode === undefined ? {} : { sku: general.BrandPartCode }),
    ...(general.GTIN === undefined ? {} : { ean: general.GTIN }),
    ...(general.Category === undefined ? {} : { category: general.Category.Name.Value }),
    ...(description ? { description } : {}),
    ...(picture?.HighPic ? { image: picture.HighPic } : {}),
    attributes: Object.fromEntries(features),
    attribute_text: features.map(([name, value]) => `${name} ${value}`).join('; '),
  };
}

/** A refused request is answered with JSON of another shape, which the check behind this names. @throws InputInvalid */
function parseAnswer(text: string, file: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    // The parser names the place within its text; the line is what an editor can go to.
    const place = Number(/position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1] ?? text.length);
    throw refuse(file, text.slice(0, place).split('\n').length, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await runWhenCalled(import.meta.url, icecatJson);
