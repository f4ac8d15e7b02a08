/**
 * What the page shows and how it asks: from shop.json where the demo serves one, else from settings.json of the
 * sidecar and the index's own mapping, so that it works on any index.
 */

import { send } from './door.js';

/** @typedef {{title: string, image: {field: string, prefix: string}, fields: string[]}} Display */
/** @typedef {{user: string, label: string, taste: string, history: {id: string, title: string, image: string}[]}} Shopper */
/** @typedef {{index: string, queries: string[], shoppers: Shopper[], display: Display, textFields: string[] | null, idField: string | null}} Shop */

const DEFAULT_DISPLAY = { title: 'title', image: { field: 'image', prefix: '' }, fields: ['brand', 'price'] };

async function readJson(path, ask = fetch) {
  try {
    const response = await ask(path, { headers: { accept: 'application/json' } });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<Shop>} */
export async function openShop() {
  const [shop, settings] = await Promise.all([readJson('shop.json'), readJson('settings.json')]);
  const display = { ...DEFAULT_DISPLAY, ...settings?.display, ...shop?.display };
  if (shop?.pictures) display.image = { field: display.image.field, prefix: shop.pictures };
  return {
    index: shop?.index ?? firstIndex(settings) ?? '',
    queries: shop?.queries ?? [],
    shoppers: shop?.shoppers ?? [],
    display,
    textFields: shop?.text_fields ?? null,
    idField: shop?.id_field ?? null,
  };
}

/** The first profile's index that is a name; else the first pattern, which can be searched as well. */
function firstIndex(settings) {
  const indices = Object.values(settings?.profiles ?? {})
    .map((profile) => profile?.index)
    .filter((index) => typeof index === 'string');
  return indices.find((index) => !index.includes('*')) ?? indices[0];
}

const rolesByIndex = new Map();

/**
 * Text fields and id field of an index, from the stamp that `fuserank index` left in its mapping; for other indices
 * every text field, unweighted.
 * @returns {Promise<{text: string[], id: string}>}
 */
export async function readRoles(index) {
  const known = rolesByIndex.get(index);
  if (known) return known;
  const mappings = await readJson(`/${encodeURIComponent(index)}/_mapping`, send);
  const stamped = Object.values(mappings ?? {})
    .map((entry) => entry?.mappings?._meta?.fuserank?.roles)
    .find((roles) => Array.isArray(roles?.text) && roles.text.length > 0);
  const roles = {
    text: stamped ? stamped.text.map((field, position) => (position === 0 ? `${field}^3` : field)) : [],
    id: stamped?.id ?? '_id',
  };
  rolesByIndex.set(index, roles);
  return roles;
}
