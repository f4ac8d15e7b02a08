// Draws a shop to practise training on: products with pictures, and sixty days of events of shoppers with tastes of their own.
// The shop is the demo's, invented here; nothing is fetched. The same seed gives the same shop and the same shoppers.
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { seedChance } from '../../demo/random.js';
import { prepareShop } from '../../demo/shop-files.js';
import { makeShoppers } from '../../demo/shoppers.js';
import { writeWholeFile } from '../../tuning/convert/whole-file.js';

const SHOP = { values: 'demo', count: 1_500, seed: 23 } as const;
/** Each gives a shopper of every taste. */
const CROWDS = 150;
const DAYS = 60;
const DAY_MS = 86_400_000;

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || rest.length > 0) {
  console.error('usage: npx tsx docs/how-to/practice-shop.ts FOLDER');
  process.exitCode = 2;
} else await drawShop(folder);

async function drawShop(out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  const { entries, pictures } = await prepareShop(SHOP);
  await cp(pictures, join(out, 'pictures'), { recursive: true });
  await write(
    join(out, 'products.ndjson'),
    entries.map(({ product }) => `${JSON.stringify(product)}\n`),
  );
  const chance = seedChance(SHOP.seed);
  const today = Date.now();
  const crowds = Array.from({ length: CROWDS }, (_, crowd) => {
    const shoppers = makeShoppers({ entries, seed: crowd + 1, now: new Date(today) });
    return shoppers.map(({ user, events }) => {
      const earlier = Math.floor(chance.between(0, DAYS) * DAY_MS);
      return events.map((event) => ({
        ...event,
        user_id: `${user}-${crowd + 1}`,
        session_id: `${event.session_id}-${crowd + 1}`,
        timestamp: new Date(Date.parse(event.timestamp) - earlier).toISOString(),
      }));
    });
  });
  const events = crowds.flat(2).sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  await write(
    join(out, 'events.ndjson'),
    events.map((event) => `${JSON.stringify(event)}\n`),
  );
}

async function write(path: string, lines: readonly string[]): Promise<void> {
  await writeWholeFile(path, lines);
  console.log(`wrote ${path}: ${lines.length.toLocaleString('en')} lines`);
}
