import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Upstream, UpstreamAnswer } from '../../opensearch/upstream.js';
import { headerOf, type SearchCall } from '../request/search-call.js';
import type { UpstreamSearch } from '../request/upstream-search.js';
import type { SearchClock } from './search-clock.js';

/** What goes back to the client. */
export interface SearchAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** Below this, packing costs more than it saves. */
const PACKED_BYTES = 1024;
const TAKES_GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i;

const gzipAsync = promisify(gzip);

/** Sends the client's own request on. */
export function askEngine(
  upstream: Upstream,
  request: UpstreamSearch,
  { signal, clock }: { signal: AbortSignal; clock: SearchClock },
): Promise<UpstreamAnswer> {
  return clock.stage('client', () => clock.duringEngine(() => upstream.send({ ...request, signal })));
}

/** The answer must come as text: it is read and cut. */
export function inPlainText(request: UpstreamSearch): UpstreamSearch {
  return { ...request, headers: { ...request.headers, 'accept-encoding': 'identity' } };
}

/** Packed again where the client takes gzip: the engine was asked for plain text, since its answer is read and cut. */
export async function finishAnswer(
  answer: UpstreamAnswer,
  body: Buffer,
  { label, call, serverTiming }: { label: string; call: SearchCall; serverTiming: string | null },
): Promise<SearchAnswer> {
  const { 'content-length': _length, ...headers } = answer.headers;
  const asked = TAKES_GZIP.test(headerOf(call, 'accept-encoding') ?? '');
  const packed = asked && body !== answer.body && headers['content-encoding'] === undefined && body.length > PACKED_BYTES;
  if (packed) headers['content-encoding'] = 'gzip';
  headers['x-fuserank'] = label;
  if (serverTiming !== null) headers['server-timing'] = serverTiming;
  return { status: answer.status, headers, body: packed ? await gzipAsync(body, { level: 1 }) : body };
}
