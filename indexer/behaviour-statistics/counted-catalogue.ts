import { PRODUCT } from '../../mappings/product-index.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { parseFieldPath, readFirstText } from '../catalogue/field-path.js';
import { findLiveIndex } from '../index-lifecycle.js';
import { streamIndex } from '../../opensearch/point-in-time.js';
import { ITEM_LIMIT } from './shopper-contribution.js';

/** The products that events are counted for, in the order of their ids. */
export interface CountedCatalogue {
  ids: readonly string[];
  /** Place by id. */
  places: ReadonlyMap<string, number>;
  /** Narrowest category by place; null where there is none. */
  categories: readonly (string | null)[];
}

/** There is no catalogue to count events for. */
export class CatalogueMissing extends Error {
  override readonly name = 'CatalogueMissing';
  readonly exitCode = 2;
}

/** @throws CatalogueMissing, AliasConflict */
export async function readCountedCatalogue(client: EngineClient, alias: string, signal?: AbortSignal): Promise<CountedCatalogue> {
  const live = await findLiveIndex(client, alias);
  if (live === null)
    throw new CatalogueMissing(
      `there is no catalogue "${alias}"; name its alias with --alias, or make it with fuserank index --alias ${alias}`,
    );
  const { category } = live.meta.roles;
  const path = category === null ? null : parseFieldPath(category);
  const ids: string[] = [];
  const categories: (string | null)[] = [];
  const places = new Map<string, number>();
  const names = new Map<string, string>();
  const pages = streamIndex(client, live.name, {
    query: { match_all: {} },
    sort: [{ [PRODUCT.rankKey]: 'asc' }],
    ...(path === null ? {} : { source: [...path.places.map((place) => place.replace(/\[\d+\]/g, ''))] }),
    signal,
  });
  for await (const page of pages) {
    for (const { id, source } of page) {
      places.set(id, ids.length);
      ids.push(id);
      const name = path === null ? null : narrowestOf(path.read(source));
      // One string for all products of a category.
      if (name !== null && !names.has(name)) names.set(name, name);
      categories.push(name === null ? null : (names.get(name) ?? null));
    }
  }
  if (ids.length === 0) throw new CatalogueMissing(`the catalogue "${alias}" is empty; fill it with fuserank index --alias ${alias}`);
  if (ids.length > ITEM_LIMIT) throw new CatalogueMissing(`the catalogue "${alias}" holds more than ${ITEM_LIMIT} products`);
  return { ids, places, categories };
}

/** The last of a list from broad to narrow; a single value as it is. */
function narrowestOf(value: unknown): string | null {
  return readFirstText(Array.isArray(value) ? value.at(-1) : value);
}
