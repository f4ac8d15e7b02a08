import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema, type Config } from '../../config/schema.js';
import { indexCatalogue } from '../../indexer/index.js';
import { readProductTexts, TextsUnreadable, type ProductTexts, type TextsOrigin } from '../../indexer/product-texts.js';
import { connectEngine } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';

const PRODUCTS = [
  {
    sku: '1',
    name: 'Striped mug',
    about: ['Holds half a litre. ', 'Safe in the oven.'],
    maker: { name: 'Clay & Co' },
    kinds: ['Kitchen', 'Mugs'],
    parent: 'mug',
  },
  { sku: '2', name: '  Plain mug ', about: 'One colour.', maker: { name: null }, kinds: [] },
  { sku: '3', about: 'Nobody knows its name.' },
];
const EXPECTED: ProductTexts[] = [
  { title: 'Striped mug', group: 'mug', texts: ['Holds half a litre.', 'Safe in the oven.'], labels: ['Clay & Co Mugs'] },
  { title: 'Plain mug', group: null, texts: ['One colour.'], labels: [] },
];

let folder: string;
let node: LocalNode;
let config: Config;
const alias = `texts-${process.pid}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-texts-'));
  await writeFile(join(folder, 'products.ndjson'), PRODUCTS.map((product) => `${JSON.stringify(product)}\n`).join(''));
  node = await findOrStartNode({ name: 'test' });
  config = configSchema.parse({
    opensearch: { nodes: [node.url] },
    index: { alias, id: 'sku', map: { text: ['name', 'about', 'maker.name'], brand: 'maker.name', category: 'kinds', group: 'parent' } },
  });
});
afterAll(async () => {
  const engine = connectEngine(config.opensearch);
  await engine.indices.delete({ index: `${alias}*` }, { ignore: [404] });
  await engine.close();
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

async function readAll(origin: TextsOrigin, from: Config = config): Promise<ProductTexts[]> {
  const texts: ProductTexts[] = [];
  for await (const each of readProductTexts(from, origin)) texts.push(each);
  return texts;
}

describe('texts of products', () => {
  it('are read from a file by the field map: what is embedded, what else is searched, brand and narrowest category', async () => {
    expect(await readAll({ products: join(folder, 'products.ndjson') })).toEqual(EXPECTED);
  });

  it('are the same from the index that the file was brought into', async () => {
    await indexCatalogue({ inputs: [join(folder, 'products.ndjson')], config });
    const read = await readAll({ alias });
    expect(read.sort((a, b) => b.title.localeCompare(a.title))).toEqual(EXPECTED);
  });

  it('that cannot be read are told of with what mends it', async () => {
    await expect(readAll({ products: join(folder, 'none.ndjson') })).rejects.toThrow(TextsUnreadable);
    await expect(readAll({ alias: `${alias}-none` })).rejects.toThrow(/index the catalogue first: fuserank index/);
    const unmapped = configSchema.parse({ index: { id: 'sku' } });
    await expect(readAll({ products: join(folder, 'products.ndjson') }, unmapped)).rejects.toThrow(/index\.map\.text/);
    await writeFile(join(folder, 'products.csv'), 'sku,titel\n1,Mug\n');
    await expect(readAll({ products: join(folder, 'products.csv') })).rejects.toThrow(/no column "name"/);
  });
});
