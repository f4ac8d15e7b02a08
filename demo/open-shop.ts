import { dirname, join } from 'node:path';
import { packageRoot } from '../config/package-root.js';
import type { Config } from '../config/schema.js';
import { indexCatalogue } from '../indexer/index.js';
import { connectEngine } from '../opensearch/connection.js';
import { type LocalNode, findOrStartNode } from '../opensearch/local-node/index.js';
import { startSidecar } from '../sidecar/index.js';
import { configureDemo } from './demo-config.js';
import type { Doors } from './figures/measurement.js';
import { writePage } from './page-files.js';
import { tell, tellCount } from './progress.js';
import { ShopSearchFailed, postEvents, searchShop } from './shop-client.js';
import { type ShopFiles, prepareShop } from './shop-files.js';
import { type Shopper, makeShoppers } from './shoppers.js';
import type { Catalogue } from './figures/taste-share.js';

const SHOP = { values: 'demo', count: 2700, seed: 11 } as const;
const SHOPPERS_SEED = 3;

/** The shop, open: everything the demo started. */
export interface OpenShop {
  node: LocalNode;
  doors: Doors;
  shoppers: Shopper[];
  catalogue: Catalogue;
}

/** The clicks of earlier runs, gone with the index that only the demo writes to. */
async function forgetShoppers(config: Config): Promise<void> {
  const client = connectEngine(config.opensearch);
  try {
    await client.indices.delete({ index: [config.behaviour.events, config.behaviour.queries], ignore_unavailable: true });
  } finally {
    await client.close();
  }
}

async function fillIndex(config: Config, files: ShopFiles): Promise<void> {
  const count = tellCount('indexing');
  const report = await indexCatalogue({
    inputs: [files.catalogue],
    config,
    imageFolder: files.pictures,
    onProgress: (progress) => count(progress.read, files.entries.length),
  });
  const { written, unchanged, rejected } = report.products;
  if (rejected > 0)
    throw new Error(`the indexer rejected ${rejected} of the demo's own products: ${JSON.stringify(report.rejects.first[0])}`);
  tell(`indexed: ${written} written, ${unchanged} as they were`);
}

/** The sidecar reads the item vectors in the background; a search is ranked by all signals when they are there. */
async function waitUntilRanked(url: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { outcome } = await searchShop(url, { query: 'lamp', size: 1, ranking: { budget_ms: 10_000 } });
    if (outcome?.startsWith('applied')) return;
    if (attempt >= 60) throw new ShopSearchFailed(`the sidecar does not rank: ${outcome ?? 'no X-Fuserank header'}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Something that was started and must be closed again. */
export interface Started {
  close(): Promise<void>;
}

/**
 * Starts OpenSearch, fills the index, opens the sidecar and lets the shoppers' events arrive. `onStart` hears of each
 * part as soon as it runs, so that a failure later on leaves nothing running.
 */
export async function openShop(options: { port: number; keepClicks: boolean; onStart: (part: Started) => void }): Promise<OpenShop> {
  const { port, keepClicks, onStart } = options;
  tell('drawing the shop and starting OpenSearch');
  const [node, files] = await Promise.all([
    findOrStartNode({ name: 'demo', keepData: true, log: tell }).then((started) => {
      onStart({ close: () => started.stop() });
      return started;
    }),
    prepareShop({ ...SHOP, onProgress: tellCount('drawing') }),
  ]);
  tell(`OpenSearch ${node.version} at ${node.url}; ${files.entries.length} products, ${files.drawn} pictures drawn now`);
  const config = configureDemo({ node: node.url, port });
  await fillIndex(config, files);
  if (!keepClicks) await forgetShoppers(config);

  const catalogue: Catalogue = new Map(files.entries.map((entry) => [entry.product.id, entry]));
  const shoppers = makeShoppers({ entries: files.entries, seed: SHOPPERS_SEED, now: new Date() });
  const page = await writePage({ folder: join(dirname(files.pictures), 'page'), shoppers, catalogue, display: config.display });
  const sidecar = await startSidecar(config, {
    ui: {
      folder: join(packageRoot, 'tuning', 'ui'),
      mounts: [
        { path: 'pictures', folder: files.pictures },
        { path: '', folder: page },
      ],
    },
  });
  onStart({ close: () => sidecar.close() });
  await postEvents(
    sidecar.url,
    shoppers.flatMap((shopper) => shopper.events),
  );
  await waitUntilRanked(sidecar.url);
  return { node, doors: { engine: node.url, sidecar: sidecar.url }, shoppers, catalogue };
}
