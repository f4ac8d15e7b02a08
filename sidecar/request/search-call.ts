import type { QueryVectors, RankRequest } from '../scoring/scorer-tasks.js';

/** What one of our own routes knows of its search before it asks: neither is found out again. */
export interface GivenFacts {
  readonly vectors?: QueryVectors;
  readonly history?: RankRequest['history'];
}

/** A `_search` as it arrived, body read but not looked at. */
export interface SearchCall {
  readonly method: string;
  /** Path and query string as sent. */
  readonly rawUrl: string;
  /** Decoded index expression of the path; empty for `/_search`. */
  readonly index: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  readonly given?: GivenFacts;
  /** Whose share of the room it takes; absent = of nobody in particular. */
  readonly caller?: string;
}

/** The first value of a header (names are lower case), null where it is absent. */
export function headerOf(call: SearchCall, name: string): string | null {
  const value = call.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
