import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { liesInRanges } from '../../config/address-range.js';
import type { Config, TokenScope } from '../../config/schema.js';
import { HttpError } from './errors.js';

/** The gate before our own routes, and before everything else where `server.requireToken` says so. */
export interface TokenGate {
  /**
   * Looks once at the token that a request shows, in `X-Fuserank-Token` or as a bearer, and takes it out of the request's
   * headers: it is no credential of the engine's. Call it before anything else reads them.
   */
  identify(request: IncomingMessage): void;
  /**
   * Lets a request in, or throws HttpError: `token_missing` where it showed none, `token_unknown` where one that is not ours, `scope_missing` where
   * its token opens something else, `no_tokens` where none is configured and it does not come from `server.openTo`.
   */
  demand(request: IncomingMessage, scope: TokenScope): void;
  /** The name of the token that a request showed, for the audit; null = it showed none. */
  callerOf(request: IncomingMessage): string | null;
}

interface Holder {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: ReadonlySet<TokenScope>;
}

const BEARER = /^Bearer +(\S+) *$/i;

export function openTokenGate({ tokens, openTo }: Pick<Config['server'], 'tokens' | 'openTo'>): TokenGate {
  const holders = tokens.map(({ name, token, scopes }): Holder => ({ name, digest: digestOf(token), scopes: new Set(scopes) }));
  const callers = new WeakMap<IncomingMessage, Holder>();
  /** Requests that showed what may have been meant as a token of ours. */
  const strangers = new WeakSet<IncomingMessage>();

  function find(shown: string | null): Holder | null {
    if (shown === null) return null;
    const digest = digestOf(shown);
    // All are compared, in time that does not depend on where the first difference lies.
    return holders.filter((each) => timingSafeEqual(each.digest, digest))[0] ?? null;
  }

  return {
    identify: (request) => {
      if (holders.length === 0) return;
      const bearer = find(bearerOf(request.headers));
      if (bearer) delete request.headers.authorization;
      const own = request.headers['x-fuserank-token'];
      delete request.headers['x-fuserank-token'];
      const caller = find((Array.isArray(own) ? own[0] : own) ?? null) ?? bearer;
      if (caller) callers.set(request, caller);
      else if (own || bearerOf(request.headers) !== null) strangers.add(request);
    },
    demand: (request, scope) => {
      if (holders.length === 0) {
        if (liesInRanges(request.socket.remoteAddress ?? '', openTo)) return;
        throw new HttpError('no_tokens', scope);
      }
      const caller = callers.get(request);
      if (!caller) {
        // RFC 6750 §3.1: who showed no token is told of no error.
        const [code, error] = strangers.has(request)
          ? (['token_unknown', 'error="invalid_token", '] as const)
          : (['token_missing', ''] as const);
        throw new HttpError(code, scope, { 'www-authenticate': `Bearer realm="fuserank", ${error}scope="${scope}"` });
      }
      if (caller.scopes.has(scope)) return;
      // RFC 6750 §3.1
      throw new HttpError('scope_missing', scope, {
        'www-authenticate': `Bearer realm="fuserank", error="insufficient_scope", scope="${scope}"`,
      });
    },
    callerOf: (request) => callers.get(request)?.name ?? null,
  };
}

/** Whose share of the room a request takes: its token's, else its credentials', else its address's. */
export function nameCaller(request: IncomingMessage, gate: TokenGate): string {
  const token = gate.callerOf(request);
  const { authorization } = request.headers;
  // Each kind by itself: else who sends a token's name as credentials would take of the token's share.
  if (token !== null) return `token ${token}`;
  return authorization === undefined ? `address ${request.socket.remoteAddress ?? ''}` : `credentials ${authorization}`;
}

function bearerOf({ authorization }: IncomingHttpHeaders): string | null {
  return authorization === undefined ? null : (BEARER.exec(authorization)?.[1] ?? null);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
