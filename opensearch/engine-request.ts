import { z } from 'zod';
import type { EngineClient } from './connection.js';
import { describeUnreachable, EngineUnreachable } from './engine-unreachable.js';

export interface EngineRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: object;
  query?: Record<string, string>;
  /** Statuses that are an answer here, not an error. */
  expect?: readonly number[];
}

export interface EngineAnswer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  body: unknown;
}

/**
 * One request to the engine, its answer unread.
 * @throws EngineUnreachable when no answer came or the account may not ask; the client's error for other unexpected statuses
 */
export async function askEngine(client: EngineClient, request: EngineRequest): Promise<EngineAnswer> {
  const { method, path, body, query, expect } = request;
  try {
    const answer = await client.transport.request(
      { method, path, ...(body ? { body: { ...body } } : {}), ...(query ? { querystring: query } : {}) },
      { ignore: [...(expect ?? [])] },
    );
    return { status: answer.statusCode ?? 0, headers: answer.headers ?? {}, body: answer.body };
  } catch (error) {
    throw nameFailure(client, error, `${method} ${path}`);
  }
}

/** The client's errors for an answer that never came, by name, since the client itself is opensearch/'s alone. */
const NO_ANSWER = new Set(['ConnectionError', 'NoLivingConnectionsError', 'TimeoutError']);

/** An engine that is away, or that refuses the account, as the error that says so; anything else as it is. */
export function nameFailure(client: EngineClient, error: unknown, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const url = client.connectionPool.connections[0]?.url.origin ?? 'an unknown address';
  if (NO_ANSWER.has(error.name)) return describeUnreachable(url, error);
  const status: unknown = Reflect.get(error, 'statusCode');
  if (status !== 401 && status !== 403) return error;
  const fix = 'Set opensearch.auth to an account that may make, fill and alias the index.';
  return new EngineUnreachable({ url, reason: `it refused ${what} (HTTP ${status})`, fix, cause: error });
}

/** Index names go into paths; the engine allows characters there that an address does not. */
export function indexPath(index: string, ...rest: readonly string[]): string {
  return ['', encodeURIComponent(index), ...rest].join('/');
}

/** The reason inside an error answer of the engine's, whichever of its shapes it has. */
export function describeRefusal(body: unknown): string {
  const parsed = z.object({ error: z.union([z.string(), z.object({ type: z.string(), reason: z.string().nullish() })]) }).safeParse(body);
  if (!parsed.success) return typeof body === 'string' ? body.slice(0, 200) : '';
  const { error } = parsed.data;
  return typeof error === 'string' ? error : `${error.type}: ${error.reason ?? ''}`;
}
