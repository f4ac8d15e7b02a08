import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream } from '../../opensearch/upstream.js';
import type { SearchCall } from '../search-call.js';
import { sendAnswer, type SearchAnswer } from './answer.js';
import { forwardRequest } from './forward.js';
import { readBody } from './request-body.js';
import type { RequestTarget } from './request-target.js';

export type AnswerSearch = (call: SearchCall) => Promise<SearchAnswer>;

/** The length up to which a search is read; what is longer (a photo, a list of ids without end) streams through unranked. */
export const PARSED_BYTES = 1024 ** 2;

/** Takes one `_search` in and sends its answer: no framework between the socket and the walk. */
export async function openSearchDoor(
  request: IncomingMessage,
  response: ServerResponse,
  options: { target: RequestTarget; index: string; answerSearch: AnswerSearch; upstream: Upstream; signal: AbortSignal },
): Promise<void> {
  const body = await readBody(request, PARSED_BYTES);
  if (body.kind === 'stream') {
    await forwardRequest(request, response, { upstream: options.upstream, signal: options.signal, body, skipped: 'body_too_large' });
    return;
  }
  const answer = await options.answerSearch({
    method: request.method ?? 'GET',
    rawUrl: options.target.raw,
    index: options.index,
    query: options.target.query,
    headers: request.headers,
    body: body.bytes,
    signal: options.signal,
  });
  if (!options.signal.aborted) sendAnswer(response, answer);
}
