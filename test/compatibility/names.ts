export const prefix = `compat-${process.pid}`;

/** Indices and aliases of the suite. */
export const NAMES = {
  /** 96 products with vectors, two shards, every kind of field. */
  items: `${prefix}-items`,
  /** 24 further products with the same stamp, some under ids of the first index. */
  more: `${prefix}-more`,
  /** Shop pages without vectors or stamp, with numbers of every size. */
  plain: `${prefix}-plain`,
  /** Products and their offers, joined. */
  family: `${prefix}-family`,
  closed: `${prefix}-closed`,
  /** Products below 60, by alias. */
  cheap: `${prefix}-cheap`,
  /** Products of one routing value, by alias. */
  routed: `${prefix}-routed`,
  /** The same products in an index that no profile names. */
  foreign: `foreign-${process.pid}`,
  /** Written and deleted by scenarios. */
  written: `written-${process.pid}`,
  pipeline: `${prefix}-pipeline`,
  template: `${prefix}-template`,
  unknown: `${prefix}-nowhere`,
} as const;

/** Of the built-in text encoder. */
export const TEXT_DIMS = 256;
export const MAX_ADDED = 50;
export const WINDOW = 200;

/** Ids that have broken programs before. */
export const ODD_IDS = ['a/b', 'with space', 'ünï-鞋', '__proto__', 'constructor', '"quoted"', '100%', '..'];

/** Min-max scores of a hybrid's two clauses, weighed. */
export const HYBRID_PIPELINE = {
  phase_results_processors: [
    {
      'normalization-processor': {
        normalization: { technique: 'min_max' },
        combination: { technique: 'arithmetic_mean', parameters: { weights: [0.6, 0.4] } },
      },
    },
  ],
};

export const STORED_TEMPLATE =
  '{"query":{"match":{"title":"{{words}}"}},"size":"{{size}}{{^size}}10{{/size}}","from":"{{from}}{{^from}}0{{/from}}"}';

/** More hits than any index of the suite holds. */
export const ALL = 1000;
