import { scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { MATCH } from './queries.js';

const counted = scenariosOf('Aggregations', NAMES.items);
const suggested = scenariosOf('Suggestions', NAMES.items);
const withAggs = (name: string, aggs: object, query?: string): Scenario =>
  counted.ranked(name, { query: MATCH, size: 5, aggs }, { whole: name === 'top_hits', ...(query === undefined ? {} : { query }) });

/** What is counted around the hits stays the client's own. */
export const aggregations: Scenario[] = [
  withAggs('terms with sub-aggregations', {
    brands: { terms: { field: 'brand', size: 3 }, aggs: { price: { stats: { field: 'price' } } } },
  }),
  withAggs('top_hits', { brands: { terms: { field: 'brand', size: 2 }, aggs: { best: { top_hits: { size: 2 } } } } }),
  withAggs('filters', { kinds: { filters: { filters: { cheap: { range: { price: { lte: 50 } } }, red: { term: { tags: 'red' } } } } } }),
  withAggs('composite', {
    pages: {
      composite: {
        size: 4,
        sources: [{ brand: { terms: { field: 'brand' } } }, { stock: { histogram: { field: 'stock', interval: 2 } } }],
      },
    },
  }),
  withAggs('nested and reverse_nested', {
    v: { nested: { path: 'variants' }, aggs: { sizes: { terms: { field: 'variants.size' }, aggs: { back: { reverse_nested: {} } } } } },
  }),
  withAggs('range and date_histogram', {
    p: { range: { field: 'price', ranges: [{ to: 30 }, { from: 30 }] } },
    m: { date_histogram: { field: 'created', calendar_interval: 'month' } },
  }),
  withAggs('global and missing', {
    all: { global: {}, aggs: { n: { value_count: { field: 'price' } } } },
    none: { missing: { field: 'brand' } },
  }),
  withAggs('pipeline aggregations', {
    m: {
      date_histogram: { field: 'created', calendar_interval: 'quarter' },
      aggs: { s: { sum: { field: 'price' } }, d: { derivative: { buckets_path: 's' } } },
    },
    top: { max_bucket: { buckets_path: 'm>s' } },
  }),
  withAggs('cardinality and percentiles', { c: { cardinality: { field: 'brand' } }, p: { percentiles: { field: 'price' } } }),
  withAggs('significant_text', { s: { significant_text: { field: 'description', min_doc_count: 1 } } }),
  withAggs('geo', { box: { geo_bounds: { field: 'place' } }, grid: { geohash_grid: { field: 'place', precision: 3 } } }),
  withAggs('typed_keys', { brands: { terms: { field: 'brand' } }, price: { avg: { field: 'price' } } }, 'typed_keys=true'),
  counted.ranked('with metadata, under the long name', {
    query: MATCH,
    aggregations: { brands: { terms: { field: 'brand' }, meta: { facet: 'naïve ☕' } } },
  }),
  counted.ranked('on the second page', { query: MATCH, from: 5, size: 5, aggs: { brands: { terms: { field: 'brand' } } } }),
];

/** Suggestions stand beside the hits. */
export const suggestions: Scenario[] = [
  suggested.ranked('term', { query: MATCH, suggest: { spelling: { text: 'lmap mugg', term: { field: 'title' } } } }),
  suggested.ranked('phrase', {
    query: MATCH,
    suggest: { text: 'thirti dais', phrase: { phrase: { field: 'description', highlight: { pre_tag: '<em>', post_tag: '</em>' } } } },
  }),
  suggested.ranked(
    'completion',
    {
      query: MATCH,
      suggest: {
        typed: {
          prefix: 'mod',
          completion: { field: 'complete', size: 4, contexts: { material: ['linen', 'steel', 'oak', 'cotton', 'ceramic', 'brass'] } },
        },
      },
    },
    { whole: true },
  ),
  suggested.passed('suggestions alone', 'size_zero', { size: 0, suggest: { spelling: { text: 'lmap', term: { field: 'title' } } } }),
];
