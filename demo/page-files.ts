import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { ALIAS } from './demo-config.js';
import { PRODUCT_ROLES } from './shop.js';
import { type Shopper, demoQueries } from './shoppers.js';
import { type Catalogue, historyOf } from './figures/taste-share.js';
import { nameTaste } from './taste.js';

/** Writes `shop.json`, by which the page knows the demo's queries, shoppers and pictures; returns its folder. */
export async function writePage(options: {
  folder: string;
  shoppers: readonly Shopper[];
  catalogue: Catalogue;
  display: Config['display'];
}): Promise<string> {
  const { folder, shoppers, catalogue, display } = options;
  const page = {
    index: ALIAS,
    id_field: 'id',
    text_fields: PRODUCT_ROLES.text.map((field, place) => (place === 0 ? `${field}^3` : field)),
    queries: demoQueries.map((query) => query.text),
    pictures: display.image.prefix,
    display,
    shoppers: shoppers.map((shopper) => ({
      user: shopper.user,
      label: `${shopper.user.charAt(0).toUpperCase()}${shopper.user.slice(1)}`,
      taste: nameTaste(shopper.taste),
      history: [...historyOf(shopper)].flatMap((id) => {
        const product = catalogue.get(id)?.product;
        return product ? [{ id, title: product.title, image: product.image }] : [];
      }),
    })),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'shop.json'), JSON.stringify(page));
  return folder;
}
