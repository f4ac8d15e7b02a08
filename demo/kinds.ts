import { drawBackpack, drawBag, drawUmbrella } from './drawing/accessories.js';
import { drawDress, drawHat, drawScarf, drawSkirt, drawSocks, drawTrousers } from './drawing/clothes.js';
import { drawBlanket, drawChair, drawCurtain, drawCushion, drawLamp, drawRug } from './drawing/home.js';
import { drawBoot, drawSandal, drawSneaker } from './drawing/shoes.js';
import { drawBowl, drawMug, drawPlate, drawTeapot, drawVase } from './drawing/tableware.js';
import { drawJacket, drawShirt, drawSweater, drawTShirt } from './drawing/tops.js';
import type { Draughtsman } from './drawing/silhouette.js';

/** One kind of product that the shop sells. */
export interface Kind {
  name: string;
  /** What titles call it; each holds the word a shopper would type. */
  titles: readonly [string, ...string[]];
  /** Broad to narrow. */
  category: readonly string[];
  materials: readonly [string, ...string[]];
  /** Typical price; single prices scatter log-normally about it. */
  price: number;
  /** What it is good for, as descriptions say. */
  uses: readonly [string, ...string[]];
  draughtsman: Draughtsman;
}

const wear = [
  'made for long days out',
  'easy to layer when it turns cold',
  'cut for free movement',
  'light enough to travel with',
  'as good at work as at the weekend',
] as const;
const tableware = [
  'safe in dishwasher and microwave',
  'sized for everyday meals',
  'a gift that gets used daily',
  'stacks neatly on the shelf',
] as const;
const home = [
  'gives a room a warm corner',
  'fits small flats and large houses',
  'a quiet companion for the evening',
  'set up in minutes',
] as const;
const carry = [
  'room for a laptop and a lunch',
  'with an inner pocket for keys',
  'holds its form when empty',
  'carries well over the shoulder',
] as const;

export const kinds: readonly Kind[] = [
  {
    name: 't-shirt',
    titles: ['T-shirt', 'Crew T-shirt', 'Boxy T-shirt'],
    category: ['Clothing', 'Tops', 'T-shirts'],
    materials: ['cotton', 'jersey', 'linen'],
    price: 22,
    uses: wear,
    draughtsman: drawTShirt,
  },
  {
    name: 'shirt',
    titles: ['Shirt', 'Button-up Shirt', 'Collared Shirt'],
    category: ['Clothing', 'Tops', 'Shirts'],
    materials: ['cotton', 'linen', 'denim', 'satin'],
    price: 45,
    uses: wear,
    draughtsman: drawShirt,
  },
  {
    name: 'sweater',
    titles: ['Sweater', 'Pullover Sweater', 'Soft Sweater'],
    category: ['Clothing', 'Tops', 'Sweaters'],
    materials: ['knit', 'wool'],
    price: 58,
    uses: wear,
    draughtsman: drawSweater,
  },
  {
    name: 'jacket',
    titles: ['Jacket', 'Short Jacket', 'Weekend Jacket'],
    category: ['Clothing', 'Outerwear', 'Jackets'],
    materials: ['canvas', 'denim', 'leather', 'nylon', 'wool'],
    price: 95,
    uses: wear,
    draughtsman: drawJacket,
  },
  {
    name: 'dress',
    titles: ['Dress', 'Midi Dress', 'Summer Dress'],
    category: ['Clothing', 'Dresses', 'Dresses'],
    materials: ['cotton', 'linen', 'satin', 'jersey'],
    price: 64,
    uses: wear,
    draughtsman: drawDress,
  },
  {
    name: 'skirt',
    titles: ['Skirt', 'A-line Skirt', 'Swing Skirt'],
    category: ['Clothing', 'Bottoms', 'Skirts'],
    materials: ['cotton', 'denim', 'satin', 'wool'],
    price: 42,
    uses: wear,
    draughtsman: drawSkirt,
  },
  {
    name: 'trousers',
    titles: ['Trousers', 'Wide Trousers', 'Tapered Trousers'],
    category: ['Clothing', 'Bottoms', 'Trousers'],
    materials: ['cotton', 'linen', 'denim', 'wool'],
    price: 56,
    uses: wear,
    draughtsman: drawTrousers,
  },
  {
    name: 'socks',
    titles: ['Socks', 'Crew Socks', 'Pair of Socks'],
    category: ['Clothing', 'Underwear', 'Socks'],
    materials: ['cotton', 'knit', 'wool'],
    price: 10,
    uses: wear,
    draughtsman: drawSocks,
  },
  {
    name: 'scarf',
    titles: ['Scarf', 'Long Scarf', 'Fringed Scarf'],
    category: ['Accessories', 'Scarves', 'Scarves'],
    materials: ['wool', 'knit', 'silk', 'linen'],
    price: 28,
    uses: wear,
    draughtsman: drawScarf,
  },
  {
    name: 'hat',
    titles: ['Hat', 'Winter Hat', 'Day Hat'],
    category: ['Accessories', 'Headwear', 'Hats'],
    materials: ['wool', 'knit', 'canvas'],
    price: 24,
    uses: wear,
    draughtsman: drawHat,
  },
  {
    name: 'sneaker',
    titles: ['Sneakers', 'Lace-up Sneakers', 'Court Sneakers'],
    category: ['Shoes', 'Sneakers', 'Sneakers'],
    materials: ['canvas', 'leather', 'suede', 'knit'],
    price: 72,
    uses: wear,
    draughtsman: drawSneaker,
  },
  {
    name: 'boot',
    titles: ['Boots', 'Ankle Boots', 'Walking Boots'],
    category: ['Shoes', 'Boots', 'Boots'],
    materials: ['leather', 'suede', 'canvas'],
    price: 110,
    uses: wear,
    draughtsman: drawBoot,
  },
  {
    name: 'sandal',
    titles: ['Sandals', 'Strappy Sandals', 'Beach Sandals'],
    category: ['Shoes', 'Sandals', 'Sandals'],
    materials: ['leather', 'canvas', 'suede'],
    price: 48,
    uses: wear,
    draughtsman: drawSandal,
  },
  {
    name: 'bag',
    titles: ['Tote Bag', 'Shoulder Bag', 'Shopper Bag'],
    category: ['Accessories', 'Bags', 'Handbags'],
    materials: ['canvas', 'leather', 'jute', 'linen'],
    price: 54,
    uses: carry,
    draughtsman: drawBag,
  },
  {
    name: 'backpack',
    titles: ['Backpack', 'Day Backpack', 'School Backpack'],
    category: ['Accessories', 'Bags', 'Backpacks'],
    materials: ['canvas', 'nylon', 'leather'],
    price: 62,
    uses: carry,
    draughtsman: drawBackpack,
  },
  {
    name: 'umbrella',
    titles: ['Umbrella', 'Walking Umbrella', 'Storm Umbrella'],
    category: ['Accessories', 'Rainwear', 'Umbrellas'],
    materials: ['nylon', 'satin'],
    price: 26,
    uses: wear,
    draughtsman: drawUmbrella,
  },
  {
    name: 'lamp',
    titles: ['Table Lamp', 'Bedside Lamp', 'Desk Lamp'],
    category: ['Home', 'Lighting', 'Lamps'],
    materials: ['linen', 'cotton', 'silk'],
    price: 49,
    uses: home,
    draughtsman: drawLamp,
  },
  {
    name: 'rug',
    titles: ['Rug', 'Living Room Rug', 'Hallway Rug'],
    category: ['Home', 'Floor', 'Rugs'],
    materials: ['wool', 'jute', 'cotton'],
    price: 120,
    uses: home,
    draughtsman: drawRug,
  },
  {
    name: 'cushion',
    titles: ['Cushion', 'Sofa Cushion', 'Throw Cushion'],
    category: ['Home', 'Textiles', 'Cushions'],
    materials: ['cotton', 'linen', 'velvet', 'wool'],
    price: 25,
    uses: home,
    draughtsman: drawCushion,
  },
  {
    name: 'blanket',
    titles: ['Blanket', 'Throw Blanket', 'Picnic Blanket'],
    category: ['Home', 'Textiles', 'Blankets'],
    materials: ['wool', 'cotton', 'knit'],
    price: 52,
    uses: home,
    draughtsman: drawBlanket,
  },
  {
    name: 'curtain',
    titles: ['Curtains', 'Pair of Curtains', 'Window Curtains'],
    category: ['Home', 'Textiles', 'Curtains'],
    materials: ['linen', 'cotton', 'velvet'],
    price: 66,
    uses: home,
    draughtsman: drawCurtain,
  },
  {
    name: 'chair',
    titles: ['Chair', 'Dining Chair', 'Lounge Chair'],
    category: ['Home', 'Furniture', 'Chairs'],
    materials: ['velvet', 'linen', 'wool', 'leather'],
    price: 160,
    uses: home,
    draughtsman: drawChair,
  },
  {
    name: 'vase',
    titles: ['Vase', 'Tall Vase', 'Round Vase'],
    category: ['Home', 'Decoration', 'Vases'],
    materials: ['ceramic', 'porcelain', 'stoneware', 'glass'],
    price: 34,
    uses: home,
    draughtsman: drawVase,
  },
  {
    name: 'mug',
    titles: ['Mug', 'Coffee Mug', 'Tea Mug'],
    category: ['Kitchen', 'Drinkware', 'Mugs'],
    materials: ['ceramic', 'porcelain', 'stoneware', 'enamel'],
    price: 14,
    uses: tableware,
    draughtsman: drawMug,
  },
  {
    name: 'plate',
    titles: ['Plate', 'Dinner Plate', 'Serving Plate'],
    category: ['Kitchen', 'Tableware', 'Plates'],
    materials: ['ceramic', 'porcelain', 'stoneware'],
    price: 16,
    uses: tableware,
    draughtsman: drawPlate,
  },
  {
    name: 'bowl',
    titles: ['Bowl', 'Salad Bowl', 'Soup Bowl'],
    category: ['Kitchen', 'Tableware', 'Bowls'],
    materials: ['ceramic', 'porcelain', 'stoneware', 'enamel'],
    price: 18,
    uses: tableware,
    draughtsman: drawBowl,
  },
  {
    name: 'teapot',
    titles: ['Teapot', 'Family Teapot', 'Small Teapot'],
    category: ['Kitchen', 'Drinkware', 'Teapots'],
    materials: ['ceramic', 'porcelain', 'stoneware', 'enamel'],
    price: 38,
    uses: tableware,
    draughtsman: drawTeapot,
  },
];
