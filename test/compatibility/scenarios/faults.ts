import type { EngineRequest, Fault } from '../faulty-engine.js';
import type { Expectation } from '../scenario.js';

/** What goes wrong at the engine, and what the client of the sidecar gets. */
export interface FaultScenario {
  readonly name: string;
  readonly fault: Fault | null;
  /** `ranked` and `passed`: against what the client would get without the sidecar; `refused`: our own error. */
  readonly expect: Exclude<Expectation, { kind: 'ranked-items' | 'forwarded' }>;
  /** Idle connections are cut before the search. */
  readonly dropsIdle?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** The leg alone is hurt: the client's own search is answered as ever. */
  readonly honest?: boolean;
}

/** The search that meets the faults; its aggregation tells it from the searches that the sidecar adds. */
export const FAULTED_BODY = {
  query: { match: { description: 'days free present years' } },
  size: 4,
  _source: ['title'],
  aggs: { brands: { terms: { field: 'brand' } } },
};

const isSearch = ({ path }: EngineRequest): boolean => path.includes('/_search');
const isClients = (request: EngineRequest): boolean => isSearch(request) && request.body.includes('"aggs"');
const isLeg = (request: EngineRequest): boolean => isSearch(request) && request.body.includes('"_none_"');
const isVectorLeg = (request: EngineRequest): boolean => isLeg(request) && request.body.includes('"knn"');
const isBodies = (request: EngineRequest): boolean => isSearch(request) && !isClients(request) && !isLeg(request);
const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };

function says(meets: Fault['meets'], status: number, body: string, headers: Record<string, string> = JSON_TYPE): Fault {
  return { meets, answer: (response) => void response.writeHead(status, headers).end(body) };
}

const refusal = (type: string, status: number): string =>
  `{"error":{"root_cause":[{"type":"${type}","reason":"too busy"}],"type":"${type}","reason":"too busy"},"status":${status}}`;

/** The engine's true answer, changed. */
function twisted(meets: Fault['meets'], twist: (body: string) => string, headers: Record<string, string> = {}): Fault {
  return {
    meets,
    answer: async (response, honest) => {
      const { status, type, body } = await honest();
      response.writeHead(status, { 'content-type': type, ...headers }).end(twist(body));
    },
  };
}

const oneShardFailed = (body: string): string =>
  body.replace(
    '"successful":2,"skipped":0,"failed":0',
    '"successful":1,"skipped":0,"failed":1,"failures":[{"shard":1,"index":"x","node":"n","reason":{"type":"io_exception","reason":"gone"}}]',
  );

/** Cut off in the middle: the length said more. */
const truncated = (meets: Fault['meets']): Fault => ({
  meets,
  answer: async (response, honest) => {
    const { body } = await honest();
    response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) });
    response.write(body.slice(0, 200), () => response.destroy());
  },
});

const reset = (meets: Fault['meets']): Fault => ({ meets, answer: (response) => void response.destroy() });
const hangs = (meets: Fault['meets']): Fault => ({ meets, answer: () => undefined });
const legsFailed = { kind: 'passed', reason: 'legs_failed' } as const;
const engineError = { kind: 'passed', reason: 'engine_error' } as const;
const unreachable = { kind: 'refused', status: 503, type: 'service_unavailable_exception' } as const;

export const faults: readonly FaultScenario[] = [
  {
    name: '429 with Retry-After',
    fault: says(isClients, 429, refusal('rejected_execution_exception', 429), { ...JSON_TYPE, 'retry-after': '3' }),
    expect: engineError,
  },
  { name: '503', fault: says(isClients, 503, refusal('cluster_block_exception', 503)), expect: engineError },
  {
    name: '502 with a page of a load balancer',
    fault: says(isClients, 502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }),
    expect: engineError,
  },
  {
    name: '401 in plain text',
    fault: says(isClients, 401, 'Unauthorized', { 'content-type': 'text/plain', 'www-authenticate': 'Basic realm="OpenSearch"' }),
    expect: engineError,
  },
  {
    name: '200 that is no search answer',
    fault: says(isClients, 200, '{"acknowledged":true}'),
    expect: { kind: 'passed', reason: 'answer_not_understood' },
  },
  {
    name: '200 that is no JSON',
    fault: says(isClients, 200, '{"took":1,"hits":{"hits":[{'),
    expect: { kind: 'passed', reason: 'answer_not_understood' },
  },
  { name: 'the connection reset before an answer', fault: reset(isClients), expect: unreachable },
  { name: 'the answer cut off in the middle', fault: truncated(isClients), expect: unreachable },
  { name: 'idle connections cut: asked again on a fresh one', fault: null, expect: { kind: 'ranked' }, dropsIdle: true },
  {
    name: 'warnings and cookies of the engine',
    fault: twisted(isClients, (body) => body, { warning: '299 OpenSearch-3.6.0 "deprecated"', 'set-cookie': 'node=1; Path=/' }),
    expect: { kind: 'ranked' },
  },
  { name: 'a shard failed, for all searches', fault: twisted(isSearch, oneShardFailed), expect: legsFailed },
  { name: 'a shard failed, for our first search alone', fault: twisted(isLeg, oneShardFailed), expect: legsFailed, honest: true },
  { name: '503 for our first search', fault: says(isLeg, 503, refusal('cluster_block_exception', 503)), expect: legsFailed, honest: true },
  { name: '500 for our search by vectors', fault: says(isVectorLeg, 500, refusal('exception', 500)), expect: legsFailed, honest: true },
  { name: 'our first search cut off', fault: truncated(isLeg), expect: legsFailed, honest: true },
  {
    name: 'our first search hangs',
    fault: hangs(isLeg),
    expect: { kind: 'passed', reason: 'budget' },
    honest: true,
    headers: { 'x-fuserank-budget-ms': '150' },
  },
  {
    name: 'our search for bodies answered 503',
    fault: says(isBodies, 503, refusal('cluster_block_exception', 503)),
    expect: legsFailed,
    honest: true,
  },
  {
    name: 'our search for bodies hangs',
    fault: hangs(isBodies),
    expect: { kind: 'passed', reason: 'budget' },
    honest: true,
    headers: { 'x-fuserank-budget-ms': '400' },
  },
];
