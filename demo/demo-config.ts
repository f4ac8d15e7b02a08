import { type Config, configSchema } from '../config/schema.js';
import { PRODUCT_ROLES } from './shop.js';

/** The alias of the demo's products. */
export const ALIAS = 'demo-shop';
/** How many of the engine's hits are ranked. */
export const WINDOW = 200;

/** Roomier than a shop's: the demo may share its machine with a compiler and a browser. */
const BUDGET_MS = 250;

/** Profiles of the ablation: the same ranker with a signal switched off. */
export const ARM_PROFILES = { full: 'shop', no_picture: 'shop-without-pictures', no_text: 'shop-without-text' } as const;

/**
 * The demo's configuration, deliberately not read from the user's own file. Its indices carry the demo's name, because
 * `OPENSEARCH_URL` may point it at a cluster that holds other things.
 */
export function configureDemo(options: { node: string; port: number }): Config {
  const shop = { index: ALIAS, window: WINDOW, budgetMs: BUDGET_MS };
  return configSchema.parse({
    server: { port: options.port, adminPort: 0 },
    opensearch: { nodes: [options.node] },
    profiles: {
      [ARM_PROFILES.full]: shop,
      [ARM_PROFILES.no_picture]: { ...shop, signals: { image: false } },
      [ARM_PROFILES.no_text]: { ...shop, signals: { text: false } },
    },
    index: {
      alias: ALIAS,
      id: 'id',
      map: PRODUCT_ROLES,
    },
    behaviour: { events: `${ALIAS}-ubi-events`, queries: `${ALIAS}-ubi-queries` },
    display: { title: 'title', image: { field: 'image', prefix: 'pictures/' }, fields: ['brand', 'price', 'rating'] },
    observability: { log: { level: 'error' }, serverTiming: true },
  });
}
