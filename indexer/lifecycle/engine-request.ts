import type { EngineClient } from '../../opensearch/connection.js';

export interface EngineRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: Record<string, unknown>;
  query?: Record<string, string>;
  /** Statuses that are an answer here, not an error. */
  expect?: readonly number[];
}

export interface EngineAnswer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  body: unknown;
}

/** One request to the engine, its answer unread. @throws the client's errors for statuses that are not expected */
export async function askEngine(client: EngineClient, request: EngineRequest): Promise<EngineAnswer> {
  const { method, path, body, query, expect } = request;
  const answer = await client.transport.request(
    { method, path, ...(body ? { body } : {}), ...(query ? { querystring: query } : {}) },
    { ignore: [...(expect ?? [])] },
  );
  return { status: answer.statusCode ?? 0, headers: answer.headers ?? {}, body: answer.body };
}

/** Index names go into paths; the engine allows characters there that an address does not. */
export function indexPath(index: string, ...rest: readonly string[]): string {
  return ['', encodeURIComponent(index), ...rest].join('/');
}
