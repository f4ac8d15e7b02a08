import { get, scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { MATCH } from './queries.js';

const { ranked, passed, steps } = scenariosOf('Pages and totals', NAMES.items);
const everything = { match_all: {} };
const broad = { match: { description: 'days free present' } };

/** Where a page begins, where the list ends, what is counted. */
export const paging: Scenario[] = [
  ranked('from > 0', { query: broad, from: 10, size: 10 }),
  ranked('from > 0 by URL, over the body’s', { query: broad, from: 3, size: 4 }, { query: 'from=6&size=5' }),
  ranked('last page, shorter than asked for', { query: everything, from: 90, size: 20 }),
  ranked('beyond the last hit', { query: MATCH, from: 5000, size: 10 }),
  ranked('one hit asked for', { query: broad, size: 1 }),
  ranked('more than there are', { query: everything, size: 500 }),
  ranked('one hit found', { query: { ids: { values: ['constructor'] } } }),
  ranked(
    'nothing found by the words, hits added',
    { query: { bool: { must: [{ match: { title: 'xyzzy' } }], filter: [{ term: { material: 'linen' } }] } } },
    { constraint: { term: { material: 'linen' } }, adds: true, only: 'shop' },
  ),
  passed('nothing found', 'no_hits', { query: { match: { title: 'xyzzy' } }, post_filter: { match_none: {} } }),
  ranked('page wholly in a small window', { query: everything, from: 0, size: 6 }, { own: { window: 12 } }),
  ranked('page across the window’s end', { query: everything, from: 8, size: 10 }, { own: { window: 12 } }),
  ranked('page across the window’s end, with added hits', { query: MATCH, from: 0, size: 60 }, { own: { window: 6 }, adds: true }),
  ranked('page beyond the window', { query: everything, from: 40, size: 10 }, { own: { window: 12 } }),
  ranked('page beyond the window, with added hits', { query: broad, from: 30, size: 20 }, { own: { window: 10 } }),
  ranked('size larger than the window', { query: everything, size: 40 }, { own: { window: 5 } }),
  ranked('window of one', { query: everything, size: 5 }, { own: { window: 1 } }),
  ...([true, false, 5, 1000] as const).map((value) => ranked(`track_total_hits: ${value}`, { query: MATCH, track_total_hits: value })),
  ranked('rest_total_hits_as_int', { query: MATCH }, { query: 'rest_total_hits_as_int=true' }),
  ranked('rest_total_hits_as_int, counted by URL', { query: MATCH }, { query: 'rest_total_hits_as_int=true&track_total_hits=true' }),
  ranked('terminate_after', { query: broad, terminate_after: 5 }, { adds: false }),
  ranked('timeout', { query: broad, timeout: '10s' }),
  ranked('cancel_after_time_interval', { query: broad }, { query: 'cancel_after_time_interval=30s' }),
  passed('size 0', 'size_zero', { query: MATCH, size: 0, aggs: { brands: { terms: { field: 'brand' } } } }),
  passed('size 0 by URL', 'size_zero', { query: MATCH, size: 5 }, { query: 'size=0' }),
  steps('size as a numeric string in the body', { kind: 'ranked' }, [
    {
      method: 'POST',
      path: `/${NAMES.items}/_search`,
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}},"size":"3","from":"2"}',
    },
  ]),
  steps('no body at all', { kind: 'ranked' }, [get(`/${NAMES.items}/_search`)]),
  passed('size beyond what the engine allows', 'engine_error', { query: MATCH, size: 20000 }),
];
