import { z } from 'zod';
import { OWN_SOURCE_FIELDS } from '../../mappings/product-index.js';
import type { Upstream, UpstreamAnswer } from '../../opensearch/upstream.js';
import type { Json, JsonObject } from '../json/value.js';
import type { GivenFacts, SearchCall } from '../request/search-call.js';
import type { PageAnswer, PageSource } from './answers.js';
import { EngineRefused } from './refusal.js';

/** A request to one of our own routes: whose credentials its searches carry, and when nobody waits any more. */
export interface OwnCall {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly signal: AbortSignal;
  /** Whose share of the room it takes. */
  readonly caller: string;
  /** Name of the token of ours that it showed; null = none. */
  readonly token: string | null;
}

/** How a page of products is ranked: by the walk of every `_search`. */
export type AnswerSearch = (call: SearchCall) => Promise<{
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}>;

const hitSchema = z.object({
  _index: z.string(),
  _id: z.string(),
  _score: z.number().nullable().default(null),
  _seq_no: z.number().optional(),
  // Comes from JSON.parse, so it is JSON.
  _source: z.record(z.string(), z.custom<Json>()).default({}),
  fields: z.looseObject({ _fuserank: z.array(z.record(z.string(), z.unknown())).optional() }).optional(),
});
export type FoundProduct = z.output<typeof hitSchema>;
const searchAnswer = z.object({ hits: z.object({ hits: z.array(hitSchema) }) });

/** Headers that speak of the client's own body or of the form of its answer, which ours need not have. */
const OF_ITS_BODY = new Set([
  'host',
  'expect',
  'range',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'x-fuserank-bypass',
]);

/** The `_search` that a request to one of our routes stands for, in the client's own name. */
export function searchCallOf(call: OwnCall, index: string, body: JsonObject, given: GivenFacts = {}): SearchCall {
  const kept = Object.entries(call.headers).filter(([name]) => !OF_ITS_BODY.has(name) && !name.startsWith('accept'));
  return {
    method: 'POST',
    rawUrl: `/${encodeURIComponent(index)}/_search`,
    index,
    query: new URLSearchParams(),
    headers: { ...Object.fromEntries(kept), 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    signal: call.signal,
    caller: call.caller,
    token: call.token,
    given,
  };
}

/** Searches with the client's own credentials: what it may not read is in no answer. */
export class ClientSearch {
  readonly #upstream: Upstream;
  readonly #answer: AnswerSearch;

  constructor(options: { upstream: Upstream; answer: AnswerSearch }) {
    this.#upstream = options.upstream;
    this.#answer = options.answer;
  }

  /**
   * Products by id, in no order, as far as the client may read them.
   * @param source names of members of `_source`; empty = none of it
   * @throws EngineRefused
   */
  async readProducts(call: OwnCall, index: string, ids: readonly string[], source: readonly string[]): Promise<FoundProduct[]> {
    return this.#search(call, index, {
      query: { bool: { filter: [{ ids: { values: [...new Set(ids)] } }] } },
      // Behind an alias several indices may hold one id.
      size: Math.min(10_000, ids.length * 4),
      _source: source.length === 0 ? false : [...source],
      seq_no_primary_term: true,
      track_total_hits: false,
    });
  }

  /** Ids that a query finds, best first. @throws EngineRefused */
  async findIds(call: OwnCall, index: string, body: { query: JsonObject; size: number }): Promise<string[]> {
    const hits = await this.#search(call, index, { ...body, _source: false, track_total_hits: false });
    return hits.map(({ _id }) => _id);
  }

  async #search(call: OwnCall, index: string, body: JsonObject): Promise<FoundProduct[]> {
    const search = searchCallOf(call, index, body);
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(search.headers))
      if (value !== undefined && !name.startsWith('x-fuserank-')) headers[name] = value;
    const answer = await this.#upstream.send({ method: 'POST', path: search.rawUrl, headers, body: search.body, signal: call.signal });
    return readHits(answer);
  }

  /**
   * A page of products, ranked as every search is.
   * @param page.unranked a reason to keep the order of the query
   * @throws EngineRefused
   */
  async rankPage(
    call: OwnCall,
    page: {
      index: string;
      body: JsonObject;
      given: GivenFacts;
      fields: readonly string[] | undefined;
      sources: PageSource[];
      from: number;
      unranked: string | null;
    },
  ): Promise<Omit<PageAnswer, 'took'>> {
    const _source = { ...(page.fields ? { includes: [...page.fields] } : {}), excludes: [...OWN_SOURCE_FIELDS] };
    const answer = await this.#answer(searchCallOf(call, page.index, { ...page.body, _source, track_total_hits: false }, page.given));
    const hits = readHits(answer);
    const { applied, ...said } = readLabel(answer.headers['x-fuserank']);
    const outcome = page.unranked !== null ? { applied: false, reason: page.unranked } : { applied, ...said };
    const items = hits.map(({ _index, _id, _score, _source: fields, fields: shown }, place) => {
      const [explain] = shown?._fuserank ?? [];
      return { id: _id, index: _index, rank: page.from + place, score: _score, fields, ...(explain ? { explain } : {}) };
    });
    return { ...outcome, sources: page.sources, items };
  }
}

function readHits(answer: UpstreamAnswer): FoundProduct[] {
  if (answer.status !== 200) throw new EngineRefused(answer);
  return searchAnswer.parse(JSON.parse(answer.body.toString('utf8'))).hits.hits;
}

/** What the header `X-Fuserank` of a search says. */
function readLabel(header: string | string[] | undefined): { applied: boolean; reason?: string; model?: string } {
  const [outcome = '', ...members] = String(header ?? '').split('; ');
  const said = new Map(members.map((member): [string, string] => [member.split('=')[0] ?? '', member.slice(member.indexOf('=') + 1)]));
  const [reason, model] = [said.get('reason'), said.get('model')];
  return { applied: outcome === 'applied', ...(reason === undefined ? {} : { reason }), ...(model === undefined ? {} : { model }) };
}
