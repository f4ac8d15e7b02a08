import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Config, Profile } from '../config/schema.js';
import { asList, isJsonObject, nonEmptyString, parseJson, wholeNumber, type Json, type JsonObject } from './json/value.js';
import { applyEdits, cutMembers, isObject, nestsDeeper, readMembers, type Edit } from './json/spans.js';
import { findWords } from './request/text-clauses.js';
import { headerOf, type SearchCall } from './request/search-call.js';
import { BadSearchOption, parseSearchOptions, type SearchOptions } from './request/search-options.js';

/** What goes to the engine in the client's name: its own request, our members taken out. */
export interface UpstreamSearch {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** Why a search is answered in the engine's own order. The list is the public one of `X-Fuserank: skipped; reason=…`. */
export type SkipReason =
  | 'bypass'
  | 'no_profile'
  | 'budget'
  | 'dry_run'
  | 'blend_zero'
  | 'sort'
  | 'size_zero'
  | 'scroll'
  | 'search_after'
  | 'pit'
  | 'slice'
  | 'profile'
  | 'filter_path'
  | 'stored_fields'
  | 'format'
  | 'body_too_large'
  | 'body_not_understood'
  | 'body_too_deep'
  | 'engine_error'
  | 'no_hits'
  | 'no_scores'
  | 'negative_scores'
  | 'answer_not_understood'
  | 'index_unknown'
  | 'encoder_mismatch'
  | 'legs_failed'
  | 'scorer_unavailable'
  | 'scorer_overloaded'
  | 'scorer_failed'
  | 'vectors_missing'
  | 'bad_scores'
  | 'query_image_unreadable'
  | 'inner_hits'
  | 'bodies_failed'
  | 'internal';

export interface PassThrough {
  readonly kind: 'pass-through';
  readonly reason: SkipReason;
  readonly upstream: UpstreamSearch;
  /** False under bypass and without a profile: then the engine's bytes go back raw. */
  readonly cutOwnMembers: boolean;
  readonly body: JsonObject;
}

export interface Rankable {
  readonly kind: 'rankable';
  readonly upstream: UpstreamSearch;
  readonly call: SearchCall;
  /** The client's body without our block, parsed; and the same as bytes. */
  readonly body: JsonObject;
  readonly bodyBytes: Buffer;
  readonly index: string;
  readonly from: number;
  readonly size: number;
  readonly profileName: string;
  readonly profile: Profile;
  readonly options: SearchOptions;
  readonly window: number;
  readonly blend: number;
  /** Milliseconds that ranking may add after the engine's answer. */
  readonly budgetMs: number;
  readonly explain: boolean;
  readonly queryText: string | null;
  /** Identifies one ranked list over its pages: everything but from and size, the client's credentials included. */
  readonly listKey: string;
}

const DEFAULT_SIZE = 10;
/** The engine takes 20 queries inside each other (`indices.query.bool.max_nested_depth`), each 3 levels of JSON. */
const DEEPEST = 200;

/** Looks at a `_search`: is it ours to rank, and if not, why not. Throws `BadSearchOption` for a wrong block of ours. */
export function parseSearchRequest(call: SearchCall, config: Config): Rankable | PassThrough {
  const untouched = upstreamOf(call, call.body, false);
  const bypassed = headerOf(call, 'x-fuserank-bypass') !== null;
  const bytes = plainBody(call);
  if (bytes === null) return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched);
  if (nestsDeeper(bytes, DEEPEST)) return passThrough(bypassed ? 'bypass' : 'body_too_deep', withoutOurs(call, bytes));
  let body: Json;
  try {
    body = bytes.length === 0 ? {} : parseJson(bytes.toString('utf8'));
  } catch {
    return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched); // the engine says what is wrong with it, in its own words
  }
  if (!isJsonObject(body)) return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched);

  const stripped = stripOwnMembers(bytes);
  const upstream = upstreamOf(call, stripped.bytes, stripped.bytes !== call.body);
  if (bypassed) return passThrough('bypass', upstream);
  const options = parseSearchOptions(body, call, config);
  const clean = withoutOwnMembers(body);
  const found = findProfile(config, call.index, options.profile);
  if (!found) return passThrough('no_profile', upstream);
  const { name: profileName, profile } = found;

  const budgetMs = options.budgetMs ?? profile.budgetMs;
  const from = wholeNumber(call.query.get('from') ?? clean.from) ?? 0;
  const size = wholeNumber(call.query.get('size') ?? clean.size) ?? DEFAULT_SIZE;
  const window = options.window ?? profile.window;
  const blend = options.blend ?? profile.blend;
  const reason = whyNotRanked(call, clean, { from, size, window });
  const skip = reason ?? (budgetMs === 0 ? 'budget' : blend === 0 ? 'blend_zero' : null);
  if (skip) return passThrough(skip, upstream, true, clean);

  const listKey = createHash('sha256')
    .update(
      JSON.stringify([
        headerOf(call, 'authorization'),
        headerOf(call, 'cookie'),
        call.index,
        withoutPage(clean),
        urlIdentity(call.query),
        profileName,
        options.identity,
        window,
        blend,
      ]),
    )
    .digest('base64url');
  return {
    kind: 'rankable',
    upstream,
    call,
    body: clean,
    bodyBytes: stripped.bytes,
    index: call.index,
    from,
    size,
    profileName,
    profile,
    options,
    window,
    blend,
    budgetMs,
    explain: options.explain,
    queryText: options.queryText ?? textOf(call, clean, config.index.map.text),
    listKey,
  };
}

function withoutOurs(call: SearchCall, bytes: Buffer): UpstreamSearch {
  try {
    return upstreamOf(call, stripOwnMembers(bytes).bytes, true);
  } catch {
    return upstreamOf(call, call.body, false);
  }
}

function withoutPage(body: JsonObject): JsonObject {
  const { from: _from, size: _size, ...rest } = body;
  return rest;
}

function textOf(call: SearchCall, body: JsonObject, textFields: readonly string[]): string | null {
  return nonEmptyString(call.query.get('q') ?? undefined) ?? (body.query === undefined ? null : findWords(body.query, textFields));
}

function whyNotRanked(call: SearchCall, body: JsonObject, page: { from: number; size: number; window: number }): SkipReason | null {
  const url = call.query;
  if (url.has('scroll')) return 'scroll';
  if (body.search_after !== undefined) return 'search_after';
  if (body.pit !== undefined) return 'pit';
  if (body.slice !== undefined) return 'slice';
  if (body.profile === true) return 'profile';
  if (!sortsByScore(body.sort) || !sortsByScore(url.get('sort') ?? undefined)) return 'sort';
  if (page.size === 0) return 'size_zero';
  if (url.has('filter_path')) return 'filter_path';
  if (body.stored_fields === '_none_' || url.get('stored_fields') === '_none_') return 'stored_fields';
  if (url.has('format') && url.get('format') !== 'json') return 'format';
  if (/yaml|cbor|smile/.test(headerOf(call, 'accept') ?? '')) return 'format';
  return null;
}

/** Absent, or by score, best first. */
function sortsByScore(sort: Json | undefined): boolean {
  return asList(sort).every((key) => {
    if (key === '_score' || key === '_score:desc') return true;
    return (
      isJsonObject(key) &&
      Object.keys(key).length === 1 &&
      (key._score === 'desc' || (isJsonObject(key._score) && (key._score.order ?? 'desc') === 'desc'))
    );
  });
}

/** The profile named, else the first whose pattern matches every index of the expression. */
export function findProfile(config: Config, index: string, named: string | null): { name: string; profile: Profile } | null {
  if (named !== null) {
    const profile = Object.hasOwn(config.profiles, named) ? config.profiles[named] : undefined;
    if (!profile) throw new BadSearchOption(`no profile [${named}]; configured: ${Object.keys(config.profiles).join(', ') || 'none'}`);
    return { name: named, profile };
  }
  // `shop*,-shop-old`: what is left out needs no profile.
  const names = index.split(',').filter((name, place) => name !== '' && !(place > 0 && name.startsWith('-')));
  for (const [name, profile] of Object.entries(config.profiles)) {
    if (names.length > 0 && names.every((each) => matchesPattern(each, profile.index))) return { name, profile };
  }
  return null;
}

function matchesPattern(name: string, pattern: string): boolean {
  return pattern.split(',').some((each) => {
    const [head = '', ...rest] = each.trim().split('*');
    if (rest.length === 0) return name === head;
    const tail = rest.pop() ?? '';
    let position = head.length;
    if (!name.startsWith(head) || name.length < head.length + tail.length) return false;
    for (const middle of rest) {
      const at = name.indexOf(middle, position);
      if (at < 0) return false;
      position = at + middle.length;
    }
    return name.endsWith(tail) && position <= name.length - tail.length;
  });
}

/** The body as JSON text, unpacked when it came gzipped; null where we can't or shouldn't read it. */
function plainBody(call: SearchCall): Buffer | null {
  const type = headerOf(call, 'content-type');
  if (call.body.length === 0) {
    const source = call.query.get('source');
    return source === null ? call.body : Buffer.from(source);
  }
  if (type !== null && !/^application\/(json|vnd\.[a-z]+\+json)\b/i.test(type)) return null;
  const encoding = headerOf(call, 'content-encoding');
  if (encoding === null || encoding === 'identity') return call.body;
  if (encoding !== 'gzip') return null;
  try {
    return gunzipSync(call.body, { maxOutputLength: 8 * 1024 ** 2 });
  } catch {
    return null;
  }
}

/** Takes `ext.fuserank` (and an `ext` that is then empty) and a top-level `fuserank` out, byte-exactly. */
function stripOwnMembers(bytes: Buffer): { bytes: Buffer } {
  if (bytes.length === 0 || !bytes.includes('fuserank')) return { bytes };
  const members = readMembers(bytes);
  const edits: Edit[] = [];
  let dropExt = false;
  for (const member of members) {
    if (member.key !== 'ext' || !isObject(bytes, member.value)) continue;
    const inner = readMembers(bytes, member.value.start);
    if (!inner.some((each) => each.key === 'fuserank')) continue;
    if (inner.every((each) => each.key === 'fuserank')) dropExt = true;
    else edits.push(...cutMembers(inner, (key) => key === 'fuserank'));
  }
  edits.push(...cutMembers(members, (key) => key === 'fuserank' || (dropExt && key === 'ext')));
  return { bytes: applyEdits(bytes, edits) };
}

function withoutOwnMembers(body: JsonObject): JsonObject {
  const { fuserank: _own, ext, ...rest } = body;
  if (!isJsonObject(ext)) return ext === undefined ? rest : { ...rest, ext };
  const { fuserank: _block, ...others } = ext;
  return Object.keys(others).length === 0 ? rest : { ...rest, ext: others };
}

function upstreamOf(call: SearchCall, body: Buffer, rewritten: boolean): UpstreamSearch {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(call.headers)) {
    if (value === undefined || name.startsWith('x-fuserank-')) continue;
    if (rewritten && (name === 'content-length' || name === 'content-encoding')) continue;
    headers[name] = value;
  }
  const mark = call.rawUrl.indexOf('?');
  const path = mark < 0 ? call.rawUrl : call.rawUrl.slice(0, mark);
  const search = mark < 0 ? undefined : call.rawUrl.slice(mark + 1);
  // A body read from ?source= stays there: the engine reads it itself.
  const sendBody = call.body.length === 0 ? call.body : body;
  return {
    method: call.method,
    path: search === undefined ? path : `${path}?${withoutOwnParameters(call, search)}`,
    headers,
    body: sendBody,
  };
}

/** `?fuserank=…` and, where the body came by `?source=`, our block inside it. */
function withoutOwnParameters(call: SearchCall, search: string): string {
  const parts = search.split('&').filter((part) => !/^fuserank(=|$)/.test(part));
  const source = call.query.get('source');
  if (call.body.length > 0 || source === null || !source.includes('fuserank')) return parts.join('&');
  try {
    const stripped = stripOwnMembers(Buffer.from(source)).bytes.toString('utf8');
    return parts.map((part) => (part.startsWith('source=') ? `source=${encodeURIComponent(stripped)}` : part)).join('&');
  } catch {
    return parts.join('&');
  }
}

function passThrough(reason: SkipReason, upstream: UpstreamSearch, cutOwnMembers = false, body: JsonObject = {}): PassThrough {
  return { kind: 'pass-through', reason, upstream, cutOwnMembers, body };
}

/** URL parameters that change which hits come in which order. */
function urlIdentity(query: URLSearchParams): string[] {
  return [...query].filter(([name]) => name !== 'from' && name !== 'size').map(([name, value]) => `${name}=${value}`);
}
