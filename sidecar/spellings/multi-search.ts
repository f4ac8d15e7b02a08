import { setMaxListeners } from 'node:events';
import { applyEdits, findMember, isArray, literal, readElements, readMembers, type Edit, type Span } from '../json/spans.js';
import { filterWithin, parseFilterPath, type FilterPath } from '../request/filter-path.js';
import { ownMemberEdits, stripOwnMembers, stripUnparsed } from '../request/own-members.js';
import { isTooDeep, plainBody } from '../request/plain-body.js';
import { headerOf, type SearchCall } from '../request/search-call.js';
import { BadSearchOption } from '../request/search-options.js';
import { upstreamOf, type UpstreamSearch } from '../request/upstream-search.js';
import { judgeSearch, passThrough, type PassThrough, type SkipReason } from '../search-request.js';
import { askEngine, finishAnswer, inPlainText, type SearchAnswer } from '../walk/client-request.js';
import { SearchClock } from '../walk/search-clock.js';
import type { RankedAnswer, SearchUnderWay } from '../walk/search-under-way.js';
import { holdsMoreLines, readHeader, readSearchLines, type SearchLine } from './search-lines.js';
import { beginTemplate, type SpellingDeps } from './template-search.js';

/** Searches of one call that are ranked; each takes a scorer's time and some requests beside the engine's own work. */
const MOST_RANKED = 16;
/** Searches of one call that are looked at, a tenth of a second's work; a few KB that unpack to a million would stop all others. */
const MOST_READ = 500;

/**
 * Answers an `_msearch`, or an `_msearch/template`: the client's lines go on as they are, and every search of them is
 * ranked by itself beside that, under one budget. What can't be ranked keeps its bytes and touches no neighbour; what the
 * engine refuses whole goes back whole. Throws as `SearchRanker.answer`.
 */
export async function answerMultiSearch(
  call: SearchCall,
  deps: SpellingDeps,
  { templates }: { templates: boolean },
): Promise<SearchAnswer> {
  const clock = new SearchClock();
  const request = readMultiSearch(call);
  if ('kind' in request) return passOn(request, call, deps, clock);
  const searches: StartedSearch[] = [];
  // Each search listens twice at most, the client's own request once; more than ten look like a leak to Node.
  setMaxListeners(2 * MOST_RANKED + 1, call.signal);
  try {
    const upstream = beginAll(request, deps, { clock, templates, searches });
    const asked = searches.some(({ underWay }) => underWay.readsAnswer) ? inPlainText(upstream) : upstream;
    const asking = askEngine(deps.upstream, asked, { signal: call.signal, clock });
    await Promise.all(searches.map((search) => search.clock.stage('client', () => search.clock.duringEngine(() => asking))));
    const answer = await asking;
    const { body, label } = await rankAll(
      answer,
      searches.map(({ underWay }) => underWay),
      clock,
    );
    return await finishAnswer(answer, body, { label, call, serverTiming: timingOf(deps, clock) });
  } finally {
    for (const { underWay } of searches) underWay.close();
  }
}

async function passOn(request: PassThrough, call: SearchCall, deps: SpellingDeps, clock: SearchClock): Promise<SearchAnswer> {
  const underWay = deps.ranker.begin(request, call, clock);
  const answer = await askEngine(deps.upstream, request.upstream, { signal: call.signal, clock });
  const { body, reason } = await underWay.rank(answer);
  return finishAnswer(answer, body, { label: `skipped; reason=${reason}`, call, serverTiming: timingOf(deps, clock) });
}

function timingOf({ config }: SpellingDeps, clock: SearchClock): string | null {
  return config.observability.serverTiming ? clock.serverTiming() : null;
}

interface MultiSearch {
  readonly call: SearchCall;
  readonly plain: Buffer;
  readonly lines: readonly SearchLine[];
  readonly upstream: UpstreamSearch;
  readonly filter: FilterPath | null;
}

function readMultiSearch(call: SearchCall): MultiSearch | PassThrough {
  const bypassed = headerOf(call, 'x-fuserank-bypass') !== null;
  const plain = plainBody(call, 'lines');
  if (plain && isTooDeep(plain)) {
    return passThrough(bypassed ? 'bypass' : 'body_too_deep', upstreamOf(call, plain, stripUnparsed(plain, 'lines')));
  }
  if (plain && holdsMoreLines(plain, 2 * MOST_READ)) {
    return passThrough(bypassed ? 'bypass' : 'too_many_searches', upstreamOf(call, plain, stripUnparsed(plain, 'lines')));
  }
  const lines = plain && readSearchLines(plain);
  if (!lines) return passThrough(bypassed ? 'bypass' : 'body_not_understood', upstreamOf(call, call.body, call.body));
  const edits = plain.includes('fuserank') ? lines.flatMap(({ span }) => ownMemberEdits(plain, span.start)) : [];
  const upstream = upstreamOf(call, plain, edits.length === 0 ? plain : applyEdits(plain, edits));
  if (bypassed) return passThrough('bypass', upstream);
  const filter = parseFilterPath(call.query.get('filter_path'));
  return { call, plain, lines, upstream, filter: filter && filterWithin(filter, 'responses') };
}

interface StartedSearch {
  readonly underWay: SearchUnderWay;
  /** Of this search alone. */
  readonly clock: SearchClock;
}

/**
 * Starts one search after the other into `searches` and gives the client's request as it goes on: each line as its own search
 * writes it. Throws `BadSearchOption` that names the search with a wrong block of ours.
 */
function beginAll(
  request: MultiSearch,
  deps: SpellingDeps,
  { clock, templates, searches }: { clock: SearchClock; templates: boolean; searches: StartedSearch[] },
): UpstreamSearch {
  const { upstream, filter, plain } = request;
  const edits: Edit[] = [];
  let ranked = 0;
  for (const [place, line] of request.lines.entries()) {
    const call = { ...request.call, ...readHeader(line.header, request.call) };
    const bytes = plain.subarray(line.span.start, line.span.end);
    const own = new SearchClock(clock);
    const tooMany = (body: PassThrough['body']): SearchUnderWay =>
      deps.ranker.begin(passThrough('too_many_searches', upstream, true, body), call, own);
    try {
      if (templates) {
        const isOneTooMany = ranked >= MOST_RANKED;
        const template = stripOwnMembers(bytes);
        if (template !== bytes) edits.push({ ...line.span, replacement: template });
        const search = isOneTooMany ? tooMany({}) : beginTemplate({ call, body: line.body, bytes: template, upstream, filter }, deps, own);
        if (search.readsAnswer) ranked += 1;
        searches.push({ underWay: search, clock: own });
      } else {
        const send = (written: Buffer): UpstreamSearch => ({ ...upstream, body: written });
        const judged = judgeSearch({ call, body: line.body, bytes, send, filter }, deps.config);
        if (judged.upstream.body !== bytes) edits.push({ ...line.span, replacement: judged.upstream.body });
        if (judged.kind === 'rankable') ranked += 1;
        const isOneTooMany = judged.kind === 'rankable' && ranked > MOST_RANKED;
        searches.push({ underWay: isOneTooMany ? tooMany(judged.body) : deps.ranker.begin(judged, call, own), clock: own });
      }
    } catch (error) {
      if (error instanceof BadSearchOption) throw new BadSearchOption(`search ${place + 1} of ${request.lines.length}: ${error.message}`);
      throw error;
    }
  }
  return upstreamOf(request.call, plain, edits.length === 0 ? plain : applyEdits(plain, edits));
}

/** Ranks each answer in the engine's own, all of them at once; every byte around them stays, but for `took` where one was ranked. */
async function rankAll(
  answer: { readonly status: number; readonly body: Buffer },
  searches: readonly SearchUnderWay[],
  clock: SearchClock,
): Promise<{ body: Buffer; label: string }> {
  const found = answer.status === 200 ? readResponses(answer.body) : null;
  if (found?.responses.length !== searches.length) {
    // Refused whole, or a `filter_path` left nothing of one of them: whose is whose can't be told.
    const whole = { status: answer.status, body: NOTHING };
    return { body: answer.body, label: sumUp(await Promise.all(searches.map((search) => search.rank(whole)))) };
  }
  const parts = found.responses.map((span) => answer.body.subarray(span.start, span.end));
  const ranked = await Promise.all(
    searches.map((search, place) => {
      const body = parts[place] ?? NOTHING;
      return search.rank({ status: statusOf(body), body });
    }),
  );
  const edits = found.responses.flatMap((span, place): Edit[] => {
    const replacement = ranked[place]?.body;
    return replacement === undefined || replacement === parts[place] ? [] : [{ ...span, replacement }];
  });
  if (found.took && ranked.some(({ applied }) => applied !== null)) {
    edits.push({ ...found.took, replacement: String(Math.round(clock.elapsedMs)) });
  }
  return { body: applyEdits(answer.body, edits), label: sumUp(ranked) };
}

const NOTHING = Buffer.from('{}');

function readResponses(bytes: Buffer): { responses: Span[]; took: Span | null } | null {
  try {
    const members = readMembers(bytes);
    const list = members.find(({ key }) => key === 'responses');
    if (!list || !isArray(bytes, list.value)) return null;
    return { responses: readElements(bytes, list.value.start), took: members.find(({ key }) => key === 'took')?.value ?? null };
  } catch {
    return null; // whatever it is, it goes back as it came
  }
}

/** Each answer ends with its own status; a filter may have taken it away. */
function statusOf(response: Buffer): number {
  try {
    const status = findMember(response, 0, 'status');
    return status ? Number(literal(response, status.value)) : 200;
  } catch {
    return 200;
  }
}

/** `applied; items=3/5; model=…; reasons=size_zero`, or `skipped; reason=…; items=0/5`, each reason once. */
function sumUp(ranked: readonly RankedAnswer[]): string {
  const applied = ranked.flatMap((each) => each.applied ?? []);
  const reasons = [...new Set(ranked.flatMap(({ reason }): SkipReason[] => (reason === null ? [] : [reason])))].join(',');
  const items = `items=${applied.length}/${ranked.length}`;
  const [first] = applied;
  if (first === undefined) return `skipped; reason=${reasons === '' ? 'engine_error' : reasons}; ${items}`;
  return `applied; ${items}; ${first}${reasons === '' ? '' : `; reasons=${reasons}`}`;
}
