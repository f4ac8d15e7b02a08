/** Requests to the sidecar, with a token of its where it wants one (`server.tokens`). */

import { askForToken } from './token-dialog.js';

/** The scope whose token the sidecar wants to see; null where it wants none. An engine's own challenge is another. */
function scopeWanted(response) {
  const challenge = response.status === 401 || response.status === 403 ? response.headers.get('www-authenticate') : null;
  return /^Bearer realm="fuserank".*\bscope="(\w+)"/.exec(challenge ?? '')?.[1] ?? null;
}

/**
 * `fetch` that asks for a token where one is wanted, and asks again where it was not taken; without an answer the refusal stands.
 * Tokens are kept apart by scope and for the tab only; they travel in a header of their own, so that a browser's credentials
 * for the engine stay with it.
 * @param {{storage: Pick<Storage, 'getItem' | 'setItem'>, ask: (wanted: {scope: string, again: boolean}) => Promise<string | null>}} house
 */
export function openDoor({ storage, ask }) {
  const scopes = new Map();
  const asking = new Map();
  const keyOf = (scope) => `token:${scope}`;

  async function askOnce(scope, again) {
    if (!asking.has(scope))
      asking.set(
        scope,
        ask({ scope, again }).finally(() => asking.delete(scope)),
      );
    return asking.get(scope);
  }

  return async (path, options = {}) => {
    let shown = scopes.has(path) ? storage.getItem(keyOf(scopes.get(path))) : null;
    for (;;) {
      const headers = { ...options.headers, ...(shown === null ? {} : { 'x-fuserank-token': shown }) };
      const response = await fetch(path, { ...options, headers });
      const scope = scopeWanted(response);
      if (scope === null) return response;
      scopes.set(path, scope);
      const kept = storage.getItem(keyOf(scope));
      const token = kept !== null && kept !== shown ? kept : await askOnce(scope, shown !== null);
      if (token === null) return response;
      storage.setItem(keyOf(scope), token);
      shown = token;
    }
  };
}

let door = null;

/** The page's own door. */
export function send(path, options) {
  door ??= openDoor({ storage: sessionStorage, ask: askForToken });
  return door(path, options);
}
