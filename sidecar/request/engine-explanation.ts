import type { JsonObject } from '../json/value.js';
import type { SearchCall } from './search-call.js';

/** Whether the engine is asked to explain its scores; the URL counts before the body. */
export function asksToExplain({ body, call }: { readonly body: JsonObject; readonly call: Pick<SearchCall, 'query'> }): boolean {
  const asked = call.query.get('explain') ?? body.explain;
  return asked !== undefined && asked !== false && asked !== 'false';
}
