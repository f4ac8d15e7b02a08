import { get, search, scenariosOf, type ClientRequest, type Expectation, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { LANDED } from '../landed.js';
import { MATCH } from './queries.js';

const templates = scenariosOf('Templates', NAMES.items);
const several = scenariosOf('Several searches in one request', NAMES.items);
const json = { 'content-type': 'application/json' };
const ndjson = { 'content-type': 'application/x-ndjson' };
const RANKED_TEMPLATE: Expectation = LANDED.templates ? { kind: 'ranked' } : { kind: 'passed', reason: 'search_template' };
const template = (body: object, index: string = NAMES.items): ClientRequest => ({
  method: 'POST',
  path: `/${index}/_search/template`,
  headers: json,
  body: JSON.stringify(body),
});
const found = (query: object, more: object = {}): ClientRequest => search(NAMES.items, { query, ...more });
const inline = { source: { query: { match: { title: '{{words}}' } }, size: '{{size}}' }, params: { words: 'lamp mug', size: 4 } };

/** Rendered by the engine, ranked as what they render to. */
export const templateSearches: Scenario[] = [
  templates.steps('stored', RANKED_TEMPLATE, [template({ id: NAMES.template, params: { words: 'lamp mug' } })], {
    plain: [found({ match: { title: 'lamp mug' } })],
  }),
  templates.steps(
    'stored, numbers as strings',
    RANKED_TEMPLATE,
    [template({ id: NAMES.template, params: { words: 'lamp mug', size: 4, from: 2 } })],
    { plain: [found({ match: { title: 'lamp mug' } }, { size: 4, from: 2 })] },
  ),
  templates.steps('inline object', RANKED_TEMPLATE, [template(inline)], { plain: [found({ match: { title: 'lamp mug' } }, { size: 4 })] }),
  templates.steps(
    'inline text',
    RANKED_TEMPLATE,
    [
      template({
        source: '{"query":{"match":{"title":"{{words}}"}},"size":{{size}},"highlight":{"fields":{"title":{}}}}',
        params: { words: 'lamp mug', size: 3 },
      }),
    ],
    {
      plain: [found({ match: { title: 'lamp mug' } }, { size: 3, highlight: { fields: { title: {} } } })],
    },
  ),
  templates.steps(
    'conditions and lists',
    RANKED_TEMPLATE,
    [
      template({
        source:
          '{"query":{"bool":{"must":[{"match":{"title":"{{words}}"}}],"filter":[{"terms":{"material":{{#toJson}}materials{{/toJson}}}}{{#cheap}},{"range":{"price":{"lte":{{cheap}}}}}{{/cheap}}]}}}',
        params: { words: 'lamp mug', materials: ['silk', 'stoneware', 'jersey', 'linen'], cheap: 80 },
      }),
    ],
    {
      plain: [
        found({
          bool: {
            must: [{ match: { title: 'lamp mug' } }],
            filter: [{ terms: { material: ['silk', 'stoneware', 'jersey', 'linen'] } }, { range: { price: { lte: 80 } } }],
          },
        }),
      ],
      constraint: {
        bool: { filter: [{ terms: { material: ['silk', 'stoneware', 'jersey', 'linen'] } }, { range: { price: { lte: 80 } } }] },
      },
    },
  ),
  templates.steps(
    'words that need escaping',
    RANKED_TEMPLATE,
    [template({ id: NAMES.template, params: { words: 'a "lamp" \\ mug & <dress>' } })],
    { plain: [found({ match: { title: 'a "lamp" \\ mug & <dress>' } })] },
  ),
  templates.steps('one that does not render', { kind: 'passed', reason: LANDED.templates ? 'engine_error' : 'search_template' }, [
    template({ source: '{"query":{"match":{"title":"{{#open}}"}}}' }),
  ]),
  templates.steps('one that is not stored', { kind: 'passed', reason: LANDED.templates ? 'engine_error' : 'search_template' }, [
    template({ id: 'no-such-template', params: {} }),
  ]),
  templates.steps(
    'over an index of no profile',
    { kind: 'passed', reason: LANDED.templates ? 'no_profile' : 'search_template' },
    [template(inline, NAMES.foreign)],
    { only: 'shop' },
  ),
  templates.steps('_render/template', { kind: 'forwarded' }, [
    { method: 'POST', path: '/_render/template', headers: json, body: JSON.stringify(inline) },
  ]),
];

const lines = (...all: readonly object[]): string => all.map((each) => `${JSON.stringify(each)}\n`).join('');
const multi = (body: string, path = `/${NAMES.items}/_msearch`, headers: Readonly<Record<string, string>> = ndjson): ClientRequest => ({
  method: 'POST',
  path,
  headers,
  body,
});
const items = (...all: readonly ('ranked' | 'plain')[]): Expectation =>
  LANDED.multiSearch ? { kind: 'ranked-items', items: all } : { kind: 'passed', reason: 'multi_search' };
const passedItems = (reason: string): Expectation => ({ kind: 'passed', reason: LANDED.multiSearch ? reason : 'multi_search' });
const lamp = { query: { match: { title: 'lamp' } }, size: 4 };
const mugs = { query: { bool: { must: [{ match: { title: 'mug' } }], filter: [{ range: { price: { lte: 90 } } }] } }, size: 3 };
const broken = { query: { match: { title: { query: 'lamp', operator: 'neither' } } } };

/** `_msearch` and its templates: an item is a search. */
export const multiSearches: Scenario[] = [
  several.steps('_msearch over one index', items('ranked', 'ranked'), [multi(lines({}, lamp, {}, mugs))], {
    plain: [search(NAMES.items, lamp), search(NAMES.items, mugs)],
  }),
  several.steps(
    '_msearch, indices in the lines',
    items('ranked', 'ranked'),
    [multi(lines({ index: NAMES.items }, lamp, { index: [NAMES.more] }, lamp), '/_msearch')],
    { plain: [search(NAMES.items, lamp), search(NAMES.more, lamp)] },
  ),
  several.steps(
    '_msearch labelled application/json',
    items('ranked'),
    [multi(lines({ index: NAMES.items }, { ...lamp, aggs: { brands: { terms: { field: 'brand' } } } }), '/_msearch', json)],
    {
      plain: [search(NAMES.items, { ...lamp, aggs: { brands: { terms: { field: 'brand' } } } })],
    },
  ),
  several.steps(
    '_msearch beside items that are not ranked',
    items('ranked', 'plain', 'plain', 'plain'),
    [
      multi(
        lines(
          {},
          lamp,
          {},
          { ...lamp, sort: ['price'] },
          { index: NAMES.unknown },
          lamp,
          {},
          { size: 0, aggs: { n: { terms: { field: 'brand' } } } },
        ),
      ),
    ],
    { plain: [search(NAMES.items, lamp)] },
  ),
  several.steps(
    '_msearch, preference, routing and search_type in the lines',
    items('ranked', 'ranked'),
    [
      multi(
        lines(
          { preference: '_local', search_type: 'dfs_query_then_fetch' },
          lamp,
          { ignore_unavailable: true, index: `${NAMES.items},${NAMES.unknown}` },
          lamp,
        ),
      ),
    ],
    {
      plain: [
        search(NAMES.items, lamp, { query: 'preference=_local&search_type=dfs_query_then_fetch' }),
        search(`${NAMES.items},${NAMES.unknown}`, lamp, { query: 'ignore_unavailable=true' }),
      ],
    },
  ),
  several.steps(
    '_msearch, typed_keys and totals as numbers',
    items('ranked'),
    [
      multi(
        lines({}, { ...lamp, aggs: { n: { terms: { field: 'brand' } } } }),
        `/${NAMES.items}/_msearch?typed_keys=true&rest_total_hits_as_int=true&max_concurrent_searches=2`,
      ),
    ],
    {
      plain: [
        search(
          NAMES.items,
          { ...lamp, aggs: { n: { terms: { field: 'brand' } } } },
          { query: 'typed_keys=true&rest_total_hits_as_int=true' },
        ),
      ],
    },
  ),
  several.steps('_msearch, nothing to rank in it', passedItems('sort'), [multi(lines({}, { ...lamp, sort: ['price'] }))]),
  several.steps('_msearch, refused whole', passedItems('engine_error'), [multi(lines({}, lamp, {}, broken))]),
  several.steps('_msearch without a last line end', passedItems('body_not_understood'), [multi(lines({}, lamp).trimEnd())]),
  several.steps('_msearch, empty', passedItems('engine_error'), [multi('\n')]),
  several.steps(
    '_msearch/template',
    items('ranked'),
    [multi(lines({}, { id: NAMES.template, params: { words: 'lamp mug', size: 4 } }), `/${NAMES.items}/_msearch/template`)],
    { plain: [found({ match: { title: 'lamp mug' } }, { size: 4 })] },
  ),
  several.steps('_mget', { kind: 'forwarded' }, [
    { method: 'POST', path: `/${NAMES.items}/_mget`, headers: json, body: '{"ids":["a/b","lamp-0001","nothing"]}' },
  ]),
];

const onWire = scenariosOf('On the wire', NAMES.items);
const plain = { query: MATCH, size: 5 };
const lean = { ...plain, _source: ['title', 'price'] };
const RANKED_FILTER = (name: string, filter: string): Scenario =>
  LANDED.filterPath
    ? onWire.ranked(name, plain, { query: `filter_path=${filter}` })
    : onWire.passed(name, 'filter_path', lean, { query: `filter_path=${filter}` });

/** Forms of requests and answers. */
export const wire: Scenario[] = [
  ...(LANDED.pretty
    ? [
        onWire.ranked('pretty', lean, { query: 'pretty' }),
        onWire.ranked('pretty=true and human', lean, { query: 'pretty=true&human=true' }),
      ]
    : []),
  onWire.ranked('error_trace', plain, { query: 'error_trace=true' }),
  onWire.ranked('format=json', plain, { query: 'format=json' }),
  onWire.passed('format=yaml', 'format', lean, { query: 'format=yaml' }),
  onWire.passed('YAML by Accept', 'format', lean, { headers: { accept: 'application/yaml' } }),
  onWire.passed('CBOR by Accept', 'format', lean, { headers: { accept: 'application/cbor' } }),
  onWire.passed('Smile by format', 'format', lean, { query: 'format=smile' }),
  onWire.passed('a body in YAML', 'body_not_understood', 'query:\n  match:\n    title: lamp\n_source: [title]\n', {
    headers: { 'content-type': 'application/yaml' },
  }),
  onWire.passed('a body under an unknown label', 'body_not_understood', lean, { headers: { 'content-type': 'text/plain' } }),
  onWire.ranked('a body labelled with a charset', plain, { headers: { 'content-type': 'application/json; charset=UTF-8' } }),
  onWire.ranked('gzip out', { ...plain, size: 30 }, { whole: true, headers: { 'accept-encoding': 'gzip' } }),
  onWire.ranked('gzip, deflate, br out', { ...plain, size: 30 }, { headers: { 'accept-encoding': 'gzip, deflate, br' } }),
  onWire.passed('gzip out, passed through', 'sort', { ...plain, sort: ['price'], size: 30 }, { headers: { 'accept-encoding': 'gzip' } }),
  onWire.ranked('X-Opaque-Id comes back', plain, { headers: { 'x-opaque-id': 'basket-7' } }),
  onWire.ranked('traceparent and cookies', plain, {
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', cookie: 'a=b' },
  }),
  RANKED_FILTER('filter_path, hits whole', 'took,hits.total,hits.hits'),
  RANKED_FILTER('filter_path, all but aggregations', '-aggregations'),
  onWire.passed('filter_path without ids', 'filter_path', lean, { query: 'filter_path=hits.hits._source.title,took' }),
  onWire.ranked('blanks and line ends in the body', '\n { "query" :\t{ "match" : { "title" : "lamp mug" } } ,\r\n "size" : 4 }\n'),
  onWire.ranked(
    'numbers of every form in the body',
    '{"query":{"function_score":{"query":{"match":{"title":"lamp mug"}},"weight":1.50e0}},"size":4,"from":0}',
  ),
  onWire.passed(
    'a body of 2 MB',
    'body_too_large',
    `{"query":{"match":{"title":"lamp"}},"size":2,"_source":["title"]${' '.repeat(9_000_000)}}`,
  ),
  onWire.steps('HEAD', { kind: 'forwarded' }, [{ method: 'HEAD', path: `/${NAMES.items}/_search` }]),
  onWire.steps('OPTIONS', { kind: 'forwarded' }, [{ method: 'OPTIONS', path: `/${NAMES.items}/_search` }]),
  onWire.steps('HEAD of an index', { kind: 'forwarded' }, [{ method: 'HEAD', path: `/${NAMES.items}` }]),
  onWire.steps(
    'a slash at the end',
    { kind: 'ranked' },
    [search(`${NAMES.items}`, plain)].map((each) => ({ ...each, path: `${each.path}/` })),
  ),
];

const reads = scenariosOf('Other reads', NAMES.items);
const post = (path: string, body: object): ClientRequest => ({ method: 'POST', path, headers: json, body: JSON.stringify(body) });
const forwarded = (name: string, request: ClientRequest): Scenario => reads.steps(name, { kind: 'forwarded' }, [request]);

/** Routes that are no searches: the engine's own answers, to the byte. */
export const otherReads: Scenario[] = [
  forwarded('the root', get('/')),
  forwarded('_cat/count', get(`/_cat/count/${NAMES.items}?h=count`)),
  forwarded('_cluster/health', get(`/_cluster/health/${NAMES.items}?filter_path=status,timed_out`)),
  forwarded('an index', get(`/${NAMES.items}`)),
  forwarded('_mapping', get(`/${NAMES.items}/_mapping?pretty`)),
  forwarded('_settings', get(`/${NAMES.items}/_settings`)),
  forwarded('_alias', get(`/_alias/${NAMES.cheap}`)),
  forwarded('_doc', get(`/${NAMES.items}/_doc/lamp-0001`)),
  forwarded('_doc under an odd id', get(`/${NAMES.items}/_doc/${encodeURIComponent('ünï-鞋')}`)),
  reads.steps(
    '_doc under an id with a slash: refused, since a path is decoded once',
    { kind: 'refused', status: 400, type: 'bad_request' },
    [get(`/${NAMES.items}/_doc/a%2Fb`)],
  ),
  forwarded('_doc that is not there', get(`/${NAMES.items}/_doc/nothing`)),
  forwarded('_source', get(`/${NAMES.items}/_source/__proto__`)),
  forwarded('_count', post(`/${NAMES.items}/_count`, { query: MATCH })),
  forwarded('_explain', post(`/${NAMES.items}/_explain/lamp-0001`, { query: MATCH })),
  forwarded('_field_caps', get(`/${NAMES.items}/_field_caps?fields=title,price`)),
  forwarded('_validate', post(`/${NAMES.items}/_validate/query?explain=true`, { query: MATCH })),
  forwarded('_analyze', post(`/${NAMES.items}/_analyze`, { field: 'title', text: 'Running shoes' })),
  forwarded('_termvectors', post(`/${NAMES.items}/_termvectors/lamp-0001`, { fields: ['prose'] })),
  forwarded(
    '_rank_eval',
    post(`/${NAMES.items}/_rank_eval`, {
      requests: [{ id: 'q', request: { query: MATCH }, ratings: [{ _index: NAMES.items, _id: 'lamp-0001', rating: 2 }] }],
      metric: { dcg: { k: 5 } },
    }),
  ),
];
