import { paintProduct } from './drawing/paint.js';
import { type Kind, kinds } from './kinds.js';
import { type Chance, hashSeed, seedChance } from './random.js';
import { type PatternName, type ValueSet, type ValueSetName, valuesOf } from './values.js';

/** A product as a shop's feed has it: one row of the catalogue. */
export interface Product {
  id: string;
  title: string;
  description: string;
  brand: string;
  /** Broad to narrow. */
  category: string[];
  material: string;
  /** In the shop's currency, two decimals. */
  price: number;
  /** Mean of the ratings, 1…5, one decimal. */
  rating: number;
  rating_count: number;
  /** File name of the picture in the shop's picture folder. */
  image: string;
}

/** The parts that a product's fields play, as `index.map` names them. */
export const PRODUCT_ROLES: {
  text: (keyof Product)[];
  image: keyof Product;
  price: keyof Product;
  rating: keyof Product;
  ratingCount: keyof Product;
  brand: keyof Product;
  category: keyof Product;
  keywords: (keyof Product)[];
} = {
  text: ['title', 'description'],
  image: 'image',
  price: 'price',
  rating: 'rating',
  ratingCount: 'rating_count',
  brand: 'brand',
  category: 'category',
  keywords: ['material'],
};

/** What the product really looks like; only the picture shows all of it. */
export interface Latent {
  kind: string;
  colour: string;
  pattern: PatternName;
  material: string;
  style: string;
}

export interface ShopEntry {
  product: Product;
  latent: Latent;
  /** The picture, 256 × 256; drawn when first asked for. */
  readonly svg: string;
}

export interface ShopOptions {
  values: ValueSetName;
  count: number;
  seed: number;
}

/** Share of the titles that name the colour, the pattern, or both. */
const NAMES_COLOUR = 0.33;
const NAMES_PATTERN = 0.33;
/** Share of the products that come in one of the shop's signature pairs. */
const SIGNATURE_SHARE = 0.34;
const PLAIN_SHARE = 0.3;

function chooseLook(values: ValueSet, chance: Chance): { colour: string; pattern: PatternName } {
  if (chance.happens(SIGNATURE_SHARE)) {
    const [colour, pattern] = chance.pick(values.signatures);
    return { colour, pattern };
  }
  const patterned = values.patterns.filter((pattern) => pattern !== 'plain');
  return {
    colour: chance.pick(Object.keys(values.colours)),
    pattern: chance.happens(PLAIN_SHARE / (1 - SIGNATURE_SHARE)) ? 'plain' : chance.pick(patterned),
  };
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** About a third of the titles name the colour, about a third the pattern; the rest leave it to the picture. */
function writeTitle(o: { noun: string; style: string; colour: string; pattern: PatternName }, chance: Chance): string {
  const namesColour = chance.happens(NAMES_COLOUR);
  const namesPattern = chance.happens(namesColour ? 0.6 : (NAMES_PATTERN - NAMES_COLOUR * 0.6) / (1 - NAMES_COLOUR));
  const words = [...(namesColour ? [capitalise(o.colour)] : []), ...(namesPattern && o.pattern !== 'plain' ? [capitalise(o.pattern)] : [])];
  return [o.style, ...words, o.noun].join(' ');
}

function writeDescription(o: { kind: Kind; style: string; material: string; brand: string }, chance: Chance): string {
  const make = chance.pick(['Made from', 'Crafted in', 'Worked in', 'Produced in']);
  const finish = chance.pick([
    'carefully finished by hand',
    'tested for years of use',
    'from a small family workshop',
    'with an eye for the details',
    'in a numbered edition',
  ]);
  const close = chance.pick([
    `Part of the ${o.style.toLowerCase()} collection by ${o.brand}.`,
    `${o.brand} stands by it for two years.`,
    'Arrives ready to give as a present.',
    'Returns are free within thirty days.',
    `Goes with every other ${o.style.toLowerCase()} piece you already own.`,
  ]);
  return `${make} ${o.material}, ${finish}. ${capitalise(chance.pick(o.kind.uses))}. ${close}`;
}

function makeEntry(options: ShopOptions & { kind: Kind; number: number }): ShopEntry {
  const { kind, number, seed } = options;
  const values = valuesOf(options.values);
  const chance = seedChance(hashSeed(options.values, seed, kind.name, number));
  const look = chooseLook(values, chance);
  const [style, brand, material, noun] = [
    chance.pick(values.styles),
    chance.pick(values.brands),
    chance.pick(kind.materials),
    chance.pick(kind.titles),
  ];
  const id = `${kind.name}-${String(number).padStart(4, '0')}`;
  const product: Product = {
    id,
    title: writeTitle({ noun, style, ...look }, chance),
    description: writeDescription({ kind, style, material, brand }, chance),
    brand,
    category: [...kind.category],
    material,
    price: Math.max(3, Math.round(kind.price * Math.exp(0.35 * chance.normal()))) - 0.01,
    rating: Math.round(Math.min(5, Math.max(1.8, 4.15 + 0.45 * chance.normal())) * 10) / 10,
    rating_count: Math.floor(Math.exp(2.6 + 1.3 * chance.normal())),
    image: `${id}.jpg`,
  };
  const colour = values.colours[look.colour];
  if (!colour) throw new RangeError(`the ${options.values} values have no colour ${look.colour}`);
  let drawn: string | undefined;
  return {
    product,
    latent: { kind: kind.name, ...look, material, style },
    get svg() {
      const hand = seedChance(hashSeed(options.values, seed, kind.name, number, 'picture'));
      drawn ??= paintProduct({ draughtsman: kind.draughtsman, colour, pattern: look.pattern, material }, hand);
      return drawn;
    },
  };
}

/**
 * The products of a shop, all kinds in turn, each with its picture as SVG. Deterministic: the same options give
 * the same bytes, and a product does not change when `count` grows.
 */
export function* generateShop(options: ShopOptions): Generator<ShopEntry, void, undefined> {
  for (let index = 0; index < options.count; index += 1) {
    const kind = kinds[index % kinds.length];
    if (!kind) throw new RangeError('the shop has no kinds');
    yield makeEntry({ ...options, kind, number: Math.floor(index / kinds.length) + 1 });
  }
}
