import { z } from 'zod';
import { get, search, scenariosOf, type Scenario } from '../scenario.js';
import type { Answer } from '../../sidecar/http-rig.js';
import { NAMES } from '../names.js';
import { MATCH } from './queries.js';

const sorted = scenariosOf('Orders that are not ours to change', NAMES.items);
const cursors = scenariosOf('Cursors', NAMES.items);
const all = { match_all: {} };
const json = { 'content-type': 'application/json' };

/** A page that is not ordered by score, best first. */
export const orders: Scenario[] = [
  sorted.passed('sort by a field', 'sort', { query: MATCH, sort: ['price'] }, { whole: true }),
  sorted.passed('sort by several', 'sort', {
    query: MATCH,
    sort: [{ rating: 'desc' }, '_score', { price: { order: 'asc', missing: '_last' } }],
  }),
  sorted.passed('sort by score, worst first', 'sort', { query: MATCH, sort: [{ _score: 'asc' }] }),
  sorted.passed('sort by distance', 'sort', { query: MATCH, sort: [{ _geo_distance: { place: { lat: 50, lon: 8 }, unit: 'km' } }] }),
  sorted.passed('sort by a script', 'sort', {
    query: MATCH,
    sort: { _script: { type: 'number', script: "doc['stock'].value", order: 'desc' } },
  }),
  sorted.passed('sort in nested objects', 'sort', {
    query: MATCH,
    sort: [{ 'variants.stock': { mode: 'max', nested: { path: 'variants' }, order: 'desc' } }],
  }),
  sorted.passed('sort by index order', 'sort', { query: all, sort: ['_doc'] }),
  sorted.passed('sort by URL', 'sort', { query: MATCH }, { query: 'sort=price:desc,rank_key' }),
  sorted.passed('sort with track_scores', 'sort', { query: MATCH, sort: ['price'], track_scores: true }),
  sorted.passed('profile: true', 'profile', { query: MATCH, profile: true, _source: ['title'] }),
];

const idSchema = z.looseObject({ _scroll_id: z.string().optional(), pit_id: z.string().optional() });
const idsOf = (answer: Answer | undefined): { scroll: string; pit: string } => {
  const ids = idSchema.parse(JSON.parse(answer?.text ?? '{}'));
  return { scroll: ids._scroll_id ?? '', pit: ids.pit_id ?? '' };
};
const opensPit = { method: 'POST', path: `/${NAMES.items}/_search/point_in_time?keep_alive=1m` };
const pitBody = (id: string, more: object = {}): string =>
  JSON.stringify({ query: MATCH, size: 3, pit: { id, keep_alive: '1m' }, ...more });

/** Readers that go on where they stopped. */
export const cursorReads: Scenario[] = [
  cursors.steps('scroll, opened, read on, closed', { kind: 'forwarded' }, [
    search(NAMES.items, { query: MATCH, size: 2 }, { query: 'scroll=1m' }),
    (earlier) => ({
      method: 'POST',
      path: '/_search/scroll',
      headers: json,
      body: JSON.stringify({ scroll: '1m', scroll_id: idsOf(earlier[0]).scroll }),
    }),
    (earlier) => ({
      method: 'DELETE',
      path: '/_search/scroll',
      headers: json,
      body: JSON.stringify({ scroll_id: [idsOf(earlier[0]).scroll] }),
    }),
  ]),
  cursors.passed('the first page of a scroll', 'scroll', { query: MATCH, size: 2 }, { query: 'scroll=1s' }),
  cursors.passed('a sliced scroll', 'scroll', { query: all, slice: { id: 0, max: 2 }, size: 2 }, { query: 'scroll=1s' }),
  cursors.passed('search_after', 'search_after', { query: MATCH, sort: ['_score', 'rank_key'], search_after: [1.5, 'm'] }),
  cursors.steps('a point in time, by score', { kind: 'passed', reason: 'pit' }, [
    opensPit,
    (earlier) => ({
      method: 'POST',
      path: '/_search',
      headers: { ...json, 'x-fuserank-profile': 'shop' },
      body: pitBody(idsOf(earlier[0]).pit),
    }),
  ]),
  cursors.steps('a point in time, read on by search_after', { kind: 'passed', reason: 'search_after' }, [
    opensPit,
    (earlier) => ({
      method: 'POST',
      path: '/_search',
      headers: { ...json, 'x-fuserank-profile': 'shop' },
      body: pitBody(idsOf(earlier[0]).pit, { sort: ['price', '_shard_doc'], search_after: [20, 1] }),
    }),
  ]),
  cursors.steps('a slice of a point in time', { kind: 'passed', reason: 'pit' }, [
    opensPit,
    (earlier) => ({
      method: 'POST',
      path: '/_search',
      headers: { ...json, 'x-fuserank-profile': 'shop' },
      body: pitBody(idsOf(earlier[0]).pit, { slice: { id: 1, max: 2 } }),
    }),
  ]),
  cursors.steps(
    'a point in time, no profile named',
    { kind: 'passed', reason: 'no_profile' },
    [opensPit, (earlier) => ({ method: 'POST', path: '/_search', headers: json, body: pitBody(idsOf(earlier[0]).pit) })],
    { only: 'shop' },
  ),
  cursors.steps('a point in time, closed', { kind: 'forwarded' }, [
    opensPit,
    (earlier) => ({
      method: 'DELETE',
      path: '/_search/point_in_time',
      headers: json,
      body: JSON.stringify({ pit_id: [idsOf(earlier[0]).pit] }),
    }),
    get('/_cluster/health?filter_path=cluster_name'),
  ]),
];
