import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream } from '../../opensearch/upstream.js';
import type { SearchCall, Spelling } from '../request/search-call.js';
import { unpackedBytes } from '../request/plain-body.js';
import { ownParametersOut } from '../request/upstream-search.js';
import { sendAnswer, type SearchAnswer } from './answer.js';
import { forwardRequest } from './forward.js';
import { PHOTO_BYTES, ROOMLESS_BYTES, type PhotoRoom } from './photo-room.js';
import { readBody, type RequestBody } from './request-body.js';
import type { RequestTarget } from './request-target.js';

export type AnswerSearch = (call: SearchCall, spelling: Spelling) => Promise<SearchAnswer>;

/** A search that came in, and what is known of it beside its body. */
interface Visit {
  readonly target: RequestTarget;
  readonly index: string;
  readonly spelling: Spelling;
  readonly answerSearch: AnswerSearch;
  readonly upstream: Upstream;
  readonly room: PhotoRoom;
  readonly signal: AbortSignal;
  readonly caller: string;
  readonly token: string | null;
}

/**
 * Takes one search in and sends its answer: no framework between the socket and the walk. What is too long to be
 * read, or to be unpacked, while there is no room for it streams through unranked.
 */
export async function openSearchDoor(request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  const leaveLong = announced <= PHOTO_BYTES ? visit.room.enter(announced) : null;
  let leaveUnpacked: (() => void) | null = null;
  try {
    const body = await readBody(request, leaveLong ? Math.max(announced, ROOMLESS_BYTES) : ROOMLESS_BYTES);
    if (body.kind === 'whole') {
      const packed = request.headers['content-encoding'] === 'gzip';
      leaveUnpacked = visit.room.enter(packed ? unpackedBytes(body.bytes, PHOTO_BYTES) : 0);
    }
    if (body.kind === 'whole' && leaveUnpacked) await answerSearch(body.bytes, request, response, visit);
    else await passOn(body, request, response, visit);
  } finally {
    leaveLong?.();
    leaveUnpacked?.();
  }
}

async function passOn(body: RequestBody, request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void> {
  const { upstream, signal } = visit;
  await forwardRequest(request, response, { upstream, signal, body, path: ownParametersOut(visit.target.raw), skipped: 'body_too_large' });
}

async function answerSearch(body: Buffer, request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void> {
  const { target, index, signal, caller, token } = visit;
  const call: SearchCall = {
    method: request.method ?? 'GET',
    rawUrl: target.raw,
    index,
    query: target.query,
    headers: request.headers,
    body,
    signal,
    caller,
    token,
  };
  const answer = await visit.answerSearch(call, visit.spelling);
  if (!signal.aborted) sendAnswer(response, answer);
}
