import { get, search, scenariosOf, type Scenario } from '../scenario.js';
import { NAMES } from '../names.js';
import { LANDED } from '../landed.js';
import { MATCH } from './queries.js';

const { ranked, steps, passed } = scenariosOf('Indices and aliases', NAMES.items);
const body = { query: MATCH, size: 6 };
const over = (name: string, expression: string, query?: string): Scenario =>
  steps(name, { kind: 'ranked' }, [search(expression, body, query === undefined ? {} : { query })]);
const sturdy = { query: { match: { title: 'sturdy boots' } }, size: 5 };

/** Which indices a search is over, and for whom. */
export const indices: Scenario[] = [
  over('two indices', `${NAMES.items},${NAMES.more}`),
  over('two indices, names escaped', `${NAMES.items}%2C${NAMES.more}`),
  steps(
    'two indices, ids that stand in both, a list that ends on the page',
    { kind: 'ranked' },
    [search(`${NAMES.items},${NAMES.more}`, { query: { bool: { must: [{ match_all: {} }], should: [MATCH] } }, size: 100 })],
    { own: { window: 8 } },
  ),
  over('a pattern', `${NAMES.items.slice(0, -2)}*,${NAMES.more}`),
  ...(LANDED.ignoreUnavailable ? [over('an unknown index ignored', `${NAMES.items},${NAMES.unknown}`, 'ignore_unavailable=true')] : []),
  over('an alias with a filter', NAMES.cheap),
  over('an alias with routing', NAMES.routed),
  steps('an index without vectors or stamp', { kind: 'ranked' }, [search(NAMES.plain, sturdy)]),
  steps('indices_boost', { kind: 'ranked' }, [search(`${NAMES.items},${NAMES.more}`, { ...body, indices_boost: [{ [NAMES.more]: 3.5 }] })]),
  steps('an alias with a filter: added hits pass it', { kind: 'ranked' }, [search(NAMES.cheap, body)], {
    constraint: { range: { price: { lt: 60 } } },
  }),
  ranked('routing', body, { query: 'routing=p1' }),
  ranked('preference', body, { query: 'preference=_local' }),
  ranked('preference by session', body, { query: 'preference=shopper-17' }),
  ranked('request_cache and batched_reduce_size', body, {
    query: 'request_cache=false&batched_reduce_size=2&pre_filter_shard_size=1&max_concurrent_shard_requests=2',
  }),
  ranked('expand_wildcards and allow_no_indices', body, { query: 'expand_wildcards=open&allow_no_indices=true' }),
  ranked('phase_took', body, { query: 'phase_took=true' }),
  steps('an index that no profile names', { kind: 'passed', reason: 'no_profile' }, [search(NAMES.foreign, body)], { only: 'shop' }),
  steps(
    'one index of a profile beside one of none',
    { kind: 'passed', reason: 'no_profile' },
    [search(`${NAMES.items},${NAMES.foreign}`, body)],
    { only: 'shop' },
  ),
  steps('all indices', { kind: 'passed', reason: 'no_profile' }, [get('/_search?size=0&filter_path=timed_out')], { only: 'shop' }),
  passed('asked to be left alone', 'bypass', body, { headers: { 'x-fuserank-bypass': 'true' } }),
  passed('no time given', 'budget', body, { own: { budget_ms: 0 } }),
  passed('the engine’s order asked for', 'blend_zero', body, { own: { blend: 0 } }),
  passed('a dry run', 'dry_run', body, { own: { dry_run: true } }),
];
