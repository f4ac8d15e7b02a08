import type { Config } from '../../config/schema.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { isJsonObject, parseJson, type Json, type JsonObject } from '../json/value.js';
import type { SearchRanker } from '../rank-search.js';
import { parseFilterPath } from '../request/filter-path.js';
import { stripOwnMembers, stripUnparsed } from '../request/own-members.js';
import { isTooDeep, plainBody } from '../request/plain-body.js';
import { headerOf, type SearchCall } from '../request/search-call.js';
import { parseSearchOptions } from '../request/search-options.js';
import { upstreamOf, type UpstreamSearch } from '../request/upstream-search.js';
import { findProfile, judgeSearch, passThrough, type PassThrough, type SkipReason } from '../search-request.js';
import { askEngine, finishAnswer, inPlainText, type SearchAnswer } from '../walk/client-request.js';
import { settle, within } from '../walk/deadline.js';
import { SearchClock } from '../walk/search-clock.js';
import { SideWork } from '../walk/side-work.js';
import { labelOf, type SearchUnderWay } from '../walk/search-under-way.js';
import { renderTemplate, type TemplateRequest } from './template-request.js';

/** What answering a search in another spelling needs of the house around it. */
export interface SpellingDeps {
  readonly ranker: SearchRanker;
  readonly upstream: Upstream;
  readonly config: Config;
}

/**
 * Answers a `_search/template`: the client's own request goes on as it is, and beside it the template is rendered, so that
 * the search in it is known and ranked like any other. Throws as `SearchRanker.answer`.
 */
export async function answerTemplateSearch(call: SearchCall, deps: SpellingDeps): Promise<SearchAnswer> {
  const clock = new SearchClock();
  const request = readTemplateRequest(call);
  const underWay = 'kind' in request ? deps.ranker.begin(request, call, clock) : beginTemplate(request, deps, clock);
  try {
    const asked = underWay.readsAnswer ? inPlainText(request.upstream) : request.upstream;
    const answer = await askEngine(deps.upstream, asked, { signal: call.signal, clock });
    const ranked = await underWay.rank(answer);
    const serverTiming = deps.config.observability.serverTiming ? clock.serverTiming() : null;
    return await finishAnswer(answer, ranked.body, { label: labelOf(ranked), call, serverTiming });
  } finally {
    underWay.close();
  }
}

function readTemplateRequest(call: SearchCall): TemplateRequest | PassThrough {
  const bypassed = headerOf(call, 'x-fuserank-bypass') !== null;
  const plain = plainBody(call);
  if (plain && isTooDeep(plain)) {
    return passThrough(bypassed ? 'bypass' : 'body_too_deep', upstreamOf(call, plain, stripUnparsed(plain)));
  }
  const body = plain && parseObject(plain);
  if (!body) return passThrough(bypassed ? 'bypass' : 'body_not_understood', upstreamOf(call, call.body, call.body));
  const bytes = stripOwnMembers(plain);
  const upstream = upstreamOf(call, plain, bytes);
  if (bypassed) return passThrough('bypass', upstream);
  return { call, body, bytes, upstream, filter: parseFilterPath(call.query.get('filter_path')) };
}

function parseObject(bytes: Buffer): JsonObject | null {
  let value: Json;
  try {
    value = parseJson(bytes.toString('utf8'));
  } catch {
    return null; // the engine says what is wrong with it, in its own words
  }
  return isJsonObject(value) ? value : null;
}

/**
 * Starts rendering one template and then what ranking its search needs; no profile, no rendering.
 * Throws `BadSearchOption` for a wrong block of ours.
 */
export function beginTemplate(request: TemplateRequest, { ranker, upstream, config }: SpellingDeps, clock: SearchClock): SearchUnderWay {
  const { call, filter } = request;
  const options = parseSearchOptions(request.body, call, config);
  const found = findProfile(config, call.index, options.profile);
  if (!found) return ranker.begin(passThrough('no_profile', request.upstream), call, clock);
  const budgetMs = options.budgetMs ?? found.profile.budgetMs;
  if (budgetMs === 0) return ranker.begin(unranked('budget', request.upstream), call, clock);
  const work = new SideWork(call.signal);
  const rendering = clock.stage('render', () => clock.duringEngine(() => renderTemplate(upstream, request, work.signal)));
  const beginning = settle(
    rendering.then((rendered) => {
      // The client's own request stays the template: what is taken out of its search is taken out of ours alone.
      const judged = judgeSearch({ ...rendered, send: () => request.upstream, filter }, config);
      return ranker.begin(judged, rendered.call, clock);
    }),
  );
  const leaveAsItIs = (reason: SkipReason, detail?: string): SearchUnderWay =>
    ranker.begin(unranked(reason, request.upstream, detail), call, clock);
  return {
    readsAnswer: true,
    rank: async (answer) => {
      if (answer.status !== 200) return leaveAsItIs('engine_error').rank(answer);
      const answeredAt = performance.now();
      const begun = await within(budgetMs, beginning, null);
      if (begun === null) return leaveAsItIs('budget', 'the template was not rendered in time').rank(answer);
      if (!begun.ok) return leaveAsItIs('template_not_rendered', String(begun.error)).rank(answer);
      return begun.value.rank(answer, performance.now() - answeredAt);
    },
    close: () => {
      work.end();
      void beginning.then((begun) => (begun.ok ? begun.value.close() : undefined));
    },
  };
}

/** A search of which nothing is known but that a profile is for it: our members are cut from its answer all the same. */
function unranked(reason: SkipReason, upstream: UpstreamSearch, detail?: string): PassThrough {
  return { ...passThrough(reason, upstream, true), ...(detail === undefined ? {} : { detail }) };
}
