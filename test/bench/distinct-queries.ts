import { seedChance } from '../../demo/random.js';

/**
 * Queries that nobody asked before: two or three words out of the products' texts, of which at least `leastHits` products
 * hold at least one. Endless variety from a seed; none comes twice. Words are counted as they are written, so an
 * analyzer that folds plurals finds rather more.
 */
export function* distinctQueries(options: {
  texts: readonly string[];
  leastHits: number;
  seed: number;
}): Generator<string, void, undefined> {
  const { texts, leastHits, seed } = options;
  const holders = new Map<string, Set<number>>();
  texts.forEach((text, product) => {
    for (const word of wordsOf(text)) {
      const products = holders.get(word) ?? new Set<number>();
      holders.set(word, products.add(product));
    }
  });
  // A word that stands on most products says nothing, as a stop word; a rare one is what makes a query its own.
  const words = [...holders].filter(([, products]) => products.size >= 3 && products.size <= texts.length / 2);
  const chance = seedChance(seed);
  const asked = new Set<string>();
  for (let misses = 0; misses < 10_000;) {
    const chosen = Array.from({ length: chance.whole(2, 3) }, () => chance.pick(words));
    const query = [...new Set(chosen.map(([word]) => word))].sort().join(' ');
    const hits = new Set(chosen.flatMap(([, products]) => [...products])).size;
    if (asked.has(query) || hits < leastHits) {
      misses += 1;
      continue;
    }
    misses = 0;
    asked.add(query);
    yield query;
  }
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/\p{L}{3,}/gu) ?? []);
}
