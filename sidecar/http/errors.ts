import type { ServerResponse } from 'node:http';
import { ProfileUnknown, RankerRefused } from '../served-rankers.js';
import { RequestRefused } from '../v1/refusal.js';
import { BadSearchOption } from '../request/search-options.js';
import { EngineUnreachable } from '../../opensearch/connection.js';
import { EventsNotStored, TooManyWaiting } from '../behaviour/event-store.js';
import { BehaviourIndexError } from '../behaviour/stored-index.js';

interface ErrorEntry {
  readonly status: number;
  /** In the engine's words where it has one, so that clients treat it as they treat the engine's. */
  readonly type: string;
  /** What is wrong and how to mend it; `%s` is what differs from case to case. */
  readonly message: string;
}

/** Every error that is ours; docs/reference/http.md lists the same. The engine's own errors travel through as they are. */
export const ERRORS = {
  malformed_request: { status: 400, type: 'bad_request', message: 'not an HTTP request that can be read: %s' },
  bad_path: {
    status: 400,
    type: 'bad_request',
    message: 'the path is refused: %s; send the plain, once-encoded path of the engine’s route',
  },
  bad_search_option: {
    status: 400,
    type: 'illegal_argument_exception',
    message: '%s; see docs/reference/search.md for what ext.fuserank takes',
  },
  bad_event: {
    status: 400,
    type: 'illegal_argument_exception',
    message: 'nothing was stored: %s; correct the events and send the whole call again',
  },
  bad_request: {
    status: 400,
    type: 'illegal_argument_exception',
    message: '%s; see docs/reference/v1.md for what the route takes',
  },
  token_missing: {
    status: 401,
    type: 'security_exception',
    message: 'a token of scope %s is needed; send it as X-Fuserank-Token, or as Authorization: Bearer',
  },
  token_unknown: {
    status: 401,
    type: 'security_exception',
    message: 'a token of scope %s is needed, and the one shown is none of server.tokens; see that it is whole and of this sidecar',
  },
  scope_missing: {
    status: 403,
    type: 'security_exception',
    message: 'this token has no scope %s; use one that has, or add the scope to it in server.tokens',
  },
  no_tokens: {
    status: 403,
    type: 'security_exception',
    message: 'no tokens are configured, so this route answers to server.openTo alone; add a token of scope %s to server.tokens',
  },
  origin_refused: { status: 403, type: 'security_exception', message: 'pages of %s may not send events; add the origin to server.cors' },
  host_refused: {
    status: 403,
    type: 'security_exception',
    message: 'the admin port answers to loopback names only, not to %s; call it as 127.0.0.1 or localhost',
  },
  write_refused: {
    status: 403,
    type: 'security_exception',
    message: '%s is not a read route; send it to OpenSearch itself, or set proxy.allowWrites: true to have the sidecar forward it',
  },
  not_found: { status: 404, type: 'resource_not_found_exception', message: 'there is no %s; see docs/reference/http.md for the routes' },
  product_not_found: {
    status: 404,
    type: 'resource_not_found_exception',
    message: 'there is no %s; a product is found by its _id, in an index that these credentials may read',
  },
  method_not_allowed: { status: 405, type: 'method_not_allowed', message: '%s' },
  ranker_refused: { status: 409, type: 'conflict', message: '%s; the ranker that was loaded goes on' },
  request_timeout: {
    status: 408,
    type: 'request_timeout',
    message: 'the request did not arrive whole in time; send it faster or in smaller parts',
  },
  body_too_large: { status: 413, type: 'content_too_long_exception', message: 'the body is over %s; send less at a time' },
  too_many_requests: {
    status: 429,
    type: 'rejected_execution_exception',
    message:
      '%s requests are under way already, and this caller has its share of them; try again after Retry-After seconds, or raise server.maxInflight',
  },
  events_waiting: {
    status: 429,
    type: 'rejected_execution_exception',
    message:
      'nothing was stored: OpenSearch takes records more slowly than they come, and 32 MB of them wait already; send the same call again after Retry-After seconds',
  },
  photo_room_full: {
    status: 429,
    type: 'rejected_execution_exception',
    message: 'photos of 64 MB are under way already; try again after Retry-After seconds',
  },
  headers_too_large: { status: 431, type: 'bad_request', message: 'the headers are over 16 KB; send fewer or shorter ones' },
  internal: { status: 500, type: 'internal_error', message: 'the sidecar failed; its log has the details' },
  answer_broken: { status: 502, type: 'bad_gateway', message: 'OpenSearch’s answer cannot be passed on; the sidecar’s log says why' },
  engine_unreachable: {
    status: 503,
    type: 'service_unavailable_exception',
    message: 'OpenSearch does not answer; the sidecar’s log names its address and the fault',
  },
  route_unable: {
    status: 503,
    type: 'service_unavailable_exception',
    message: 'this can not be answered now: %s',
  },
  events_not_stored: {
    status: 503,
    type: 'service_unavailable_exception',
    message:
      'OpenSearch could not store everything, the sidecar’s log says why; sending the same again is safe, what is stored is not stored twice',
  },
  others_not_told: {
    status: 503,
    type: 'service_unavailable_exception',
    message:
      'erased here and in the indices, but other sidecars could not be told and may remember the last minute; the log says why; erase again',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An answer of ours that is an error. `detail` fills the message's `%s`. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    readonly detail = '',
    readonly headers: Readonly<Record<string, string>> = {},
    options: ErrorOptions = {},
  ) {
    super(
      ERRORS[code].message.replace('%s', () => detail),
      options,
    );
    this.status = ERRORS[code].status;
  }
}

/** An error in the engine's own shape. */
export function renderError(error: HttpError): Buffer {
  const cause = { type: ERRORS[error.code].type, reason: error.message };
  return Buffer.from(JSON.stringify({ error: { root_cause: [cause], ...cause }, status: error.status }));
}

const REFUSALS = { bad: 'bad_request', absent: 'product_not_found', unable: 'route_unable' } as const satisfies Record<
  RequestRefused['kind'],
  ErrorCode
>;

/** What a thrown thing means to the caller. Addresses, paths and stacks stay in our log. */
export function toHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  if (thrown instanceof BadSearchOption) return new HttpError('bad_search_option', thrown.message);
  if (thrown instanceof RequestRefused) return new HttpError(REFUSALS[thrown.kind], thrown.message, {}, { cause: thrown });
  if (thrown instanceof ProfileUnknown) return new HttpError('not_found', `profile ${thrown.message.slice(0, 200)}`);
  if (thrown instanceof RankerRefused) return new HttpError('ranker_refused', thrown.message, {}, { cause: thrown });
  if (thrown instanceof EngineUnreachable) return new HttpError('engine_unreachable', '', {}, { cause: thrown });
  if (thrown instanceof TooManyWaiting) return new HttpError('events_waiting', '', { 'retry-after': '1' }, { cause: thrown });
  if (thrown instanceof EventsNotStored || thrown instanceof BehaviourIndexError)
    return new HttpError('events_not_stored', '', {}, { cause: thrown });
  return new HttpError('internal', '', {}, { cause: thrown });
}

/** Sends the error, or breaks the connection where an answer has already begun. */
export function sendError(response: ServerResponse, error: HttpError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = renderError(error);
  response.writeHead(error.status, { ...error.headers, 'content-type': 'application/json; charset=UTF-8', 'content-length': body.length });
  response.end(body);
}
