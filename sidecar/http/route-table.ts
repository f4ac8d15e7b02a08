import { nearestName } from '../../config/nearest-name.js';
import type { Spelling } from '../request/search-call.js';

/** Where a request goes. Names are a fixed list: they label metrics. */
export type Route =
  | {
      readonly kind: 'search';
      readonly name: 'search' | 'multi_search' | 'search_template';
      readonly spelling: Spelling;
      readonly index: string;
    }
  | { readonly kind: 'own'; readonly name: 'health' | 'ubi' | 'ui' | 'v1' }
  | { readonly kind: 'forward'; readonly name: 'read' }
  | { readonly kind: 'write'; readonly name: 'write' };

/**
 * The engine's read routes, as methods and path. `{index}` is a name that does not begin with `_` (or is `_all`),
 * `{id}` any part, `**` whatever follows. HEAD goes with GET, OPTIONS with every route.
 */
const READ_ROUTES: readonly string[] = [
  'GET /',
  'GET /_cat/**',
  'GET /_cluster/health',
  'GET /_cluster/health/{index}',
  'GET /{index}',
  'GET /_mapping',
  'GET /{index}/_mapping',
  'GET /_mapping/field/{id}',
  'GET /{index}/_mapping/field/{id}',
  'GET /_settings',
  'GET /_settings/{id}',
  'GET /{index}/_settings',
  'GET /{index}/_settings/{id}',
  'GET /_alias',
  'GET /_alias/{id}',
  'GET /{index}/_alias',
  'GET /{index}/_alias/{id}',
  'GET /_aliases',
  'GET /{index}/_doc/{id}',
  'GET /{index}/_source/{id}',
  'GET|POST /_mget',
  'GET|POST /{index}/_mget',
  'GET|POST /_count',
  'GET|POST /{index}/_count',
  'GET|POST /{index}/_explain/{id}',
  'GET|POST /_field_caps',
  'GET|POST /{index}/_field_caps',
  'GET|POST /_validate/query',
  'GET|POST /{index}/_validate/query',
  'GET|POST /_analyze',
  'GET|POST /{index}/_analyze',
  'GET|POST /_render/template',
  'GET|POST /_render/template/{id}',
  'GET|POST|DELETE /_search/scroll',
  'GET|POST|DELETE /_search/scroll/{id}',
  'POST /{index}/_search/point_in_time',
  'DELETE /_search/point_in_time',
  'GET|POST /_rank_eval',
  'GET|POST /{index}/_rank_eval',
  'GET|POST /{index}/_termvectors',
  'GET|POST /{index}/_termvectors/{id}',
  'GET|POST /_mtermvectors',
  'GET|POST /{index}/_mtermvectors',
  'GET /_nodes/http',
  'GET /_nodes/{id}/http',
  'GET /_nodes/plugins',
];

interface ReadRoute {
  readonly methods: ReadonlySet<string>;
  readonly parts: readonly string[];
}

const readRoutes: readonly ReadRoute[] = READ_ROUTES.map((line) => {
  const [methods = '', path = ''] = line.split(' ');
  const allowed = new Set(methods.split('|'));
  if (allowed.has('GET')) allowed.add('HEAD');
  allowed.add('OPTIONS');
  return { methods: allowed, parts: path.split('/').filter(Boolean) };
});

const HEALTH_ROUTES: ReadonlySet<string> = new Set(['livez', 'readyz', 'startupz', 'health', 'info']);

export function findRoute(method: string, segments: readonly string[]): Route {
  const [first = '', second] = segments;
  const search = findSearch(segments);
  if (search) {
    if (method === 'GET' || method === 'POST') return search;
    // The engine has no such route: it says so itself.
    return method === 'HEAD' || method === 'OPTIONS' ? { kind: 'forward', name: 'read' } : { kind: 'write', name: 'write' };
  }
  if (segments.length === 1 && HEALTH_ROUTES.has(first)) return { kind: 'own', name: 'health' };
  if (first === 'ubi' && segments.length === 2 && (second === 'events' || second === 'queries')) return { kind: 'own', name: 'ubi' };
  if (isOwnV1(segments)) return { kind: 'own', name: 'v1' };
  if (first === 'ui') return { kind: 'own', name: 'ui' };
  if (!readRoutes.some((route) => matches(route, method, segments))) return { kind: 'write', name: 'write' };
  return { kind: 'forward', name: 'read' };
}

const SEARCHES: Readonly<Record<string, { readonly name: 'search' | 'multi_search' | 'search_template'; readonly spelling: Spelling }>> = {
  _search: { name: 'search', spelling: 'search' },
  '_search/template': { name: 'search_template', spelling: 'template' },
  _msearch: { name: 'multi_search', spelling: 'multi-search' },
  '_msearch/template': { name: 'multi_search', spelling: 'multi-template' },
};

/** A search in any spelling, with or without an index before it. */
function findSearch(segments: readonly string[]): Extract<Route, { kind: 'search' }> | null {
  const [first = ''] = segments;
  const named = isIndex(first);
  const path = (named ? segments.slice(1) : segments).join('/');
  const found = Object.hasOwn(SEARCHES, path) ? SEARCHES[path] : undefined;
  return found ? { kind: 'search', ...found, index: named ? first : '' } : null;
}

const V1_ROUTES: ReadonlySet<string> = new Set(['rank', 'similar', 'recommend', 'search', 'embed']);

/** Ours are `/v1/…` by name, so that an index called v1 keeps its own routes. */
function isOwnV1(segments: readonly string[]): boolean {
  const [first = '', second = ''] = segments;
  return (first === 'v1' && V1_ROUTES.has(second)) || (segments.length === 1 && first === 'openapi.json');
}

/** Ours, as far as a caller may mistype them without asking for an index. */
const OWN_PATHS: readonly string[] = [...[...V1_ROUTES].map((name) => `v1/${name}`), 'ubi/events', 'ubi/queries'];

/**
 * What was meant by a path that is no route of the engine's; null where it is nowhere near one of ours. An index may be called v1 or
 * ubi: its own routes go on with `_`.
 */
export function guessOwnRoute(segments: readonly string[]): string | null {
  const [first = '', second = ''] = segments;
  if (segments.length < 2 || second.startsWith('_')) return null;
  if (first === 'v1' && second === 'users') return 'it is on the admin port, server.adminPort';
  const near = nearestName(`${first}/${second}`, OWN_PATHS);
  return near === null ? null : `did you mean /${near}?`;
}

function matches(route: ReadRoute, method: string, segments: readonly string[]): boolean {
  if (!route.methods.has(method)) return false;
  const open = route.parts.at(-1) === '**';
  const fixed = open ? route.parts.slice(0, -1) : route.parts;
  if (open ? segments.length < fixed.length : segments.length !== fixed.length) return false;
  return fixed.every((part, position) => {
    const segment = segments[position] ?? '';
    if (part === '{index}') return isIndex(segment);
    // `_all` in an id's place means every scroll, every alias: reading that is a read, dropping it is not.
    if (part === '{id}') return method !== 'DELETE' || segment !== '_all';
    return part === segment;
  });
}

function isIndex(segment: string): boolean {
  return segment === '_all' || (segment !== '' && !segment.startsWith('_'));
}
