import { z } from 'zod';
import { PRODUCT } from '../mappings/product-index.js';
import { splitQuery, type SplitOptions } from '../sidecar/index.js';

/** What became of a product that a search did not show. Ranks count from 0. */
export interface Absence {
  readonly id: string;
  /** What kept it away, the first thing first; the search would have to change all of them to show it. */
  readonly causes: readonly AbsenceCause[];
  /** Place among the engine's own hits; null where it is none of them, or not one of the first ten thousand. */
  readonly firstPhase: { readonly rank: number | null; readonly window: number | null };
  /** Place among the nearest by vectors, and how many were asked for; null where nobody asked. */
  readonly text: LegPlace | null;
  readonly image: LegPlace | null;
  /** The `X-Fuserank` header of the search; without a window nothing was ranked, and this says why. */
  readonly label: string;
}

export interface LegPlace {
  readonly rank: number | null;
  readonly found: number;
}

export interface AbsenceCause {
  readonly cause:
    | 'not_in_index'
    | 'alias_filter'
    | 'excluded'
    | 'filter'
    | 'must_not'
    | 'post_filter'
    | 'words'
    | 'collapsed'
    | 'min_score'
    | 'window'
    | 'no_vectors'
    | 'not_near'
    | 'not_added';
  /** One sentence. */
  readonly detail: string;
}

/** What the sidecar's own block said of the search. */
export interface SearchFacts {
  readonly label: string;
  readonly window: number | null;
  readonly excluded: readonly string[];
  /** Rules that exclude, by their place in the configuration; they need not hold for this search. */
  readonly exclusions: readonly { readonly name: string; readonly ids: readonly string[] }[];
  /** Ids by retriever, best first; absent where it was not asked. */
  readonly legs: { readonly text?: readonly string[] | undefined; readonly image?: readonly string[] | undefined };
  /** Why the vector legs added nothing; null where they ran, or nothing was ranked. */
  readonly noVectorLegs: string | null;
}

/** Asks the engine; the path begins after the host. Null where there is no such thing (404). */
export type AskEngine = (path: string, body?: object) => Promise<unknown>;

/** As deep as an engine pages without asking for more. */
const DEEPEST = 10_000;

const found = z.looseObject({ hits: z.looseObject({ hits: z.array(z.looseObject({ _id: z.string() })) }) });
const document = z.looseObject({ found: z.boolean() });
const clauseList = z.array(z.looseObject({}));

/**
 * Tries a search's parts on one product, each alone.
 * @param search.body as the client sends it, without our block
 * @param search.words what the sidecar tells its words by
 */
export async function explainAbsence(
  search: { index: string; id: string; body: Readonly<Record<string, unknown>>; words: SplitOptions; facts: SearchFacts },
  ask: AskEngine,
): Promise<Absence> {
  const { index, id, body, facts } = search;
  const causes: AbsenceCause[] = [];
  const say = (cause: AbsenceCause['cause'], detail: string): void => void causes.push({ cause, detail });
  const path = `/${encodeURIComponent(index)}/_search`;
  const only = { ids: { values: [id] } };
  const passes = async (query: object, more: object = {}): Promise<boolean> =>
    found.parse(await ask(path, { query, post_filter: only, size: 1, _source: false, ...more })).hits.hits.length > 0;
  const legs = { text: placeIn(facts.legs.text, id), image: placeIn(facts.legs.image, id) };
  const nowhere = { id, causes, firstPhase: { rank: null, window: facts.window }, ...legs, label: facts.label };

  if (!(await passes(only))) {
    if (await isStored({ index, id }, ask)) say('alias_filter', `the filter of the alias ${index} refuses it`);
    else say('not_in_index', `there is no ${id} in ${index}`);
    return nowhere;
  }
  if (facts.excluded.includes(id)) {
    const rules = facts.exclusions.filter(({ ids }) => ids.includes(id)).map(({ name }) => name);
    say('excluded', `${rules.join(' or ') || 'a rule of the profile'} excludes it`);
    return nowhere;
  }
  const query = z.json().optional().parse(body['query']);
  const { constraints, reason } = splitQuery(query, search.words);
  for (const clause of clauseList.parse(constraints?.filter ?? [])) {
    if (!(await passes(clause))) say('filter', `${JSON.stringify(clause)} refuses it`);
  }
  for (const clause of clauseList.parse(constraints?.mustNot ?? [])) {
    if (await passes(clause)) say('must_not', `must_not ${JSON.stringify(clause)} refuses it`);
  }
  const postFilter = z.looseObject({}).optional().parse(body['post_filter']);
  if (postFilter && !(await passes(postFilter))) say('post_filter', `post_filter ${JSON.stringify(postFilter)} refuses it`);
  if (causes.length > 0) return nowhere;

  const first = found.parse(await ask(path, { ...withoutPage(body), from: 0, size: DEEPEST, _source: false, track_total_hits: false }));
  const rank = first.hits.hits.findIndex(({ _id }) => _id === id);
  if (rank >= 0) say('window', `place ${rank + 1} of the engine’s hits, beyond the ${facts.window ?? 0} that are ranked`);
  else if (query !== undefined && (await passes(z.looseObject({}).parse(query)))) {
    if (body['collapse'] !== undefined) say('collapsed', 'another product stands for its group');
    else if (body['min_score'] !== undefined) say('min_score', `its score is below min_score ${JSON.stringify(body['min_score'])}`);
    else say('window', `the engine finds it, but not among its first ${first.hits.hits.length} hits`);
  } else say('words', constraints === null ? `the query does not find it (${reason ?? 'not understood'})` : 'the words do not find it');
  await sayOfVectors();
  return { ...nowhere, firstPhase: { rank: rank < 0 ? null : rank, window: facts.window } };

  async function sayOfVectors(): Promise<void> {
    if (facts.noVectorLegs !== null) say('not_added', `nothing is added by vectors: ${facts.noVectorLegs}`);
    for (const [name, field] of [
      ['text', PRODUCT.textVector],
      ['image', PRODUCT.imageVector],
    ] as const) {
      const place = legs[name];
      if (place === null) continue;
      if (place.rank !== null)
        say('not_added', `place ${place.rank + 1} by ${name} vectors, but other hits were added before it (maxAdded)`);
      else if (!(await passes({ exists: { field } }))) say('no_vectors', `it has no ${name} vector`);
      else say('not_near', `not among the ${place.found} nearest by ${name} vectors`);
    }
  }
}

function placeIn(leg: readonly string[] | undefined, id: string): LegPlace | null {
  if (leg === undefined) return null;
  const rank = leg.indexOf(id);
  return { rank: rank < 0 ? null : rank, found: leg.length };
}

/** Whether one of the indices behind a name stores the product, whatever the name's own filter says. */
async function isStored({ index, id }: { index: string; id: string }, ask: AskEngine): Promise<boolean> {
  const behind = z.record(z.string(), z.unknown()).parse((await ask(`/${encodeURIComponent(index)}/_alias`)) ?? {});
  for (const name of Object.keys(behind)) {
    const answer = document.safeParse(await ask(`/${encodeURIComponent(name)}/_doc/${encodeURIComponent(id)}?_source=false`));
    if (answer.success && answer.data.found) return true;
  }
  return false;
}

/** What decides which hits come in which order. */
function withoutPage({ aggs: _a, aggregations: _b, suggest: _c, highlight: _d, ...body }: Readonly<Record<string, unknown>>): object {
  return body;
}

/** For the terminal. */
export function renderAbsence({ id, causes, firstPhase, text, image, label }: Absence, query: string): string {
  const place = (leg: LegPlace | null): string =>
    leg === null ? 'not asked' : leg.rank === null ? `not among the nearest ${leg.found}` : `place ${leg.rank + 1} of ${leg.found}`;
  return [
    `${id} is absent for "${query}"`,
    ...causes.map(({ cause, detail }) => `  ${cause.padEnd(14)} ${detail}`),
    `  ${'first phase'.padEnd(14)} ${firstPhase.rank === null ? 'not found' : `place ${firstPhase.rank + 1}, ranked are ${firstPhase.window ?? 'none'}`}`,
    `  ${'text vectors'.padEnd(14)} ${place(text)}`,
    `  ${'image vectors'.padEnd(14)} ${place(image)}`,
    ...(firstPhase.window === null ? [`  nothing was ranked: ${label}`] : []),
  ].join('\n');
}
