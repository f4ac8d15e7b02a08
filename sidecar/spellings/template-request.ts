import type { Upstream } from '../../opensearch/upstream.js';
import { applyEdits, cutMembers, findMember, isObject, readMembers } from '../json/spans.js';
import { isJsonObject, parseJson, type JsonObject } from '../json/value.js';
import type { FilterPath } from '../request/filter-path.js';
import { isTooDeep } from '../request/plain-body.js';
import type { SearchCall } from '../request/search-call.js';
import type { UpstreamSearch } from '../request/upstream-search.js';

/** A template and its parameters, as a `_search/template` or a line of an `_msearch/template` gives them. */
export interface TemplateRequest {
  /** With the URL, or the header line, of this search. */
  readonly call: SearchCall;
  /** Parsed, our block in it. */
  readonly body: JsonObject;
  /** The same as bytes, without our block. */
  readonly bytes: Buffer;
  /** What goes to the engine in the client's name. */
  readonly upstream: UpstreamSearch;
  readonly filter: FilterPath | null;
}

/** The search that a template makes of its parameters. */
export interface RenderedSearch {
  /** Its URL is what the engine heeds of a template search. */
  readonly call: SearchCall;
  /** With our block of the template request in it. */
  readonly body: JsonObject;
  /** Without it. */
  readonly bytes: Buffer;
}

/** A template that gives no search: unknown, broken, not for this client, or not in time. */
export class NotRendered extends Error {
  override readonly name = 'NotRendered';
}

/** Parameters that a template search heeds; what else stands in its URL (`size`, `q`, `sort`) the engine leaves aside. */
const HEEDED = [
  'routing',
  'preference',
  'search_type',
  'search_pipeline',
  'scroll',
  'ignore_unavailable',
  'allow_no_indices',
  'expand_wildcards',
  'allow_partial_search_results',
  'include_named_queries_score',
  'typed_keys',
  'rest_total_hits_as_int',
  'filter_path',
  'format',
  'pretty',
];

/**
 * Lets the engine render a template, with the client's own credentials, and reads it as the search that it is.
 * Rejects with `NotRendered`.
 */
export async function renderTemplate(
  upstream: Upstream,
  { call, body: block, bytes: template, upstream: { headers } }: TemplateRequest,
  signal: AbortSignal,
): Promise<RenderedSearch> {
  const answer = await upstream.send({
    method: 'POST',
    path: '/_render/template',
    headers: renderingHeaders(headers),
    body: template,
    signal,
  });
  if (isTooDeep(answer.body)) throw new NotRendered('the template gives a search that is too deep to be read');
  if (answer.status !== 200) throw new NotRendered(`status ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`);
  const { bytes, body } = readOutput(answer.body);
  const query = new URLSearchParams();
  for (const name of HEEDED) {
    const value = call.query.get(name);
    if (value !== null) query.set(name, value);
  }
  // These count where they stand beside the template; inside it the engine leaves them aside.
  const { explain: _explain, profile: _profile, search_pipeline: _pipeline, ...search } = body;
  if (block.explain === true) query.set('explain', 'true');
  if (typeof block.search_pipeline === 'string') query.set('search_pipeline', block.search_pipeline);
  if (block.profile !== undefined) search.profile = block.profile;
  return { call: { ...call, query }, body: withBlock(search, block), bytes };
}

const BESIDE_THE_TEMPLATE = new Set(['explain', 'profile', 'search_pipeline']);

/** `{"template_output": {…}}` → the search in it, as bytes, so that its numbers keep their digits, and parsed. */
function readOutput(answer: Buffer): { bytes: Buffer; body: JsonObject } {
  try {
    const output = findMember(answer, 0, 'template_output');
    if (!output || !isObject(answer, output.value)) throw new NotRendered('the template gives no object');
    const whole = answer.subarray(output.value.start, output.value.end);
    const body = parseJson(whole.toString('utf8'));
    if (!isJsonObject(body)) throw new NotRendered('the template gives no object');
    const without = cutMembers(readMembers(whole), (key) => BESIDE_THE_TEMPLATE.has(key));
    return { bytes: applyEdits(whole, without), body };
  } catch (cause) {
    throw cause instanceof NotRendered ? cause : new NotRendered('the template gives no JSON', { cause });
  }
}

/** Our block stands beside the template, never in what it gives. */
function withBlock(body: JsonObject, block: JsonObject): JsonObject {
  const own = isJsonObject(block.ext) ? (block.ext.fuserank ?? block.fuserank) : block.fuserank;
  return own === undefined ? body : { ...body, fuserank: own };
}

/** The client's own headers: who it is, and what ties its requests together. The body is plain JSON, and so must be the answer. */
function renderingHeaders(headers: UpstreamSearch['headers']): UpstreamSearch['headers'] {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(content-(type|length|encoding)|accept(-encoding)?|transfer-encoding)$/.test(name),
  );
  return { ...Object.fromEntries(kept), 'content-type': 'application/json' };
}
