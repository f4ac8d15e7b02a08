import { z } from 'zod';
import { call, type Answer } from '../sidecar/http-rig.js';
import { checkRanked, firstDifference, withoutOwnFields, type HitName, type RankedVerdict } from './invariants.js';
import { itemsOf, memberOf, readJson } from './json-text.js';
import type { ClientRequest, Scenario, Step } from './scenario.js';
import { MAX_ADDED, unpacked, WINDOW, type CompatibilityShop } from './shop.js';

/** `shop` adds hits of the vector legs, `strict` none. */
export type ProfileName = 'shop' | 'strict';

export interface Outcome {
  readonly differences: readonly string[];
  readonly status: number;
  /** `X-Fuserank`; empty where there is none. */
  readonly label: string;
  /** Hits added to the list, over all ranked searches of the scenario. */
  readonly added: number;
  readonly moved: boolean;
}

/** More hits than any index of the suite holds. */
const ALL = 1000;

/** Sends a scenario straight to the engine and through the sidecar, and says what differs. */
export async function runScenario(shop: CompatibilityShop, scenario: Scenario, profile: ProfileName): Promise<Outcome> {
  const sidecar = scenario.through === 'writing' ? shop.writing : shop.sidecar;
  const direct = await sendSteps(shop.engineUrl, scenario.steps, (request) => request);
  const asProfile = (request: ClientRequest): ClientRequest =>
    profile === 'strict' ? { ...request, headers: { ...request.headers, 'x-fuserank-profile': 'strict' } } : request;
  const ours = (request: ClientRequest): ClientRequest => asProfile(withOwn(request, scenario.own));
  const through = await sendSteps(sidecar.url, scenario.steps, ours);
  const [engineLast, last] = [direct.at(-1), through.at(-1)];
  if (!engineLast || !last) throw new Error(`${scenario.name} has no steps`);
  const label = headerOf(last, 'x-fuserank');
  const { expect } = scenario;
  const differences = [...labelDifferences(label, scenario), ...earlierDifferences(direct, through)];
  let verdict: Omit<RankedVerdict, 'differences'> = { added: 0, moved: false };
  if (expect.kind === 'refused') {
    differences.push(...refusalDifferences(last, expect));
  } else {
    differences.push(...headDifferences(engineLast, last));
    if (expect.kind === 'passed' || expect.kind === 'forwarded') {
      const raw = expect.kind === 'forwarded' || expect.reason === 'bypass' || expect.reason === 'no_profile' || engineLast.status !== 200;
      differences.push(...equalDifferences(engineLast, last, raw ? null : (scenario.named ?? [])));
    } else if (differences.length === 0) {
      const searches = rankedSearches(scenario, unpacked(engineLast), unpacked(last));
      differences.push(...searches.differences);
      for (const each of searches.ranked) {
        const found = await judge(shop, each, { scenario, ours });
        differences.push(...found.differences);
        verdict = { added: verdict.added + found.added, moved: verdict.moved || found.moved };
      }
    }
  }
  if (scenario.adds !== undefined && differences.length === 0 && scenario.adds !== verdict.added > 0 && profile === 'shop')
    differences.push(`added: ${verdict.added} hits`);
  return { differences, status: last.status, label, ...verdict };
}

async function sendSteps(base: string, steps: readonly Step[], change: (request: ClientRequest) => ClientRequest): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const step of steps) answers.push(await sendOne(base, change(typeof step === 'function' ? step(answers) : step)));
  return answers;
}

export function sendOne(base: string, { method, path, headers, body }: ClientRequest): Promise<Answer> {
  return call(base, path, { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) });
}

/** The request with our block in its body. */
function withOwn(request: ClientRequest, own: Scenario['own']): ClientRequest {
  if (own === undefined || typeof request.body !== 'string') return request;
  const block = `"fuserank":${JSON.stringify(own)}`;
  const body = /"ext"\s*:\s*\{/.test(request.body)
    ? request.body.replace(/"ext"\s*:\s*\{/, (start) => `${start}${block},`)
    : request.body.replace(/^\s*\{/, (start) => `${start}"ext":{${block}},`).replace(/,\s*\}$/, '}');
  return { ...request, body };
}

function labelDifferences(label: string, { expect }: Scenario): string[] {
  const due =
    expect.kind === 'passed'
      ? new RegExp(`^skipped; reason=${expect.reason}$`)
      : expect.kind === 'ranked' || expect.kind === 'ranked-items'
        ? /^applied; /
        : /^$/;
  return due.test(label) ? [] : [`X-Fuserank: ${label || 'absent'}`];
}

function earlierDifferences(direct: readonly Answer[], through: readonly Answer[]): string[] {
  return direct.slice(0, -1).flatMap((answer, place) => {
    const other = through[place];
    return other ? [...headDifferences(answer, other), ...equalDifferences(answer, other, [])].map((text) => `step ${place + 1}: ${text}`) : [];
  });
}

function refusalDifferences(answer: Answer, { status, type }: { status: number; type: string }): string[] {
  const shape = z.object({ error: z.object({ root_cause: z.array(z.object({ type: z.literal(type), reason: z.string() })).length(1), type: z.literal(type) }), status: z.literal(status) });
  const parsed = shape.safeParse(JSON.parse(answer.text));
  return parsed.success && answer.status === status ? [] : [`refused with ${answer.status} ${answer.text.slice(0, 200)}`];
}

const SAME_HEADERS = ['content-type', 'warning', 'x-opaque-id', 'x-opensearch-version', 'allow', 'location'];

function headDifferences(direct: Answer, through: Answer): string[] {
  const differences = SAME_HEADERS.filter((name) => headerOf(direct, name) !== headerOf(through, name)).map(
    (name) => `${name}: ${headerOf(through, name)}, not ${headerOf(direct, name)}`,
  );
  if (direct.status !== through.status) differences.unshift(`status ${through.status}, not ${direct.status}: ${through.text.slice(0, 200)}`);
  // An answer of ours may be too short to be worth packing; one that nobody asked to be packed never is.
  const [engine, ours] = [direct, through].map((answer) => headerOf(answer, 'content-encoding'));
  if (engine !== ours && (ours !== '' || through.body.length > 1024)) differences.push(`content-encoding: ${ours}, not ${engine}`);
  return differences;
}

/** @param named fields of ours that stay; null = none is cut */
function equalDifferences(direct: Answer, through: Answer, named: readonly string[] | null): string[] {
  const binary = /cbor|smile/.test(headerOf(direct, 'content-type'));
  const [due, got] = [direct, through].map((answer) => (binary ? maskBinary(answer.body.toString('latin1')) : maskClocks(unpacked(answer))));
  if (due === undefined || got === undefined || due === got) return [];
  const cut = named === null || binary || !/^\s*\{/.test(due) ? due : withoutOwnFields(readJson(due), named);
  const plain = cut === due ? got : withoutOwnFields(readJson(got), ['text_vector', 'image_vector', 'rank_key', 'content_hash', 'group_key']);
  return plain === cut ? [] : [firstDifference(plain, cut)];
}

/** What no two answers share: times, and the names of contexts that the engine keeps open. */
function maskClocks(text: string): string {
  return text
    .replace(/("?(?:took|creation_time|time_in_nanos|[a-z_]+_count|[a-z_]+)"? ?: ?)(\d+)/g, (whole, name: string) =>
      /took|creation_time|time_in_nanos/.test(name) || /"profile"/.test(text) ? `${name}0` : whole,
    )
    .replace(/"(_scroll_id|pit_id)"( ?: ?)"[^"]*"/g, '"$1"$2"*"')
    .replace(/"time" ?: ?"[^"]*"/g, '"time":"*"');
}

/** `took` in CBOR (one, two or three bytes) and Smile. */
function maskBinary(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/took(?:[\x00-\x17]|\x18.|\x19..|[\xc0-\xdf]|\x24[\x00-\x7f]*[\x80-\xff])/s, 'took*');
}

interface RankedSearch {
  readonly direct: string;
  readonly through: string;
  /** The same as one plain search. */
  readonly plain: ClientRequest;
}

/** The searches of an answer that were ranked; of several, those that were not must be equal. */
function rankedSearches(scenario: Scenario, direct: string, through: string): { ranked: RankedSearch[]; differences: string[] } {
  const { expect, steps, plain } = scenario;
  if (expect.kind !== 'ranked-items') {
    const last = steps.at(-1);
    const request = plain?.[0] ?? (typeof last === 'object' ? last : null);
    return request ? { ranked: [{ direct, through, plain: request }], differences: [] } : { ranked: [], differences: ['no plain search'] };
  }
  const [due, got] = [direct, through].map((text) => itemsOf(memberOf(readJson(text), 'responses')));
  const differences = due?.length === got?.length ? [] : [`${got?.length} responses, not ${due?.length}`];
  const ranked = expect.items.flatMap((kind, place): RankedSearch[] => {
    const [engine, ours, request] = [due?.[place], got?.[place], plain?.[place]];
    if (!engine || !ours) return [];
    if (kind === 'ranked' && request) return [{ direct: engine.text, through: ours.text, plain: request }];
    const [a, b] = [maskClocks(withoutOwnFields(engine, scenario.named ?? [])), maskClocks(ours.text)];
    if (a !== b) differences.push(`item ${place}: ${firstDifference(b, a)}`);
    return [];
  });
  return { ranked, differences };
}

async function judge(
  shop: CompatibilityShop,
  { direct, through, plain }: RankedSearch,
  { scenario, ours }: { scenario: Scenario; ours: (request: ClientRequest) => ClientRequest },
): Promise<RankedVerdict> {
  const all = withParameters(plain, { from: '0', size: String(ALL) });
  const text = async (base: string, request: ClientRequest): Promise<string> => {
    const answer = await sendOne(base, request);
    if (answer.status !== 200) throw new Error(`${request.path}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return unpacked(answer);
  };
  const strict = ours(plain).headers?.['x-fuserank-profile'] === 'strict';
  const window = scenario.own?.['window'];
  return checkRanked({
    direct,
    through,
    wide: await text(shop.engineUrl, all),
    list: await text(shop.sidecar.url, ours(all)),
    ...pageOf(plain),
    window: typeof window === 'number' ? window : WINDOW,
    maxAdded: strict ? 0 : MAX_ADDED,
    named: scenario.named ?? [],
    bodiesOf: (hits) => text(shop.engineUrl, bodiesRequest(plain, hits)),
    admitted: async (hits) => {
      const filter = [idsQuery(hits), ...(scenario.constraint === undefined ? [] : [scenario.constraint])];
      const answer = await text(shop.engineUrl, withBody(plain, { query: { bool: { filter } }, size: ALL }));
      return z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) }).parse(JSON.parse(answer)).hits.hits.map(({ _id }) => _id);
    },
  });
}

const bodySchema = z.record(z.string(), z.unknown());

function bodyOf(request: ClientRequest): Record<string, unknown> {
  const source = new URLSearchParams(request.path.split('?')[1] ?? '').get('source');
  const text = typeof request.body === 'string' && request.body !== '' ? request.body : (source ?? '{}');
  return bodySchema.parse(JSON.parse(text));
}

/** Where a page begins and how long it is: the URL counts before the body. */
function pageOf(request: ClientRequest): { from: number; size: number } {
  const url = new URLSearchParams(request.path.split('?')[1] ?? '');
  const body = bodyOf(request);
  return { from: Number(url.get('from') ?? body['from'] ?? 0), size: Number(url.get('size') ?? body['size'] ?? 10) };
}

function withParameters(request: ClientRequest, parameters: Record<string, string>): ClientRequest {
  const [path = '', search = ''] = request.path.split('?');
  const kept = search.split('&').filter((part) => part !== '' && !(part.split('=')[0]! in parameters));
  const added = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return { ...request, path: `${path}?${[...kept, ...added].join('&')}` };
}

/** Of the client's request only where it looks, for whom, and how hits are shown. */
function withBody(request: ClientRequest, body: object): ClientRequest {
  const [path = '', search = ''] = request.path.split('?');
  const dropped = /^(q|df|source|source_content_type|from|size|sort|search_type|search_pipeline|track_total_hits|scroll|min_score|terminate_after|filter_path|timeout)=/;
  const kept = search.split('&').filter((part) => part !== '' && !dropped.test(part));
  return { method: 'POST', path: [path, kept.join('&')].filter(Boolean).join('?'), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

const idsQuery = (hits: readonly HitName[]): object => ({ ids: { values: hits.map(({ id }) => id) } });

/** architecture.md: bodies come by `bool {filter: [ids], should: [the query]}` with the client's own presentation. */
function bodiesRequest(plain: ClientRequest, hits: readonly HitName[]): ClientRequest {
  const { query, from: _from, size: _size, aggs: _aggs, aggregations: _aggregations, suggest: _suggest, ...body } = bodyOf(plain);
  for (const name of ['post_filter', 'rescore', 'min_score', 'terminate_after', 'track_total_hits', 'search_pipeline', 'indices_boost']) delete body[name];
  const hybrid = z.object({ hybrid: z.object({ queries: z.array(z.unknown()) }) }).safeParse(query);
  const should = hybrid.success ? hybrid.data.hybrid.queries : query === undefined ? [] : [query];
  return withBody(plain, { ...body, query: { bool: { filter: [idsQuery(hits)], should } }, size: ALL });
}

function headerOf(answer: Answer, name: string): string {
  const value = answer.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
