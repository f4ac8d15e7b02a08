import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kinds } from '../../demo/kinds.js';
import { renderPicture } from '../../demo/picture.js';
import { type ShopEntry, generateShop } from '../../demo/shop.js';
import { isUntitled, listTastes, nameTaste } from '../../demo/taste.js';
import { type ValueSetName, demoValues, trainingValues } from '../../demo/values.js';

const COUNT = 2700;
const demo = [...generateShop({ values: 'demo', count: COUNT, seed: 11 })];

const textOf = ({ product }: ShopEntry): string =>
  [product.title, product.description, product.brand, product.category.join(' '), product.material, product.id, product.image]
    .join(' ')
    .toLowerCase();

describe('the shop', () => {
  it('sells at least 2,400 products of at least 22 kinds, each under its own id', () => {
    expect(demo.length).toBeGreaterThanOrEqual(2400);
    expect(new Set(demo.map((entry) => entry.latent.kind)).size).toBeGreaterThanOrEqual(22);
    expect(new Set(demo.map((entry) => entry.product.id)).size).toBe(demo.length);
  });

  it('is the same from the same seed, another from another, and does not change where it grows', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom<ValueSetName>('demo', 'training'), fc.integer({ min: 1, max: 40 }), (seed, values, count) => {
        const once = [...generateShop({ values, count, seed })];
        const again = [...generateShop({ values, count: count + 9, seed })].slice(0, count);
        expect(again.map((entry) => [entry.product, entry.latent, entry.svg])).toEqual(
          once.map((entry) => [entry.product, entry.latent, entry.svg]),
        );
        const other = [...generateShop({ values, count, seed: seed + 1 })];
        expect(other.map((entry) => entry.svg)).not.toEqual(once.map((entry) => entry.svg));
      }),
      { numRuns: 12 },
    );
  });

  it('has prices, ratings and counts in their ranges', () => {
    const wrong = demo.filter(
      ({ product: { price, rating, rating_count } }) =>
        price <= 0 || rating < 1 || rating > 5 || !Number.isInteger(rating_count) || rating_count < 0,
    );
    expect(wrong).toEqual([]);
  });

  it('names the colour in about a third of the titles, and the pattern in about a third', () => {
    const share = (word: (entry: ShopEntry) => string, among: readonly ShopEntry[]): number =>
      among.filter((entry) => entry.product.title.toLowerCase().split(' ').includes(word(entry))).length / among.length;
    expect(share((entry) => entry.latent.colour, demo)).toBeCloseTo(1 / 3, 1);
    const patterned = demo.filter((entry) => entry.latent.pattern !== 'plain');
    expect(share((entry) => entry.latent.pattern, patterned)).toBeCloseTo(1 / 3, 1);
  });

  it('says nothing of a taste anywhere in the text of an untitled product, not even by another form of the word', () => {
    // Stems that people and stemmers would take for the colours and patterns of either value set.
    const stems: Record<string, RegExp> = {
      striped: /strip/,
      dotted: /\bdot|polka|spot/,
      checked: /check|plaid|gingham|tartan/,
      floral: /flor|flower|bloom/,
      zigzag: /zig|chevron/,
      scalloped: /scallop|scale/,
      emerald: /emerald|green/,
      navy: /navy|blue/,
      mustard: /mustard|yellow/,
      ivory: /ivory|cream|white/,
      lavender: /lavender|purple|lilac/,
      pink: /pink|rose/,
      red: /\bred\b|crimson|scarlet/,
      black: /black/,
    };
    for (const taste of listTastes(demoValues)) {
      const untitled = demo.filter((entry) => isUntitled(entry.product, taste));
      expect(untitled.length, nameTaste(taste)).toBeGreaterThan(COUNT / 2);
      for (const word of [taste.colour, taste.pattern]) {
        if (word === null) continue;
        const stem = stems[word];
        if (!stem) throw new Error(`the test knows no stem of ${word}`);
        expect(
          untitled.map(textOf).filter((text) => stem.test(text)),
          word,
        ).toEqual([]);
      }
    }
  });

  it('gives text no second way to the look: brand, style, material, kind and price do not depend on it', () => {
    // The share of a colour or a pattern among the products of one brand or style is that of the whole shop, within
    // five standard deviations of a binomial.
    for (const look of ['colour', 'pattern'] as const) {
      for (const group of [
        (entry: ShopEntry) => entry.product.brand,
        (entry: ShopEntry) => entry.latent.style,
        (entry: ShopEntry) => entry.latent.material,
      ]) {
        for (const name of new Set(demo.map(group))) {
          const members = demo.filter((entry) => group(entry) === name);
          for (const value of new Set(demo.map((entry) => entry.latent[look]))) {
            const p = demo.filter((entry) => entry.latent[look] === value).length / demo.length;
            const seen = members.filter((entry) => entry.latent[look] === value).length;
            expect(Math.abs(seen - members.length * p)).toBeLessThan(5 * Math.sqrt(members.length * p * (1 - p)) + 1);
          }
        }
      }
    }
  });

  it('stocks every taste in every kind well enough to be found', () => {
    for (const taste of listTastes(demoValues)) {
      const fitting = demo.filter(
        ({ latent }) => (taste.colour ?? latent.colour) === latent.colour && (taste.pattern ?? latent.pattern) === latent.pattern,
      );
      expect(fitting.length, nameTaste(taste)).toBeGreaterThan(60);
    }
  });
});

describe('the value sets', () => {
  it('share no colour, pattern, style or brand, but for plain, which is nobody’s taste', () => {
    const shared = (a: readonly string[], b: readonly string[]): string[] => a.filter((value) => b.includes(value));
    expect(shared(Object.keys(demoValues.colours), Object.keys(trainingValues.colours))).toEqual([]);
    expect(shared(demoValues.patterns, trainingValues.patterns)).toEqual(['plain']);
    expect(shared(demoValues.styles, trainingValues.styles)).toEqual([]);
    expect(shared(demoValues.brands, trainingValues.brands)).toEqual([]);
    expect(listTastes(demoValues).some((taste) => taste.pattern === 'plain')).toBe(false);
  });

  it('keep the training shop free of every taste of the demo’s shoppers, in looks and in words', () => {
    const words = new Set([...Object.keys(demoValues.colours), ...demoValues.patterns.filter((pattern) => pattern !== 'plain')]);
    for (const entry of generateShop({ values: 'training', count: 1500, seed: 7 })) {
      expect(words.has(entry.latent.colour)).toBe(false);
      expect(words.has(entry.latent.pattern)).toBe(false);
      expect((textOf(entry).match(/[a-z]+/g) ?? []).filter((word) => words.has(word))).toEqual([]);
    }
  });
});

describe('the pictures', () => {
  it('are JPEGs of 256 × 256 that show something of every kind, pattern and material', async () => {
    const seen = new Set<string>();
    const samples = [...demo, ...generateShop({ values: 'training', count: 800, seed: 7 })].filter(({ latent }) => {
      const fresh = [latent.kind, latent.pattern, latent.material].filter((value) => !seen.has(value));
      fresh.forEach((value) => seen.add(value));
      return fresh.length > 0;
    });
    expect(kinds.every((kind) => seen.has(kind.name))).toBe(true);
    for (const { svg } of samples) {
      expect(svg).not.toMatch(/NaN|undefined/);
      const bytes = await renderPicture(svg);
      expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
      // A bare background compresses to under 3 kB.
      expect(bytes.length).toBeGreaterThan(3500);
    }
  });
});
