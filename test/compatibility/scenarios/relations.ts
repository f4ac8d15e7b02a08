import { scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { LANDED } from '../landed.js';
import { MATCH } from './queries.js';

const grouped = scenariosOf('Collapse', NAMES.items);
const inside = scenariosOf('Nested objects', NAMES.items);
const joined = scenariosOf('Parents and children', NAMES.family);
const broad = { match: { description: 'days free present' } };
const variants = (query: object, more: object = {}): object => ({ nested: { path: 'variants', query, ...more } });
const inGroups = { field: 'brand', inner_hits: { name: 'others', size: 2, _source: ['title'] } };

/** Groups of hits move whole. */
export const collapse: Scenario[] = [
  grouped.ranked('by a keyword', { query: broad, collapse: { field: 'brand' } }, { whole: true }),
  grouped.ranked('by our group key', { query: broad, collapse: { field: 'group_key' }, size: 4 }, { named: ['group_key'] }),
  grouped.ranked('by a number, second page', { query: broad, collapse: { field: 'stock' }, from: 2, size: 2 }),
  grouped.ranked('with inner_hits, all groups on the page', { query: broad, collapse: inGroups, size: 60 }, { adds: false }),
  LANDED.collapsedInnerHits
    ? grouped.ranked('with inner_hits, groups from below the page', { query: broad, collapse: inGroups, from: 5, size: 3 })
    : grouped.passed('with inner_hits, groups from below the page', 'inner_hits', { query: broad, collapse: inGroups, from: 5, size: 3 }),
  grouped.ranked(
    'beside aggregations and a constraint',
    {
      query: { bool: { must: [broad], filter: [{ range: { price: { lte: 90 } } }] } },
      collapse: { field: 'brand' },
      aggs: { n: { cardinality: { field: 'brand' } } },
    },
    { constraint: { range: { price: { lte: 90 } } } },
  ),
];

/** Objects inside products. */
export const nested: Scenario[] = [
  inside.ranked(
    'as a constraint',
    {
      query: {
        bool: {
          must: [MATCH],
          filter: [variants({ bool: { filter: [{ term: { 'variants.size': 'S' } }, { range: { 'variants.stock': { gte: 1 } } }] } })],
        },
      },
    },
    { constraint: variants({ bool: { filter: [{ term: { 'variants.size': 'S' } }, { range: { 'variants.stock': { gte: 1 } } }] } }) },
  ),
  inside.ranked('scored, with inner_hits', {
    query: { bool: { must: [MATCH, variants({ match: { 'variants.note': 'linen steel' } }, { score_mode: 'max', inner_hits: {} })] } },
    size: 5,
  }),
  inside.ranked('inner_hits with highlights and a source of their own', {
    query: {
      bool: {
        must: [MATCH],
        should: [
          variants(
            { match: { 'variants.note': 'linen steel oak' } },
            { inner_hits: { name: 'fits', size: 1, _source: ['variants.size'], highlight: { fields: { 'variants.note': {} } } } },
          ),
        ],
      },
    },
    size: 5,
  }),
  inside.ranked(
    'inner_hits, totals as numbers',
    {
      query: {
        bool: { must: [MATCH], should: [variants({ match: { 'variants.note': 'linen steel oak' } }, { inner_hits: { size: 1 } })] },
      },
      size: 4,
    },
    { query: 'rest_total_hits_as_int=true' },
  ),
  inside.ranked('words only inside', { query: variants({ match: { 'variants.note': 'linen' } }) }, { adds: false }),
];

/** Products and their offers in one index. */
export const joins: Scenario[] = [
  joined.ranked(
    'has_child as a constraint',
    { query: { bool: { must: [MATCH], filter: [{ has_child: { type: 'offer', query: { term: { seller: 'seller-1' } } } }] } } },
    { constraint: { has_child: { type: 'offer', query: { term: { seller: 'seller-1' } } } } },
  ),
  ...(LANDED.joinedInnerHits
    ? [
        joined.ranked('has_child, scored, with inner_hits', {
          query: {
            bool: {
              must: [
                MATCH,
                {
                  has_child: { type: 'offer', score_mode: 'max', query: { range: { offer_price: { gte: 20 } } }, inner_hits: { size: 1 } },
                },
              ],
            },
          },
          size: 4,
        }),
      ]
    : []),
  joined.ranked('has_parent', { query: { has_parent: { parent_type: 'product', score: true, query: MATCH } } }, { adds: false }),
  joined.ranked('parent_id', { query: { parent_id: { type: 'offer', id: 'p3' } } }, { adds: false }),
  joined.ranked(
    'a field of the join beside words',
    { query: { bool: { must: [MATCH], filter: [{ term: { family: 'product' } }] } } },
    { constraint: { term: { family: 'product' } } },
  ),
];
