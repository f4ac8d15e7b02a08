import { PART, partMergeSchema, partStateSchema, type PartState } from '../../mappings/statistics-parts-index.js';
import type { StatisticsMeta } from '../../mappings/statistics-index.js';
import type { EventFields } from '../events/event-fields.js';
import { refreshIndex } from '../index-lifecycle.js';
import { PointInTime } from '../../opensearch/point-in-time.js';
import { Claim, readClaimable, RunUnderWay } from './claimed-document.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { describeItems } from './item-statistics.js';
import { mergeParts } from './part-merge.js';
import { readPartRows, sweepPartRows, type PartsPlace } from './part-rows.js';
import { countRecentEvents, RECENT_MS } from './recent-counts.js';
import { nameSlice, stateIdOf, type CountingSource, type SliceRun } from './slice-run.js';
import type { StatisticsReport } from './statistics-report.js';
import { publishStatistics } from './statistics-version.js';

/** There is nothing to make statistics of. */
export class NothingCounted extends Error {
  override readonly name = 'NothingCounted';
  readonly exitCode = 6;
}

export interface Merging {
  /** Alias of the statistics. */
  alias: string;
  source: CountingSource;
  until: Date;
  /** Slices that there must be. */
  slices: number;
  catalogue: CountedCatalogue;
  fields: EventFields;
  /** The slice that this run counted, to explain why nothing is there. */
  run: SliceRun;
  minUsersPerPair: number;
  signal?: AbortSignal | undefined;
}

type Merged = Pick<StatisticsReport, 'outcome' | 'index' | 'previous' | 'waiting_for' | 'counted' | 'pairs' | 'items'>;

const NOTHING = { index: null, previous: null, waiting_for: [], counted: null, pairs: null, items: null };

/**
 * Merges all slices into a new version when each is counted until the same moment; else says which are not.
 * @throws NothingCounted, RunUnderWay
 */
export async function mergeWhenComplete(place: PartsPlace, merging: Merging): Promise<Merged> {
  const before = await withParts(place, (moment) => readStates(moment, merging));
  if (before.missing.length > 0) return { ...NOTHING, outcome: 'waiting', waiting_for: before.missing };
  const until = merging.until.toISOString();
  const document = { client: place.client, index: place.index, id: 'merge' };
  const claim = await Claim.take(document, partMergeSchema, () => ({ kind: 'merge' as const, run: null, until })).catch(
    async (error: unknown) => {
      // The run that completed another slice in the same moment merges the very same parts.
      const other = error instanceof RunUnderWay ? await readClaimable(document, partMergeSchema) : null;
      if (other?.content.until === until) return null;
      throw error;
    },
  );
  if (claim === null) return { ...NOTHING, outcome: 'elsewhere' };
  try {
    const signal = AbortSignal.any([claim.signal, ...(merging.signal === undefined ? [] : [merging.signal])]);
    return await merge(place, { ...merging, signal });
  } finally {
    await claim.remove();
  }
}

async function merge(place: PartsPlace, merging: Merging & { signal: AbortSignal }): Promise<Merged> {
  const { client } = place;
  const { alias, source, catalogue, fields, signal, minUsersPerPair, until } = merging;
  const { counted, parts, missing } = await withParts(place, async (moment) => {
    const states = await readStates(moment, merging);
    const rows = readPartRows(moment, states.generations, signal);
    return { ...states, parts: states.missing.length > 0 ? null : await mergeParts(rows, { catalogue, minUsersPerPair }) };
  });
  if (parts === null) return { ...NOTHING, outcome: 'waiting', waiting_for: missing };
  if (counted.events === 0) throw new NothingCounted(explainNothing(merging));
  const from = Math.max(until.getTime() - RECENT_MS, source.since === null ? -Infinity : Date.parse(source.since));
  const recent = await countRecentEvents(client, source.events, { fields, window: { from, until: until.getTime() }, catalogue, signal });
  const items = describeItems(parts, recent, catalogue);
  const documents = [...items.documents()];
  const meta: StatisticsMeta = {
    version: 1,
    catalogue: source.catalogue,
    events: source.events,
    until: until.toISOString(),
    counted: { ...counted, items: documents.length, pairs: parts.pairs.kept },
    min_users_per_pair: minUsersPerPair,
  };
  const published = await publishStatistics(client, { alias, meta, documents, bulk: place.bulk, signal });
  await forgetOtherSlicings(place, merging.slices);
  return {
    outcome: 'published',
    ...published,
    waiting_for: [],
    counted: meta.counted,
    pairs: parts.pairs,
    items: { documents: documents.length, with_counters: items.counted, with_factor: items.factors },
  };
}

async function withParts<Result>(place: PartsPlace, use: (moment: PointInTime) => Promise<Result>): Promise<Result> {
  await refreshIndex(place.client, place.index);
  const moment = await PointInTime.open(place.client, place.index);
  if (moment === null) throw new Error(`the index ${place.index} was deleted while it was in use; run the command again`);
  try {
    return await use(moment);
  } finally {
    await moment.close();
  }
}

async function allStates(moment: PointInTime): Promise<PartState[]> {
  const states: PartState[] = [];
  const pages = moment.stream({ query: { term: { [PART.kind]: 'state' } }, sort: [{ [PART.slice]: 'asc' }], source: true });
  for await (const page of pages) states.push(...page.map(({ source }) => partStateSchema.parse(source)));
  return states;
}

/** Generations and sums of the slices, and those slices that are not counted until the same moment from the same events. */
async function readStates(
  moment: PointInTime,
  { source, until, slices }: Merging,
): Promise<{ generations: string[]; counted: { events: number; users: number }; missing: string[] }> {
  const states = new Map((await allStates(moment)).map((state) => [state.slice, state]));
  const missing: string[] = [];
  const generations: string[] = [];
  const counted = { events: 0, users: 0 };
  for (let index = 0; index < slices; index += 1) {
    const slice = nameSlice({ index, of: slices });
    const state = states.get(slice);
    const alike = state?.catalogue === source.catalogue && state.events === source.events && state.since === source.since;
    if (state === undefined || !alike || state.until !== until.toISOString()) {
      missing.push(
        `${slice} (${state?.until == null ? 'not counted' : alike ? `counted until ${state.until}` : 'counted from another source'})`,
      );
      continue;
    }
    generations.push(...state.generations);
    counted.events += state.counted.events;
    counted.users += state.counted.users;
  }
  return { generations, counted, missing };
}

/** Once the slices are merged, sums of the same shoppers under another number of slices only take room. */
async function forgetOtherSlicings(place: PartsPlace, slices: number): Promise<void> {
  const states = await withParts(place, allStates);
  for (const { slice } of states.filter((state) => !state.slice.endsWith(`/${slices}`))) {
    const document = { client: place.client, index: place.index, id: stateIdOf(slice) };
    const claim = await Claim.take(document, partStateSchema, (stored): PartState => ({
      ...(stored ?? { kind: 'state', slice, run: null, catalogue: '', events: '', since: null, counted: { events: 0, users: 0 } }),
      until: null,
      generations: [],
    })).catch((error: unknown) => {
      if (error instanceof RunUnderWay) return null;
      throw error;
    });
    if (claim === null) continue;
    await sweepPartRows(place, slice, []);
    await claim.remove();
  }
}

function explainNothing({ source, run: { tally } }: Merging): string {
  const { events } = tally.read;
  const causes = [
    describeUncounted('name products that the catalogue does not hold', tally.unknownProducts),
    describeUncounted('have actions that are not known', tally.unknownActions),
  ].filter((cause) => cause !== null);
  const why = causes.length === 0 ? '' : `: ${causes.join('; ')}`;
  return (
    `not one of ${events} events of ${source.events} counts${why}. Events count when event_attributes.object.object_id is the id of a ` +
    `product of "${source.catalogue}" and a shopper is named; nothing was written`
  );
}

function describeUncounted(what: string, { events, examples }: { events: number; examples: readonly string[] }): string | null {
  return events === 0 ? null : `${events} ${what} (such as ${examples.slice(0, 3).join(', ')})`;
}
