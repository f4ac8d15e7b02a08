// Draws the tutorial's shop: products, queries and what people who know the products would say of them.
// The shop is the demo's own, invented here; nothing is fetched. The same seed gives the same files.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seedChance } from '../../demo/random.js';
import { generateShop, type ShopEntry } from '../../demo/shop.js';
import { writeWholeFile } from '../../tuning/convert/whole-file.js';
import { writeCsvRow } from '../../tuning/formats/csv-table.js';

const SHOP = { values: 'demo', count: 1_080, seed: 4 } as const;

type Trait = 'style' | 'material' | 'brand' | 'colour';

/** What somebody looks for: a kind of product with two things about it, as she types them. */
interface Wish {
  readonly kind: string;
  readonly traits: readonly (readonly [trait: Trait, value: string])[];
  readonly text: string;
}

/** Traits that are typed together, in that order. They are also the tags of the queries. */
const ASKED: readonly (readonly Trait[])[] = [
  ['style', 'material'],
  ['brand', 'colour'],
  ['colour', 'material'],
  ['brand', 'material'],
];

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || rest.length > 0) {
  console.error('usage: npx tsx docs/tutorial/make-shop.ts FOLDER');
  process.exitCode = 2;
} else {
  mkdirSync(folder, { recursive: true });
  const entries = [...generateShop(SHOP)];
  const wishes = makeWishes(entries);
  await write(
    'products.ndjson',
    entries.map(({ product }) => `${JSON.stringify(product)}\n`),
  );
  await write('queries.csv', [
    writeCsvRow(['query', 'tags']),
    ...wishes.map(({ text, traits }) => writeCsvRow([text, traits.map(([trait]) => trait).join('|')])),
  ]);
  await write('judgments.csv', [writeCsvRow(['query', 'docid', 'rating']), ...wishes.flatMap((wish) => judgeAll(wish, entries))]);
}

async function write(name: string, lines: readonly string[]): Promise<void> {
  const path = join(folder ?? '', name);
  await writeWholeFile(path, lines);
  console.log(`wrote ${path}: ${lines.length.toLocaleString('en')} lines`);
}

/** Values that a product of the kind has, so that every wish can be met. */
function makeWishes(entries: readonly ShopEntry[]): Wish[] {
  const chance = seedChance(SHOP.seed);
  const kinds = [...new Set(entries.map(({ latent }) => latent.kind))];
  const wishes = new Map<string, Wish>();
  for (const kind of kinds) {
    const ofKind = entries.filter(({ latent }) => latent.kind === kind);
    for (const asked of ASKED) {
      const wanted = chance.pick(ofKind);
      const traits = asked.map((trait) => [trait, valueOf(wanted, trait)] as const);
      const text = [...traits.map(([, value]) => value), kind].join(' ').toLowerCase();
      wishes.set(text, { kind, traits, text });
    }
  }
  return [...wishes.values()];
}

function valueOf({ product, latent }: ShopEntry, trait: Trait): string {
  return trait === 'brand' ? product.brand : latent[trait];
}

/** 3: all that was asked for. 2: the right kind of product with one of the two. 1: the right kind. 0: something else. Every product is judged. */
function judgeAll(wish: Wish, entries: readonly ShopEntry[]): string[] {
  return entries.map((entry) => {
    const met = wish.traits.filter(([trait, value]) => valueOf(entry, trait) === value).length;
    const rating = entry.latent.kind === wish.kind ? 1 + met : 0;
    return writeCsvRow([wish.text, entry.product.id, String(rating)]);
  });
}
