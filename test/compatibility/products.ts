import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PRODUCT_ROLES, type ShopEntry } from '../../demo/shop.js';
import { PRODUCT, productIndexBody, type ProductIndexMeta } from '../../mappings/product-index.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import { NAMES, ODD_IDS } from './names.js';

export async function vectorsOf(entries: readonly ShopEntry[]): Promise<number[][]> {
  const encoder = await openTextEncoder({ path: 'builtin' });
  try {
    return (await encoder.encode(entries.map(({ product }) => `${product.title}. ${product.description}`))).map((vector) => [...vector]);
  } finally {
    await encoder.close();
  }
}

export function productBodies(encoders: ProductIndexMeta['encoders']): Record<'items' | 'more' | 'family', object> {
  const spread: [number, number] = [0.1, 0.2];
  const meta: ProductIndexMeta = {
    version: 1,
    roles: { id: 'id', ...PRODUCT_ROLES, group: 'style', keywords: [...PRODUCT_ROLES.keywords, 'tags'] },
    vector_fields: ['title', 'description'],
    language: 'english',
    engine: 'lucene',
    encoders,
    cosine_stats: {
      'query_text:item_text': spread,
      'query_image:item_image': spread,
      'query_head:item_image': spread,
      'item_text:item_text': spread,
      'item_image:item_image': spread,
    },
    head: null,
  };
  const bodyWith = (shards: number, properties: object): object => {
    const body = productIndexBody({ meta, shards, replicas: 0 });
    return { ...body, mappings: { ...body.mappings, properties: { ...mappingSchema.parse(body.mappings).properties, ...properties } } };
  };
  return {
    items: bodyWith(2, FURTHER_FIELDS),
    more: bodyWith(1, FURTHER_FIELDS),
    family: bodyWith(2, {
      family: { type: 'join', relations: { product: 'offer' } },
      seller: { type: 'keyword' },
      offer_price: { type: 'double' },
    }),
  };
}

const mappingSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()) });

const FURTHER_FIELDS = {
  created: { type: 'date' },
  stock: { type: 'integer' },
  place: { type: 'geo_point' },
  complete: { type: 'completion', contexts: [{ name: 'material', type: 'category' }] },
  prose: { type: 'text', analyzer: 'english', term_vector: 'with_positions_offsets' },
  stored_title: { type: 'text', store: true },
  naïve: { type: 'keyword' },
  variants: {
    type: 'nested',
    properties: { size: { type: 'keyword' }, colour: { type: 'keyword' }, stock: { type: 'integer' }, note: { type: 'text' } },
  },
};

export function idOf(entry: ShopEntry | undefined, place: number): string {
  return ODD_IDS[Math.floor(place / 7)] !== undefined && place % 7 === 3
    ? (ODD_IDS[Math.floor(place / 7)] ?? '')
    : (entry?.product.id ?? `x${place}`);
}

export function documentOf(
  { product, latent }: ShopEntry,
  of: { place: number; text: readonly number[]; dims: number },
): Record<string, unknown> {
  const { place } = of;
  return {
    ...product,
    style: latent.style,
    tags: [latent.colour, latent.pattern],
    created: new Date(Date.UTC(2024, place % 12, 1 + (place % 28))).toISOString(),
    stock: place % 5,
    place: { lat: 50 + (place % 10) / 10, lon: 8 + (place % 7) / 10 },
    complete: { input: [product.title], weight: 1 + (place % 9), contexts: { material: [latent.material] } },
    prose: `${product.title}. ${product.description}`,
    stored_title: product.title,
    ['naïve']: place % 2 === 0 ? 'ja' : 'nein',
    attributes: { __proto__x: place, constructor: 'made', größe: '鞋', exact: 2 ** 53, tiny: 1e-320, half: 0.1 },
    variants: ['S', 'M', 'L'].map((size, step) => ({
      size,
      colour: step === 0 ? latent.colour : 'white',
      stock: (place + step) % 4,
      note: `${latent.material} in ${size}`,
    })),
    [PRODUCT.textVector]: of.text,
    [PRODUCT.imageVector]: seededUnitVector(`${latent.colour} ${latent.pattern}`, place, of.dims),
    [PRODUCT.contentHash]: `hash-${place}`,
    [PRODUCT.groupKey]: latent.style,
  };
}

/** Products of one look get vectors near each other. */
function seededUnitVector(look: string, place: number, dims: number): number[] {
  const draw = (seed: string): number[] => {
    const numbers: number[] = [];
    for (let block = 0; numbers.length < dims; block += 1) {
      for (const byte of createHash('sha512').update(`${seed} ${block}`).digest()) numbers.push(byte / 127.5 - 1);
    }
    return numbers.slice(0, dims);
  };
  const [shared, own] = [draw(look), draw(`${look} ${place}`)];
  const mixed = shared.map((value, at) => value + 0.3 * (own[at] ?? 0));
  const length = Math.hypot(...mixed);
  return mixed.map((value) => Math.fround(value / length));
}

export interface BulkItem {
  readonly index: string;
  readonly id: string;
  readonly source: Record<string, unknown>;
  readonly routing?: string;
}

export function offersOf(products: number): BulkItem[] {
  return Array.from({ length: products * 2 }, (_, place) => {
    const parent = `p${Math.floor(place / 2)}`;
    const source = {
      family: { name: 'offer', parent },
      seller: `seller-${place % 3}`,
      offer_price: 10 + place,
      [PRODUCT.rankKey]: `o${place}`,
    };
    return { index: NAMES.family, id: `o${place}`, routing: parent, source };
  });
}

export const PLAIN_BODY = {
  settings: { number_of_shards: 1, number_of_replicas: 0 },
  mappings: {
    dynamic: false,
    properties: {
      title: { type: 'text', analyzer: 'english' },
      description: { type: 'text', analyzer: 'english' },
      brand: { type: 'keyword' },
      price: { type: 'double' },
      rating: { type: 'float' },
      huge: { type: 'unsigned_long' },
      double: { type: 'double' },
    },
  },
};

/** Sources written by hand, since no program would write such numbers. */
export function plainLines(): string[] {
  const numbers = [
    '9223372036854775808',
    '-0',
    '-0.0',
    '1e-320',
    '4.9E-324',
    '1.7976931348623157e308',
    '0.1000000000000000055511151231257827',
    '1E2',
  ];
  return Array.from({ length: 24 }, (_, place) => {
    const id = ODD_IDS[place] ?? `n${place}`;
    const odd = numbers[place % numbers.length] ?? '0';
    return [
      `{"index":{"_index":"${NAMES.plain}","_id":${JSON.stringify(id)}}}`,
      `{ "title" : "boots ${'sturdy '.repeat(1 + (place % 3))}${place}","price":${10 + place}.50, "brand":"b${place % 3}","rating":${1 + (place % 5)},` +
        `"odd":${odd},"huge":${place === 0 ? '18446744073709551615' : place},"double":${place}e-3,` +
        `"__proto__":{"polluted":true},"constructor":{"prototype":1},"\\u0041\\ud83d\\udc5e":"\\u00e9\\/","empty":{},"list":[ ]}`,
    ];
  }).flat();
}
