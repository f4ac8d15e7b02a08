import { createHash } from 'node:crypto';
import type { Config, Profile } from '../config/schema.js';
import { asList, isJsonObject, nonEmptyString, parseJson, wholeNumber, type Json, type JsonObject } from './json/value.js';
import { identityHeaders } from './request/client-headers.js';
import { keepsMember, parseFilterPath, type FilterPath } from './request/filter-path.js';
import { answersInJson, hideFields } from './request/hidden-fields.js';
import { INDEX_EXPRESSION } from './request/index-expression.js';
import { findRules, type ListRules } from './request/list-rules.js';
import { OWN_AND_UBI, OWN_KEYS, stripOwnMembers, stripUnparsed, withoutOwnMembers } from './request/own-members.js';
import { isTooDeep, plainBody } from './request/plain-body.js';
import { narrowSearch, sendBody } from './request/post-filter.js';
import { findWords } from './request/text-clauses.js';
import { headerOf, type SearchCall } from './request/search-call.js';
import { BadSearchOption, parseSearchOptions, type SearchOptions } from './request/search-options.js';
import { textAtPath } from './request/text-path.js';
import { readUbiCall, type UbiCall } from './request/ubi-call.js';
import { upstreamOf, type UpstreamSearch } from './request/upstream-search.js';
import { matchesWildcard } from './request/wildcard.js';

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
  | 'template_not_rendered'
  | 'too_many_searches'
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
  /** The search is taken down, or its `ext.ubi` answered, by us; and who searched. */
  readonly ubi: UbiCall | null;
  readonly options: SearchOptions | null;
  /** The same request for an answer that can't be cut: without these fields. Absent where the answer can be. */
  readonly without?: (fields: readonly string[]) => UpstreamSearch;
  /** For the log; absent where the reason says it all. */
  readonly detail?: string;
}

export interface Rankable {
  readonly kind: 'rankable';
  readonly upstream: UpstreamSearch;
  readonly call: SearchCall;
  /** The client's body without our block, parsed; and the same as bytes. */
  readonly body: JsonObject;
  readonly bodyBytes: Buffer;
  /** What the client wants to see of the answer; null = all. */
  readonly filter: FilterPath | null;
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
  /** Whether the answer carries `ext.fuserank`. */
  readonly showsBlock: boolean;
  readonly queryText: string | null;
  /** The search is taken down, or its `ext.ubi` answered, by us. */
  readonly ubi: UbiCall | null;
  /** Pins and exclusions for these words. */
  readonly rules: ListRules;
  /** Identifies one ranked list over its pages: everything but from and size, the client's credentials included. */
  readonly listKey: string;
}

const DEFAULT_SIZE = 10;

/** Looks at a `_search`: is it ours to rank, and if not, why not. Throws `BadSearchOption` for a wrong block of ours. */
export function parseSearchRequest(call: SearchCall, config: Config): Rankable | PassThrough {
  const untouched = upstreamOf(call, call.body, call.body);
  const bypassed = headerOf(call, 'x-fuserank-bypass') !== null;
  const bytes = plainBody(call);
  if (bytes === null) return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched);
  if (isTooDeep(bytes)) return passThrough(bypassed ? 'bypass' : 'body_too_deep', upstreamOf(call, bytes, stripUnparsed(bytes)));
  let body: Json;
  try {
    body = bytes.length === 0 ? {} : parseJson(bytes.toString('utf8'));
  } catch {
    return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched); // the engine says what is wrong with it, in its own words
  }
  if (!isJsonObject(body)) return passThrough(bypassed ? 'bypass' : 'body_not_understood', untouched);

  if (bypassed) return passThrough('bypass', upstreamOf(call, bytes, stripOwnMembers(bytes)));
  const send = (written: Buffer): UpstreamSearch =>
    bytes.length === 0 && written.length > 0 ? sendBody(untouched, written) : upstreamOf(call, bytes, written);
  return judgeSearch({ call, body, bytes, send, filter: parseFilterPath(call.query.get('filter_path')) }, config);
}

/** A search whose body is known, wherever it was written: in a `_search`, in a line of an `_msearch`, or in a rendered template. */
export interface FoundSearch {
  /** With the parameters that the engine heeds for this search. */
  readonly call: SearchCall;
  /** Parsed, our block in it. */
  readonly body: JsonObject;
  /** The same as bytes. */
  readonly bytes: Buffer;
  /** What goes to the engine in the client's name when the body is written like this. */
  readonly send: (written: Buffer) => UpstreamSearch;
  /** What is left of the answer to this search; null = all. */
  readonly filter: FilterPath | null;
}

/** Says whether such a search is ours to rank. Throws `BadSearchOption` for a wrong block of ours. */
export function judgeSearch({ call, body, bytes, send, filter }: FoundSearch, config: Config): Rankable | PassThrough {
  const options = parseSearchOptions(body, call, config);
  const ubi = readUbiCall(body, { consent: options.consent, mode: config.behaviour.ubiQueries });
  const cut = ubi?.held ? OWN_AND_UBI : OWN_KEYS;
  const stripped = stripOwnMembers(bytes, cut);
  const upstream = send(stripped);
  const clean = withoutOwnMembers(body, cut);
  const found = findProfile(config, call.index, options.profile);
  if (!found) return { ...passThrough('no_profile', upstream, false, ubi ? clean : {}), ubi, options };
  const { name: profileName, profile } = found;

  const budgetMs = options.budgetMs ?? profile.budgetMs;
  const from = rowCount(call.query.get('from') ?? clean.from) ?? 0;
  const size = rowCount(call.query.get('size') ?? clean.size) ?? DEFAULT_SIZE;
  const window = options.window ?? profile.window;
  const blend = options.blend ?? profile.blend;
  const reason = whyNotRanked(call, clean, { size, filter });
  const skip = reason ?? (budgetMs === 0 ? 'budget' : blend === 0 ? 'blend_zero' : null);
  if (skip) {
    const without = (fields: readonly string[]): UpstreamSearch => hideFields({ call, bytes: stripped, send }, fields);
    return { ...passThrough(skip, upstream, true, clean), ubi, options, ...(answersInJson(call) ? {} : { without }) };
  }

  const queryText = options.queryText ?? textOf({ call, body: clean }, { profile, textFields: config.index.map.text });
  const rules = findRules(profile, options, queryText);
  const asked = { body: clean, bytes: stripped };
  const { body: searched, bytes: bodyBytes } =
    rules.excluded.length === 0 ? asked : narrowSearch(asked, { mustNot: [{ ids: { values: [...rules.excluded] } }] });
  const listKey = createHash('sha256')
    .update(
      JSON.stringify([
        identityHeaders(upstream.headers),
        call.token ?? null,
        call.index,
        withoutPage(withoutOwnMembers(searched, OWN_AND_UBI)), // each page of a list may have a query id of its own
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
    upstream: rules.excluded.length === 0 ? upstream : send(bodyBytes),
    call,
    body: searched,
    bodyBytes,
    filter,
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
    showsBlock: options.explain || profile.ext || options.ext || options.legs,
    queryText,
    ubi,
    rules,
    listKey,
  };
}

function withoutPage(body: JsonObject): JsonObject {
  const { from: _from, size: _size, ...rest } = body;
  return rest;
}

/** As the engine reads a number of hits: also from a string, as templates write it, and cut down to a whole one. */
function rowCount(value: Json | undefined): number | null {
  const number = typeof value === 'string' && /^\+?\d{1,9}(\.\d*)?$/.test(value) ? Number(value) : value;
  return wholeNumber(typeof number === 'number' ? Math.trunc(number) : undefined);
}

/** The profile's path first, then what a walk over the query meets. The engine answers `q` and leaves the body's query aside. */
function textOf(
  { call, body }: { call: SearchCall; body: JsonObject },
  { profile, textFields }: { profile: Profile; textFields: readonly string[] },
): string | null {
  const words = nonEmptyString(call.query.get('q') ?? undefined);
  if (words !== null) return words;
  const placed = profile.queryTextPath === null ? null : textAtPath(body, profile.queryTextPath);
  return placed ?? (body.query === undefined ? null : findWords(body.query, textFields));
}

/** What ranking needs of a hit in the client's own answer. */
const NEEDED_OF_A_HIT = ['_index', '_id', '_score'];

function whyNotRanked(
  call: SearchCall,
  body: JsonObject,
  { size, filter }: { size: number; filter: FilterPath | null },
): SkipReason | null {
  const url = call.query;
  // A line of an `_msearch` may say anything.
  if (call.index !== '' && !INDEX_EXPRESSION.test(call.index)) return 'index_unknown';
  if (url.has('scroll')) return 'scroll';
  if (body.search_after !== undefined) return 'search_after';
  if (body.pit !== undefined) return 'pit';
  if (body.slice !== undefined) return 'slice';
  if (body.profile === true) return 'profile';
  if (!sortsByScore(body.sort) || !sortsByScore(url.get('sort') || undefined)) return 'sort';
  if (size === 0) return 'size_zero';
  if (filter && !NEEDED_OF_A_HIT.every((name) => keepsMember(filter, ['hits', 'hits', name]))) return 'filter_path';
  if (body.stored_fields === '_none_' || url.get('stored_fields') === '_none_') return 'stored_fields';
  return answersInJson(call) ? null : 'format';
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
  // `shop*,-shop-old`: what is left out needs no profile, and no index at all is all of them.
  const names = (index === '' ? '_all' : index).split(',').filter((name, place) => name !== '' && !(place > 0 && name.startsWith('-')));
  for (const [name, profile] of Object.entries(config.profiles)) {
    if (names.length > 0 && names.every((each) => matchesPattern(each, profile.index))) return { name, profile };
  }
  return null;
}

function matchesPattern(name: string, pattern: string): boolean {
  return pattern.split(',').some((each) => matchesWildcard(name, each.trim()));
}

export function passThrough(reason: SkipReason, upstream: UpstreamSearch, cutOwnMembers = false, body: JsonObject = {}): PassThrough {
  return { kind: 'pass-through', reason, upstream, cutOwnMembers, body, ubi: null, options: null };
}

/** URL parameters that change which hits come in which order. */
function urlIdentity(query: URLSearchParams): string[] {
  return [...query].filter(([name]) => name !== 'from' && name !== 'size').map(([name, value]) => `${name}=${value}`);
}
