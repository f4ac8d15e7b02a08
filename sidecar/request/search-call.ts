import type { QueryVectors, RankRequest } from '../scoring/scorer-tasks.js';

/** Which of the engine's ways to search a request takes. */
export type Spelling = 'search' | 'template' | 'multi-search' | 'multi-template';

/** What one of our own routes knows of its search before it asks: neither is found out again. */
export interface GivenFacts {
  readonly vectors?: QueryVectors;
  readonly history?: RankRequest['history'];
  /** The order of the query stands: the shop's rules alone move hits. */
  readonly keepsOrder?: boolean;
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
  /** Name of the token of ours that it showed; null = none. Unlike the caller, who may be an address, it is somebody. */
  readonly token?: string | null;
}

/** The first value of a header (names are lower case), null where it is absent. */
export function headerOf(call: SearchCall, name: string): string | null {
  const value = call.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
