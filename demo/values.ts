/** Hue in degrees, saturation and lightness in per cent. */
export type Hsl = readonly [hue: number, saturation: number, lightness: number];

export type PatternName =
  | 'plain'
  | 'striped'
  | 'dotted'
  | 'checked'
  | 'floral'
  | 'zigzag'
  | 'scalloped'
  | 'herringbone'
  | 'argyle'
  | 'leafy'
  | 'starry'
  | 'geometric'
  | 'wavy'
  | 'honeycomb'
  | 'crossed'
  | 'brushed';

/** What the products of one shop may look like and be called. */
export interface ValueSet {
  /** Colour word → the body colour; each picture varies it a little. */
  readonly colours: Readonly<Record<string, Hsl>>;
  /** Patterns; `plain` is in every set and is nobody's taste. */
  readonly patterns: readonly PatternName[];
  /** Colour × pattern pairs that the shop stocks more of, as shops do. */
  readonly signatures: readonly (readonly [colour: string, pattern: PatternName])[];
  readonly styles: readonly string[];
  readonly brands: readonly string[];
}

/** The demo's own shop. Nothing that learns may see it: it shares no colour, pattern, style or brand with `trainingValues`. */
export const demoValues: ValueSet = {
  colours: {
    red: [356, 72, 46],
    mustard: [43, 80, 52],
    emerald: [153, 60, 35],
    navy: [224, 58, 27],
    pink: [340, 70, 76],
    black: [230, 8, 15],
    ivory: [42, 45, 89],
    lavender: [262, 48, 74],
  },
  patterns: ['plain', 'striped', 'dotted', 'checked', 'floral', 'zigzag', 'scalloped'],
  signatures: [
    ['red', 'dotted'],
    ['red', 'checked'],
    ['navy', 'striped'],
    ['mustard', 'zigzag'],
    ['emerald', 'floral'],
    ['pink', 'scalloped'],
    ['black', 'dotted'],
    ['ivory', 'floral'],
    ['lavender', 'checked'],
    ['emerald', 'striped'],
  ],
  styles: ['Modern', 'Classic', 'Rustic', 'Bohemian', 'Urban', 'Vintage', 'Nordic', 'Retro', 'Casual', 'Elegant'],
  brands: [
    'Tolvane',
    'Hestby',
    'Marrowick',
    'Oristelle',
    'Quillon',
    'Fennimore',
    'Sundhaven',
    'Larkstead',
    'Brovanti',
    'Ystrad',
    'Pellucine',
    'Cardewick',
    'Novaletto',
    'Wrenfold',
    'Ashby Tate',
    'Kestonia',
  ],
};

/** What encoders and rankers may be trained on: other colours, patterns, styles and brands. */
export const trainingValues: ValueSet = {
  colours: {
    orange: [24, 86, 53],
    lime: [78, 62, 50],
    teal: [181, 58, 34],
    purple: [285, 50, 38],
    brown: [25, 42, 30],
    grey: [210, 5, 55],
    sky: [202, 68, 70],
    burgundy: [342, 58, 25],
    olive: [66, 38, 34],
    beige: [33, 34, 76],
    peach: [18, 78, 79],
    cobalt: [212, 80, 44],
  },
  patterns: ['plain', 'herringbone', 'argyle', 'leafy', 'starry', 'geometric', 'wavy', 'honeycomb', 'crossed', 'brushed'],
  signatures: [
    ['orange', 'geometric'],
    ['teal', 'wavy'],
    ['purple', 'starry'],
    ['brown', 'herringbone'],
    ['lime', 'leafy'],
    ['grey', 'argyle'],
    ['sky', 'crossed'],
    ['burgundy', 'honeycomb'],
    ['beige', 'brushed'],
    ['cobalt', 'leafy'],
  ],
  styles: [
    'Contemporary',
    'Timeless',
    'Farmhouse',
    'Industrial',
    'Playful',
    'Romantic',
    'Everyday',
    'Sporty',
    'Cottage',
    'Refined',
    'Relaxed',
    'Heritage',
  ],
  brands: [
    'Dunmarrow',
    'Veltrano',
    'Ostrander Lane',
    'Pimlock',
    'Halvenby',
    'Jorvessa',
    'Cresswyn',
    'Tamberley',
    'Orlaith',
    'Bexenholm',
    'Nimbury',
    'Saltavine',
    'Corrigane',
    'Thistlewade',
    'Umbrell & Sons',
    'Varnholt',
    'Lindqvale',
    'Mortensby',
  ],
};

export type ValueSetName = 'demo' | 'training';

export function valuesOf(name: ValueSetName): ValueSet {
  return name === 'demo' ? demoValues : trainingValues;
}
