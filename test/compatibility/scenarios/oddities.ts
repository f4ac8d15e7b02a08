import { search, scenariosOf, type ClientRequest, type Scenario } from '../scenario.js';
import { NAMES, ODD_IDS } from '../names.js';
import { MATCH } from './queries.js';

const odd = scenariosOf('Odd ids, names and numbers', NAMES.items);
const plain = scenariosOf('Odd ids, names and numbers', NAMES.plain);
const errors = scenariosOf('Errors of the engine', NAMES.items);
const writes = scenariosOf('Writes', NAMES.written);
const json = { 'content-type': 'application/json' };

/** What has broken programs before. */
export const oddities: Scenario[] = [
  odd.ranked('ids with slashes, blanks, quotes, other scripts, __proto__', { query: { ids: { values: ODD_IDS } }, size: 20 }),
  odd.ranked(
    'the same, on a page shorter than the list',
    { query: { bool: { must: [{ match_all: {} }], filter: [{ ids: { values: ODD_IDS } }] } }, size: 3 },
    { own: { query_text: 'a lamp' } },
  ),
  plain.ranked('numbers beyond 2^53, below 1e-300, negative zero', { query: { match: { title: 'sturdy boots' } }, size: 24 }),
  plain.ranked('the same, bodies fetched for them', { query: { match: { title: 'sturdy boots' } }, size: 5 }),
  plain.ranked('unsigned longs and doubles as fields', {
    query: { match: { title: 'sturdy boots' } },
    size: 5,
    fields: ['huge', 'double'],
    docvalue_fields: ['huge'],
    sort: ['_score'],
  }),
  plain.ranked(
    'huge numbers in a constraint',
    '{"query":{"bool":{"must":[{"match":{"title":"sturdy boots"}}],"must_not":[{"term":{"huge":18446744073709551615}}]}},"size":5}',
  ),
  odd.ranked('members named __proto__ and constructor', { query: MATCH, _source: ['attributes'], size: 5 }),
  odd.ranked(
    'a field with an umlaut',
    { query: { bool: { must: [MATCH], filter: [{ term: { ['naïve']: 'ja' } }] } }, aggs: { ['größe 鞋']: { terms: { field: 'naïve' } } } },
    { constraint: { term: { ['naïve']: 'ja' } } },
  ),
  odd.ranked('names of queries and aggregations that are reserved elsewhere', {
    query: { match: { title: { query: 'lamp mug', _name: '__proto__' } } },
    aggs: { hits: { terms: { field: 'brand' } }, took: { max: { field: 'price' } }, _score: { min: { field: 'price' } } },
  }),
  odd.ranked('the other plug-ins’ ext', '{"query":{"match":{"title":"lamp mug"}},"ext":{},"size":4}'),
];

/** Said by the engine, handed on word for word. */
export const engineErrors: Scenario[] = [
  errors.passed('an unknown query', 'engine_error', { query: { no_such_query: {} } }),
  errors.passed('an unknown member', 'engine_error', { query: MATCH, no_such_member: 1 }),
  errors.passed('an unknown ext', 'engine_error', { query: MATCH, ext: { no_such_plugin: {} } }),
  errors.passed('an unknown URL parameter', 'engine_error', { query: MATCH }, { query: 'no_such_parameter=1' }),
  errors.passed('a wrong value', 'engine_error', { query: { range: { price: { gte: 'dear' } } } }),
  errors.passed('a script that fails', 'engine_error', { query: { script_score: { query: MATCH, script: "doc['no_such_field'].value" } } }),
  errors.passed('a body that is no JSON', 'body_not_understood', '{"query": {"match": {"title": "lamp"}'),
  errors.passed('a body that is a list', 'body_not_understood', '[]'),
  errors.passed('a member twice', 'engine_error', '{"query":{"match":{"title":"lamp"}},"query":{"match_all":{}}}'),
  errors.passed('a page too deep', 'engine_error', { query: MATCH, from: 9_999, size: 10 }),
  errors.passed('a sort by text', 'sort', { query: MATCH, sort: ['title'] }),
  errors.passed('with a stack trace asked for', 'engine_error', { query: { no_such_query: {} } }, { query: 'error_trace=false&pretty' }),
  errors.steps('an index that is not there', { kind: 'passed', reason: 'engine_error' }, [search(NAMES.unknown, { query: MATCH })]),
  errors.steps('a closed index', { kind: 'passed', reason: 'engine_error' }, [search(NAMES.closed, { query: MATCH })]),
  errors.steps('an index beside one that is not there', { kind: 'passed', reason: 'engine_error' }, [
    search(`${NAMES.items},${NAMES.unknown}`, { query: MATCH }),
  ]),
  errors.steps('a route that is not there', { kind: 'refused', status: 403, type: 'security_exception' }, [
    { method: 'POST', path: `/${NAMES.items}/_no_such_route` },
  ]),
];

const put = (path: string, body: object): ClientRequest => ({ method: 'PUT', path, headers: json, body: JSON.stringify(body) });
const refused = { kind: 'refused', status: 403, type: 'security_exception' } as const;
const written = `/${NAMES.written}`;

/** Refused unless the sidecar was told to forward them; then the engine's own. */
export const writing: Scenario[] = [
  writes.steps('a document', refused, [put(`${written}/_doc/1`, { title: 'lamp' })]),
  writes.steps('a bulk', refused, [
    { method: 'POST', path: '/_bulk', headers: { 'content-type': 'application/x-ndjson' }, body: '{"index":{}}\n{}\n' },
  ]),
  writes.steps('an index deleted', refused, [{ method: 'DELETE', path: `/${NAMES.items}` }]),
  writes.steps('documents deleted by query', refused, [
    { method: 'POST', path: `/${NAMES.items}/_delete_by_query`, headers: json, body: '{"query":{"match_all":{}}}' },
  ]),
  writes.steps(
    'an index, documents and a bulk, with proxy.allowWrites',
    { kind: 'forwarded' },
    [
      put(written, { settings: { number_of_shards: 1, number_of_replicas: 0 } }),
      { ...put(`${written}/_doc/a%20b?refresh=true`, {}), body: '{"title":"lamp","n":9007199254740993}' },
      {
        method: 'POST',
        path: `${written}/_bulk?refresh=true`,
        headers: { 'content-type': 'application/x-ndjson' },
        body: '{"index":{"_id":"2"}}\n{"title":"mug"}\n{"create":{"_id":"2"}}\n{"title":"again"}\n{"delete":{"_id":"2"}}\n',
      },
      { method: 'POST', path: `${written}/_update/a%20b`, headers: json, body: '{"doc":{"title":"lamps"}}' },
      { method: 'GET', path: `${written}/_doc/a%20b` },
      { method: 'DELETE', path: written },
    ],
    { through: 'writing' },
  ),
];
