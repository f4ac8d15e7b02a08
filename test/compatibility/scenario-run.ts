import { z } from 'zod';
import { call, type Answer } from '../sidecar/http-rig.js';
import { equalDifferences, headDifferences, headerOf, maskClocks, refusalDifferences } from './answer-comparison.js';
import { checkRanked, firstDifference, withoutOwnFields, type RankedVerdict } from './invariants.js';
import { itemsOf, memberOf, readJson } from './json-text.js';
import { ALL, MAX_ADDED, WINDOW } from './names.js';
import type { ClientRequest, Scenario, Step } from './scenario.js';
import { bodiesRequest, idsQuery, pageOf, withBody, withParameters } from './search-variant.js';
import { unpacked, type CompatibilityShop } from './shop.js';

/** `shop` adds hits of the vector legs, `strict` none. */
export type ProfileName = 'shop' | 'strict';

export interface Outcome {
  readonly differences: readonly string[];
  readonly status: number;
  /** `X-Fuserank` under the first profile; empty where there is none. */
  readonly label: string;
  /** Hits added to the lists of the scenario. */
  readonly added: number;
  readonly moved: boolean;
}

/** Sends a scenario straight to the engine and, under each profile, through the sidecar, and says what differs. */
export async function runScenario(shop: CompatibilityShop, scenario: Scenario): Promise<Outcome> {
  // What is refused must not reach the engine by us either: it would do it.
  const direct = scenario.expect.kind === 'refused' ? [] : await sendSteps(shop.engineUrl, scenario.steps, (request) => request);
  const run: ScenarioRun = { shop, scenario, direct, wide: new Map() };
  const byShop = await runThrough(run, 'shop');
  if (scenario.only === 'shop') return byShop;
  const byStrict = await runThrough(run, 'strict');
  return {
    ...byShop,
    moved: byShop.moved || byStrict.moved,
    differences: [...byShop.differences, ...byStrict.differences.map((text) => `strict: ${text}`)],
  };
}

interface ScenarioRun {
  readonly shop: CompatibilityShop;
  readonly scenario: Scenario;
  /** The engine's answers to the steps. */
  readonly direct: readonly Answer[];
  /** Its answers to the same searches over all hits, by their place. */
  readonly wide: Map<number, string>;
}

async function runThrough(run: ScenarioRun, profile: ProfileName): Promise<Outcome> {
  const { shop, scenario, direct } = run;
  const { expect } = scenario;
  const sidecar = scenario.through === 'writing' ? shop.writing : shop.sidecar;
  const ours = (request: ClientRequest): ClientRequest => withOwn(profile === 'strict' ? asStrict(request) : request, scenario.own);
  const through = await sendSteps(sidecar.url, scenario.steps, ours);
  const [engineLast, last] = [direct.at(-1), through.at(-1)];
  if (!last) throw new Error(`${scenario.name} has no steps`);
  const label = headerOf(last, 'x-fuserank');
  const differences = [...labelDifferences(label, scenario), ...earlierDifferences(direct, through)];
  let [added, moved] = [0, false];
  if (expect.kind === 'refused') differences.push(...refusalDifferences(last, expect));
  if (expect.kind !== 'refused' && engineLast) {
    differences.push(...headDifferences(engineLast, last));
    if (expect.kind === 'passed' || expect.kind === 'forwarded') {
      const raw = expect.kind === 'forwarded' || expect.reason === 'bypass' || expect.reason === 'no_profile' || engineLast.status !== 200;
      differences.push(...equalDifferences(engineLast, last, raw ? null : (scenario.named ?? [])));
    } else if (differences.length === 0) {
      const searches = rankedSearches(scenario, unpacked(engineLast), unpacked(last));
      differences.push(...searches.differences);
      for (const [place, each] of searches.ranked.entries()) {
        const found = await judge(run, each, { place, ours, maxAdded: profile === 'strict' ? 0 : MAX_ADDED });
        differences.push(...found.differences);
        added += found.added;
        moved ||= found.moved;
      }
    }
  }
  if (scenario.adds !== undefined && differences.length === 0 && profile === 'shop' && scenario.adds !== added > 0)
    differences.push(`added: ${added} hits`);
  return { differences, status: last.status, label, added, moved };
}

/** An answer that was to be passed on with that reason. */
export function comparePassed(direct: Answer, through: Answer, reason: string): Outcome {
  const label = headerOf(through, 'x-fuserank');
  const differences = [
    ...(label === `skipped; reason=${reason}` ? [] : [`X-Fuserank: ${label || 'absent'}`]),
    ...headDifferences(direct, through),
    ...equalDifferences(direct, through, []),
  ];
  return { differences, status: through.status, label, added: 0, moved: false };
}

function asStrict(request: ClientRequest): ClientRequest {
  return { ...request, headers: { ...request.headers, 'x-fuserank-profile': 'strict' } };
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
      ? new RegExp(`^skipped; reason=${expect.reason}(; items=0/\\d+)?$`)
      : expect.kind === 'ranked' || expect.kind === 'ranked-items'
        ? /^applied; /
        : /^$/;
  return due.test(label) ? [] : [`X-Fuserank: ${label || 'absent'}`];
}

function earlierDifferences(direct: readonly Answer[], through: readonly Answer[]): string[] {
  return direct.slice(0, -1).flatMap((answer, place) => {
    const other = through[place];
    return other
      ? [...headDifferences(answer, other), ...equalDifferences(answer, other, [])].map((text) => `step ${place + 1}: ${text}`)
      : [];
  });
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
  { shop, scenario, wide }: ScenarioRun,
  { direct, through, plain }: RankedSearch,
  { place, ours, maxAdded }: { place: number; ours: (request: ClientRequest) => ClientRequest; maxAdded: number },
): Promise<RankedVerdict> {
  const all = withParameters(plain, { from: '0', size: String(ALL) });
  const engineAll = wide.get(place) ?? (await textOf(shop.engineUrl, all));
  wide.set(place, engineAll);
  const window = scenario.own?.['window'];
  return checkRanked({
    direct,
    through,
    wide: engineAll,
    list: await textOf(shop.sidecar.url, ours(all)),
    ...pageOf(plain),
    window: typeof window === 'number' ? window : WINDOW,
    maxAdded,
    named: scenario.named ?? [],
    bodiesOf: (hits) => textOf(shop.engineUrl, bodiesRequest(plain, hits)),
    admitted: async (hits) => {
      const filter = [idsQuery(hits), ...(scenario.constraint === undefined ? [] : [scenario.constraint])];
      const answer = await textOf(shop.engineUrl, withBody(plain, { query: { bool: { filter } }, size: ALL, _source: false }));
      return admittedSchema.parse(JSON.parse(answer)).hits.hits.map(({ _id }) => _id);
    },
  });
}

const admittedSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

async function textOf(base: string, request: ClientRequest): Promise<string> {
  const answer = await sendOne(base, request);
  if (answer.status !== 200) throw new Error(`${request.path}: ${answer.status} ${unpacked(answer).slice(0, 300)}`);
  return unpacked(answer);
}
