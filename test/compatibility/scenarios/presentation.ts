import { scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { LANDED } from '../landed.js';
import { MATCH } from './queries.js';

const shown = scenariosOf('What is shown of a hit', NAMES.items);
const marked = scenariosOf('Highlighting', NAMES.items);
const both = { multi_match: { query: 'lamp mug days', fields: ['title', 'description', 'prose'] } };
const many = { size: 6 };

/** `_source`, fields, versions, names. */
export const presentation: Scenario[] = [
  shown.ranked('_source: false', { query: MATCH, _source: false, ...many }),
  shown.ranked('_source: a field', { query: MATCH, _source: 'title', ...many }),
  shown.ranked('_source: includes and excludes', {
    query: MATCH,
    _source: { includes: ['t*', 'attributes.*'], excludes: ['tags'] },
    ...many,
  }),
  shown.ranked(
    '_source by URL',
    { query: MATCH },
    { query: '_source_includes=title,variants&_source_excludes=variants.note&size=6', whole: true },
  ),
  shown.ranked('fields', { query: MATCH, fields: ['title', 'brand', { field: 'created', format: 'yyyy-MM' }], _source: false, ...many }),
  shown.ranked('fields by pattern', { query: MATCH, fields: ['*'], ...many }),
  shown.ranked('fields in nested objects', { query: MATCH, fields: ['variants.*'], _source: false, ...many }),
  shown.ranked(
    'docvalue_fields',
    { query: MATCH, docvalue_fields: ['price', 'naïve', { field: 'created', format: 'epoch_millis' }], ...many },
    { whole: true },
  ),
  shown.ranked('docvalue_fields by URL', { query: MATCH }, { query: 'docvalue_fields=stock,brand&_source=false' }),
  shown.ranked('stored_fields', { query: MATCH, stored_fields: ['stored_title'], ...many }, { whole: true }),
  shown.passed('stored_fields: _none_', 'stored_fields', { query: MATCH, stored_fields: '_none_' }, { whole: true }),
  shown.ranked('script_fields', {
    query: MATCH,
    script_fields: { double: { script: "doc['price'].value * 2" }, of: { script: { source: "params['_source']['title'].length()" } } },
    ...many,
  }),
  ...(LANDED.derivedFields
    ? [
        shown.ranked('derived fields', {
          query: MATCH,
          derived: { half: { type: 'double', script: "emit(doc['price'].value / 2)" } },
          fields: ['half'],
          ...many,
        }),
      ]
    : []),
  shown.ranked('version and seq_no_primary_term', { query: MATCH, version: true, seq_no_primary_term: true, ...many }, { whole: true }),
  shown.ranked('version by URL', { query: MATCH }, { query: 'version=true&seq_no_primary_term=true' }),
  shown.ranked('named queries', {
    query: {
      bool: {
        must: [{ match: { title: { query: 'lamp mug dress', _name: 'words' } } }],
        should: [{ term: { material: { value: 'linen', _name: 'cloth' } } }, { range: { price: { lte: 60, _name: 'cheap' } } }],
      },
    },
    ...many,
  }),
  shown.ranked(
    'named queries with scores',
    {
      query: {
        bool: {
          must: [{ match: { title: { query: 'lamp mug dress', _name: 'words' } } }],
          should: [{ term: { material: { value: 'linen', _name: 'cloth' } } }],
        },
      },
    },
    { query: 'include_named_queries_score=true&size=6' },
  ),
  shown.ranked(
    'our keyword id and group asked for by name',
    { query: MATCH, docvalue_fields: ['rank_key', 'group_key'], _source: ['rank_key', 'title'], ...many },
    { named: ['rank_key', 'group_key'] },
  ),
  shown.ranked('all that there is to a hit at once', {
    query: { bool: { must: [both], should: [{ term: { material: { value: 'linen', _name: 'cloth' } } }] } },
    size: 4,
    version: true,
    seq_no_primary_term: true,
    fields: ['brand'],
    docvalue_fields: ['price'],
    script_fields: { one: { script: '1' } },
    highlight: { fields: { title: {} } },
    _source: ['title'],
  }),
];

/** Every highlighter. */
export const highlighting: Scenario[] = [
  marked.ranked(
    'unified',
    { query: both, highlight: { fields: { title: {}, description: { fragment_size: 30, number_of_fragments: 2 } } }, ...many },
    { whole: true },
  ),
  marked.ranked('plain, own tags', {
    query: both,
    highlight: { type: 'plain', pre_tags: ['<b>'], post_tags: ['</b>'], fields: { title: {}, description: {} } },
    ...many,
  }),
  marked.ranked('fvh', {
    query: both,
    highlight: { type: 'fvh', fields: { prose: { fragment_size: 40, number_of_fragments: 3 } } },
    ...many,
  }),
  marked.ranked('order by score, whole field where nothing matches', {
    query: MATCH,
    highlight: { order: 'score', no_match_size: 40, fields: { title: { number_of_fragments: 0 }, description: {} } },
    ...many,
  }),
  marked.ranked('a query of its own', {
    query: MATCH,
    highlight: { fields: { description: { highlight_query: { match: { description: 'years' } } } } },
    ...many,
  }),
  marked.ranked('any field, encoded', {
    query: both,
    highlight: { require_field_match: false, encoder: 'html', fields: { '*': {} } },
    ...many,
  }),
  marked.ranked(
    'phrases, on the second page',
    { query: { match_phrase: { description: 'free within thirty days' } }, from: 5, size: 5, highlight: { fields: { description: {} } } },
    { whole: true },
  ),
  marked.ranked(
    'beyond a small window',
    { query: both, from: 6, size: 8, highlight: { fields: { title: {}, description: {} } } },
    { own: { window: 8 } },
  ),
];
