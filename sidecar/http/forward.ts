import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Upstream } from '../../opensearch/upstream.js';
import { answerHeaders, headerText } from './answer.js';
import { HttpError } from './errors.js';
import { readBody, type RequestBody } from './request-body.js';

/** A small body is held, so that it can be sent again when a kept socket turns out to be stale. */
const HELD_BYTES = 1024 ** 2;

/**
 * Sends a request on as it came and its answer back as it comes: method, raw target (or another `path`), headers but those of the hop and ours,
 * bytes untouched. `skipped` says in `X-Fuserank` why a search was not ranked.
 */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: { upstream: Upstream; signal: AbortSignal; body?: RequestBody; path?: string; skipped?: string | null },
): Promise<void> {
  const body = options.body ?? (await readBody(request, HELD_BYTES));
  const answer = await options.upstream.stream({
    method: request.method ?? 'GET',
    path: options.path ?? request.url ?? '/',
    headers: forwardedHeaders(request.headers),
    ...(body.kind === 'stream' ? { body: body.stream } : body.bytes.length > 0 ? { body: body.bytes } : {}),
    signal: options.signal,
  });
  const headers = answerHeaders(answer.headers);
  if (options.skipped) headers['x-fuserank'] = headerText(`skipped; reason=${options.skipped}`);
  try {
    response.writeHead(answer.status, headers);
  } catch (cause) {
    answer.body.destroy();
    throw new HttpError('answer_broken', '', {}, { cause });
  }
  await pipeline(answer.body, response, { signal: options.signal });
}

function forwardedHeaders(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith('x-fuserank-')) forwarded[name] = value;
  }
  return forwarded;
}
