import type { SearchCall } from './search-call.js';

/** What goes to the engine in the client's name: its own request, our members taken out. */
export interface UpstreamSearch {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/**
 * The client's request as it goes on, our headers and `?fuserank=` left out.
 * @param plain the body in plain text as it came, or what `?source=` says; `stripped` the same without our members
 */
export function upstreamOf(call: SearchCall, plain: Buffer, stripped: Buffer): UpstreamSearch {
  const changed = stripped !== plain;
  const fromSource = call.body.length === 0 && plain.length > 0;
  const rewritten = changed && !fromSource;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(call.headers)) {
    if (value === undefined || name.startsWith('x-fuserank-')) continue;
    if (rewritten && (name === 'content-length' || name === 'content-encoding')) continue;
    headers[name] = value;
  }
  // A body read from ?source= stays there: the engine reads it itself.
  const path = ownParametersOut(call.rawUrl, changed && fromSource ? stripped.toString('utf8') : null);
  return { method: call.method, path, headers, body: rewritten ? stripped : call.body };
}

/** The target without `?fuserank=…`, which the engine refuses, with another text in `?source=` where one is given. */
export function ownParametersOut(rawUrl: string, source: string | null = null): string {
  const mark = rawUrl.indexOf('?');
  if (mark < 0 || (source === null && !rawUrl.includes('fuserank', mark))) return rawUrl;
  const parts = rawUrl
    .slice(mark + 1)
    .split('&')
    .filter((part) => !/^fuserank(=|$)/.test(part))
    .map((part) => (source !== null && part.startsWith('source=') ? `source=${encodeURIComponent(source)}` : part));
  return parts.length === 0 ? rawUrl.slice(0, mark) : `${rawUrl.slice(0, mark)}?${parts.join('&')}`;
}
