import { configureDemo } from '../../demo/demo-config.js';
import { prepareShop, type ShopFiles } from '../../demo/shop-files.js';
import { configSchema, type Config } from '../../config/schema.js';
import { indexCatalogue, type IndexReport } from '../../indexer/index.js';

/** The demo's shop: products, pictures and shoppers are drawn from seeds, so that everybody measures the same. */
const SHOP = { values: 'demo', count: 2700, seed: 11 } as const;
export const WINDOW = 200;
const ALIAS = 'bench-shop';
/** The same products without pictures, indexed for the rate alone. */
const PLAIN_ALIAS = 'bench-shop-plain';

/** Names of its own for indices and profile, in case the engine holds other things. */
export function configureBench(node: string): Config {
  const demo = configureDemo({ node, port: 0 });
  return configSchema.parse({
    ...demo,
    profiles: { bench: { index: ALIAS, window: WINDOW } },
    index: { ...demo.index, alias: ALIAS },
    behaviour: { ...demo.behaviour, events: 'bench-ubi-events', queries: 'bench-ubi-queries' },
    observability: { log: { level: 'warn' }, serverTiming: true },
  });
}

/** How fast the indexer is, in one process, from files to searchable. */
export interface IndexingRates {
  withPictures: IndexReport;
  withoutPictures: IndexReport;
}

export async function drawShop(tell: (line: string) => void): Promise<ShopFiles> {
  const files = await prepareShop(SHOP);
  tell(`${files.entries.length} products, ${files.drawn} pictures drawn now`);
  return files;
}

/** Fills the index that is searched, with pictures, and one beside it without. */
export async function fillIndices(config: Config, files: ShopFiles, tell: (line: string) => void): Promise<IndexingRates> {
  const inputs = [files.catalogue];
  tell('indexing without pictures');
  const withoutPictures = await indexCatalogue({ inputs, config, alias: PLAIN_ALIAS, maps: [{ image: null }], restart: true });
  tell('indexing with pictures');
  const withPictures = await indexCatalogue({ inputs, config, imageFolder: files.pictures, restart: true });
  return { withPictures, withoutPictures };
}
