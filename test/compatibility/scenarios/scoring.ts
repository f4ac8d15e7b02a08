import { scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { MATCH } from './queries.js';

const { ranked } = scenariosOf('Scores', NAMES.items);

/** Queries that make scores of their own. */
export const scoring: Scenario[] = [
  ranked('function_score, field_value_factor', {
    query: { function_score: { query: MATCH, field_value_factor: { field: 'rating', modifier: 'log1p', factor: 1.2 } } },
  }),
  ranked('function_score, functions and weights', {
    query: {
      function_score: {
        query: MATCH,
        functions: [{ filter: { term: { material: 'linen' } }, weight: 3 }, { gauss: { price: { origin: 40, scale: 20 } } }],
        score_mode: 'sum',
        boost_mode: 'multiply',
      },
    },
  }),
  ranked('function_score, random by seed', { query: { function_score: { query: MATCH, random_score: { seed: 7, field: '_seq_no' } } } }),
  ranked('script_score', {
    query: { script_score: { query: MATCH, script: { source: "_score * Math.log(2 + doc['rating_count'].value)" } } },
  }),
  ranked('constant_score', { query: { constant_score: { filter: MATCH, boost: 1.5 } } }),
  ranked('dis_max', { query: { dis_max: { queries: [MATCH, { match: { description: 'lamp mug dress' } }], tie_breaker: 0.3 } } }),
  ranked('boosting', { query: { boosting: { positive: MATCH, negative: { term: { material: 'steel' } }, negative_boost: 0.4 } } }),
  ranked('distance_feature', {
    query: { bool: { must: [MATCH], should: { distance_feature: { field: 'created', pivot: '30d', origin: '2024-06-01' } } } },
  }),
  ranked('rescore', {
    query: MATCH,
    rescore: {
      window_size: 20,
      query: { rescore_query: { match_phrase: { description: 'thirty days' } }, query_weight: 0.7, rescore_query_weight: 1.4 },
    },
  }),
  ranked('rescore, two in a row', {
    query: MATCH,
    rescore: [
      { window_size: 50, query: { rescore_query: { term: { material: 'linen' } }, score_mode: 'max' } },
      { window_size: 5, query: { rescore_query: { match: { description: 'days' } } } },
    ],
  }),
  ranked('boosts in fields', { query: { multi_match: { query: 'lamp days', fields: ['title^0.5', 'description^3.25'] } } }),
  ranked('scores below a millionth', { query: { match: { title: { query: 'lamp mug', boost: 1e-9 } } } }),
  ranked('scores above a billion', { query: { match: { title: { query: 'lamp mug', boost: 1e12 } } } }),
  ranked('equal scores', { query: { constant_score: { filter: { match_all: {} } } }, size: 30 }),
  ranked('dfs_query_then_fetch', { query: MATCH }, { query: 'search_type=dfs_query_then_fetch' }),
  ranked('explain, all hits on the page', { query: MATCH, explain: true, size: 100 }, { own: { profile: 'strict' } }),
  ranked('explain, hits from below the page', { query: MATCH, explain: true, size: 3 }),
  ranked('explain in the URL, hits from below the page', { query: MATCH, size: 3 }, { query: 'explain=true' }),
  ranked('explain, from 4 on', { query: MATCH, explain: true, from: 4, size: 3 }),
  ranked('explain, rescored hits from below the page', {
    query: MATCH,
    explain: true,
    size: 3,
    rescore: { window_size: 10, query: { rescore_query: { match_phrase: { description: 'thirty days' } }, rescore_query_weight: 1.4 } },
  }),
  ranked('sort by _score', { query: MATCH, sort: ['_score'], size: 5 }),
  ranked('sort by _score, as an object', { query: MATCH, sort: [{ _score: { order: 'desc' } }], size: 5 }),
  ranked('track_scores', { query: MATCH, track_scores: true }),
  ranked('another language for scripts', {
    query: { script_score: { query: MATCH, script: { lang: 'expression', source: "_score * doc['rating'].value" } } },
  }),
];
