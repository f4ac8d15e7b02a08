import { scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { MATCH } from './queries.js';

const { ranked } = scenariosOf('Constraints', NAMES.items);
const cheap = { range: { price: { lte: 70 } } };
const stocked = { range: { stock: { gte: 1 } } };

/** What hits must be beside the words; hits that were added must be it, too. */
export const constraints: Scenario[] = [
  ranked(
    'bool with filters',
    { query: { bool: { must: [MATCH], filter: [cheap, stocked] } } },
    { constraint: { bool: { filter: [cheap, stocked] } }, adds: true },
  ),
  ranked(
    'bool with must_not',
    { query: { bool: { must: MATCH, must_not: [{ term: { material: 'leather' } }] } } },
    { constraint: { bool: { must_not: [{ term: { material: 'leather' } }] } } },
  ),
  ranked('bool with should', {
    query: { bool: { must: [MATCH], should: [{ term: { tags: 'red' } }, { range: { rating: { gte: 4 } } }] } },
  }),
  ranked('bool with should, minimum_should_match', {
    query: { bool: { should: [MATCH, { match: { description: 'days' } }, stocked], minimum_should_match: 2 } },
  }),
  ranked(
    'bool in bool',
    {
      query: {
        bool: { must: [{ bool: { must: [MATCH], filter: [cheap] } }], filter: { bool: { should: [stocked, { term: { stock: 0 } }] } } },
      },
    },
    { constraint: cheap },
  ),
  ranked(
    'words in one field, words in another as a constraint',
    { query: { bool: { must: [MATCH, { match: { description: 'days' } }] } } },
    { constraint: { match: { description: 'days' } } },
  ),
  ranked('post_filter', { query: MATCH, post_filter: cheap }, { constraint: cheap, adds: true, whole: true }),
  ranked(
    'post_filter beside aggregations',
    { query: MATCH, post_filter: cheap, aggs: { brands: { terms: { field: 'brand' } } } },
    { constraint: cheap },
  ),
  ranked(
    'ids',
    { query: { bool: { must: [MATCH], filter: [{ ids: { values: ['lamp-0001', 'mug-0001', 'dress-0001', '__proto__', 'a/b'] } }] } } },
    { constraint: { ids: { values: ['lamp-0001', 'mug-0001', 'dress-0001', '__proto__', 'a/b'] } } },
  ),
  ranked(
    'exists',
    { query: { bool: { must: [MATCH], filter: [{ exists: { field: 'stock' } }] } } },
    { constraint: { exists: { field: 'stock' } } },
  ),
  ranked(
    'geo_distance',
    { query: { bool: { must: [MATCH], filter: { geo_distance: { distance: '45km', place: { lat: 50.4, lon: 8.3 } } } } } },
    { constraint: { geo_distance: { distance: '45km', place: { lat: 50.4, lon: 8.3 } } } },
  ),
  ranked(
    'geo_bounding_box',
    {
      query: {
        bool: {
          must: [MATCH],
          filter: { geo_bounding_box: { place: { top_left: { lat: 50.75, lon: 8 }, bottom_right: { lat: 50.1, lon: 8.5 } } } },
        },
      },
    },
    { constraint: { geo_bounding_box: { place: { top_left: { lat: 50.75, lon: 8 }, bottom_right: { lat: 50.1, lon: 8.5 } } } } },
  ),
  ranked(
    'date range with maths',
    { query: { bool: { must: [MATCH], filter: { range: { created: { gte: '2024-03-01||/M', lt: '2024-12-01' } } } } } },
    { constraint: { range: { created: { gte: '2024-03-01||/M', lt: '2024-12-01' } } } },
  ),
  ranked(
    'terms lookup',
    { query: { bool: { must: [MATCH], filter: { terms: { brand: { index: NAMES.items, id: 'dress-0001', path: 'brand' } } } } } },
    { constraint: { terms: { brand: { index: NAMES.items, id: 'dress-0001', path: 'brand' } } } },
  ),
  ranked(
    'script filter',
    { query: { bool: { must: [MATCH], filter: { script: { script: "doc['stock'].value % 2 == 0" } } } } },
    { constraint: { script: { script: "doc['stock'].value % 2 == 0" } } },
  ),
  ranked('terms_set', {
    query: {
      bool: {
        must: [MATCH],
        filter: { terms_set: { tags: { terms: ['red', 'striped', 'plain', 'blue'], minimum_should_match_script: { source: '1' } } } },
      },
    },
  }),
  ranked('min_score', { query: MATCH, min_score: 1.5 }, { adds: false }),
];
