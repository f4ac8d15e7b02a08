import type { Latent, Product } from './shop.js';
import type { PatternName, ValueSet } from './values.js';

/** What a shopper likes the look of: a colour, a pattern, or one in the other. At least one of the two is set. */
export interface Taste {
  colour: string | null;
  pattern: PatternName | null;
}

/** `red`, `striped`, `navy striped`. */
export function nameTaste(taste: Taste): string {
  return [taste.colour, taste.pattern].filter((word) => word !== null).join(' ');
}

/** Whether a product looks as the taste wants it. */
export function hasTaste(latent: Latent, taste: Taste): boolean {
  return (taste.colour === null || latent.colour === taste.colour) && (taste.pattern === null || latent.pattern === taste.pattern);
}

/** No product can have both. */
export function excludesTaste(one: Taste, other: Taste): boolean {
  const differ = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b;
  return differ(one.colour, other.colour) || differ(one.pattern, other.pattern);
}

/** The words of all that the engine and the text encoder can read of a product, in lower case. */
function readableWords(product: Product): Set<string> {
  const text = [product.title, product.description, product.brand, ...product.category, product.material].join(' ').toLowerCase();
  return new Set(text.match(/[\p{L}\p{N}]+/gu) ?? []);
}

/**
 * Whether no text of the product tells of the taste: neither title, description, brand, category nor material holds
 * a word of it. Such a product is `untitled` for that taste; only its picture can say that it fits.
 */
export function isUntitled(product: Product, taste: Taste): boolean {
  const words = readableWords(product);
  return [taste.colour, taste.pattern].every((word) => word === null || !words.has(word));
}

/** Every colour, every pattern, and every signature pair of a shop: all tastes that its shoppers may have. */
export function listTastes(values: ValueSet): Taste[] {
  return [
    ...Object.keys(values.colours).map((colour) => ({ colour, pattern: null })),
    ...values.patterns.filter((pattern) => pattern !== 'plain').map((pattern) => ({ colour: null, pattern })),
    ...values.signatures.map(([colour, pattern]) => ({ colour, pattern })),
  ];
}
