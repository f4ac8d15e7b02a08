import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream } from '../../opensearch/upstream.js';
import type { SearchCall, Spelling } from '../request/search-call.js';
import { ownParametersOut } from '../request/upstream-search.js';
import { sendAnswer, type SearchAnswer } from './answer.js';
import { forwardRequest } from './forward.js';
import { readBody } from './request-body.js';
import type { RequestTarget } from './request-target.js';

export type AnswerSearch = (call: SearchCall, spelling: Spelling) => Promise<SearchAnswer>;

/** The length up to which every search is read. */
const PARSED_BYTES = 1024 ** 2;
/** A search with a photo in it is longer; it is read while all of those together stay within the room. */
const PHOTO_BYTES = 8 * 1024 ** 2;
const PHOTO_ROOM_BYTES = 64 * 1024 ** 2;
let photoBytesHeld = 0;

/**
 * Takes one search in and sends its answer: no framework between the socket and the walk. What is too long to be
 * read streams through unranked.
 */
export async function openSearchDoor(
  request: IncomingMessage,
  response: ServerResponse,
  options: {
    target: RequestTarget;
    index: string;
    spelling: Spelling;
    answerSearch: AnswerSearch;
    upstream: Upstream;
    signal: AbortSignal;
    caller: string;
    token: string | null;
  },
): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  const isPhoto = announced > PARSED_BYTES && announced <= PHOTO_BYTES && photoBytesHeld + announced <= PHOTO_ROOM_BYTES;
  if (isPhoto) photoBytesHeld += announced;
  try {
    await answerOne(request, response, options, isPhoto ? announced : PARSED_BYTES);
  } finally {
    if (isPhoto) photoBytesHeld -= announced;
  }
}

async function answerOne(
  request: IncomingMessage,
  response: ServerResponse,
  options: Parameters<typeof openSearchDoor>[2],
  limit: number,
): Promise<void> {
  const body = await readBody(request, limit);
  if (body.kind === 'stream') {
    const path = ownParametersOut(options.target.raw);
    await forwardRequest(request, response, { upstream: options.upstream, signal: options.signal, body, path, skipped: 'body_too_large' });
    return;
  }
  const call: SearchCall = {
    method: request.method ?? 'GET',
    rawUrl: options.target.raw,
    index: options.index,
    query: options.target.query,
    headers: request.headers,
    body: body.bytes,
    signal: options.signal,
    caller: options.caller,
    token: options.token,
  };
  const answer = await options.answerSearch(call, options.spelling);
  if (!options.signal.aborted) sendAnswer(response, answer);
}
