import type { Answer } from '../sidecar/http-rig.js';

/** A request as a client sends it; ours is in none of them, see {@link Scenario.own}. */
export interface ClientRequest {
  readonly method: string;
  /** Path and query string, as sent. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A request, or one that needs the answers before it: a scroll's next page. */
export type Step = ClientRequest | ((earlier: readonly Answer[]) => ClientRequest);

/** What the last answer of a scenario is. */
export type Expectation =
  /** The engine's answer with another order: the invariants of a ranked list hold. */
  | { readonly kind: 'ranked' }
  /** An answer of several searches, each ranked or the engine's own. */
  | { readonly kind: 'ranked-items'; readonly items: readonly ('ranked' | 'plain')[] }
  /** The engine's answer, our own fields cut, with the reason. */
  | { readonly kind: 'passed'; readonly reason: string }
  /** The engine's answer as it is; no search, so no header. */
  | { readonly kind: 'forwarded' }
  /** Not handed on: an answer of ours, in the engine's shape. */
  | { readonly kind: 'refused'; readonly status: number; readonly type: string };

export interface Scenario {
  /** Heading on the page. */
  readonly feature: string;
  readonly name: string;
  /** All are sent, the last one's answer is looked at; earlier ones must be equal, too. */
  readonly steps: readonly Step[];
  readonly expect: Expectation;
  /** Members of `ext.fuserank`, for the sidecar alone. */
  readonly own?: Readonly<Record<string, unknown>>;
  /** The same searches as plain `_search`es, where the request is another spelling of them; one an item. */
  readonly plain?: readonly ClientRequest[];
  /** What hits that were added must pass: the query without its words. */
  readonly constraint?: object;
  /** Hits must have been added (true), or must not (false) under the profile that adds. */
  readonly adds?: boolean;
  /** Own fields that the client asks for by name. */
  readonly named?: readonly string[];
  /** The expectation holds where no profile is named by header. */
  readonly only?: 'shop';
  /** `writing`: the sidecar that forwards writes. */
  readonly through?: 'writing';
}

type Further = Partial<Omit<Scenario, 'feature' | 'name' | 'expect'>> & {
  /** Query string without its question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole `_source` is asked for; else a few members of it, since vectors are most of its text. */
  readonly whole?: boolean;
};

const FEW = ['title', 'price', 'attributes'];

const JSON_TYPE = { 'content-type': 'application/json' };

/** `POST /{index}/_search` with that body. */
export function search(
  index: string,
  body: object | string,
  how: { query?: string; headers?: Readonly<Record<string, string>> } = {},
): ClientRequest {
  const path = `${index === '' ? '' : `/${index}`}/_search${how.query === undefined ? '' : `?${how.query}`}`;
  return { method: 'POST', path, headers: { ...JSON_TYPE, ...how.headers }, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

export function get(path: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
  return { method: 'GET', path, headers };
}

/** Scenarios of one feature over one index. */
export function scenariosOf(feature: string, index: string) {
  const make = (name: string, body: object | string, expect: Expectation, further: Further = {}): Scenario => {
    const { query, headers, whole, ...rest } = further;
    const how = { ...(query === undefined ? {} : { query }), ...(headers === undefined ? {} : { headers }) };
    return {
      feature,
      name,
      steps: [search(index, typeof body === 'string' || whole ? body : { _source: FEW, ...body }, how)],
      expect,
      ...rest,
    };
  };
  return {
    ranked: (name: string, body: object | string, further?: Further) => make(name, body, { kind: 'ranked' }, further),
    passed: (name: string, reason: string, body: object | string, further?: Further) =>
      make(name, body, { kind: 'passed', reason }, further),
    /** Any steps. */
    steps: (name: string, expect: Expectation, steps: readonly Step[], further: Further = {}): Scenario => ({
      feature,
      name,
      steps,
      expect,
      ...further,
    }),
  };
}
