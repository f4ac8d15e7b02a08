import { get, scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';

export const WORDS = 'elegant rustic lamp mug dress';
export const MATCH = { match: { title: WORDS } };

const { ranked, steps } = scenariosOf('Words', NAMES.items);

/** Queries that look for words. */
export const queries: Scenario[] = [
  ranked('match', { query: MATCH }, { adds: true, whole: true }),
  ranked('match, operator and', { query: { match: { description: { query: 'years use', operator: 'and' } } } }),
  ranked('match, fuzzy', { query: { match: { title: { query: 'lanp mugg', fuzziness: 'AUTO' } } } }),
  ranked('match, minimum_should_match', {
    query: { match: { description: { query: 'made linen present returns', minimum_should_match: '50%' } } },
  }),
  ranked('match_all', { query: { match_all: {} }, size: 25 }, { adds: false }),
  ranked('no query at all', {}, { adds: false, whole: true }),
  ranked('match_phrase', { query: { match_phrase: { description: 'thirty days' } } }),
  ranked('match_phrase_prefix', { query: { match_phrase_prefix: { description: 'free within thir' } } }),
  ranked('match_bool_prefix', { query: { match_bool_prefix: { description: 'returns free wi' } } }),
  ...['best_fields', 'most_fields', 'cross_fields', 'phrase', 'phrase_prefix', 'bool_prefix'].map((type) =>
    ranked(`multi_match ${type}`, {
      query: { multi_match: { query: /phrase/.test(type) ? 'thirty days' : WORDS, fields: ['title^2', 'description'], type } },
    }),
  ),
  ranked('multi_match over a pattern of fields', { query: { multi_match: { query: WORDS, fields: ['tit*', 'desc*'] } } }),
  ranked('combined_fields', { query: { combined_fields: { query: WORDS, fields: ['title', 'description'] } } }, { whole: true }),
  ranked('query_string', { query: { query_string: { query: 'title:lamp OR title:mug', default_field: 'title' } } }, { adds: false }),
  ranked('simple_query_string', { query: { simple_query_string: { query: 'lamp | mug', fields: ['title'] } } }),
  ranked('intervals', { query: { intervals: { description: { match: { query: 'free days', max_gaps: 5, ordered: true } } } } }),
  ranked('terms', { query: { terms: { brand: ['Sundhaven', 'Wrenfold', 'Kestonia'] } } }),
  ranked('term on words in every product', { query: { term: { description: { value: 'return', boost: 2.5 } } } }),
  ranked('prefix, wildcard, regexp, fuzzy', {
    query: {
      bool: {
        should: [
          { prefix: { title: 'la' } },
          { wildcard: { title: 'm*g' } },
          { regexp: { title: 'dres.' } },
          { fuzzy: { title: 'tabel' } },
        ],
      },
    },
  }),
  ranked('more_like_this', {
    query: { more_like_this: { fields: ['description'], like: 'Returns are free within thirty days', min_term_freq: 1, min_doc_freq: 1 } },
  }),
  ranked('words in another script', { query: { match: { title: 'лампа 鞋 lamp' } } }),
  ranked('words with quotes, escapes and emoji', `{"query":{"match":{"title":"\\"lamp\\" \\u006dug \\ud83d\\udc60 \\\\"}}}`),
  ranked('explicit query_text beside a query without words', { query: { exists: { field: 'price' } } }, { own: { query_text: 'a lamp' } }),
  steps('URI search', { kind: 'ranked' }, [get(`/${NAMES.items}/_search?q=title:lamp&size=5`)]),
  steps('URI search, default field and operator', { kind: 'ranked' }, [
    get(`/${NAMES.items}/_search?q=made%20days&df=description&default_operator=AND&size=7&from=2`),
  ]),
  steps('body in ?source=', { kind: 'ranked' }, [
    get(
      `/${NAMES.items}/_search?source=${encodeURIComponent(JSON.stringify({ query: MATCH, size: 5 }))}&source_content_type=application/json`,
    ),
  ]),
  steps('GET with a body', { kind: 'ranked' }, [
    {
      method: 'GET',
      path: `/${NAMES.items}/_search`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: MATCH, size: 4 }),
    },
  ]),
];
