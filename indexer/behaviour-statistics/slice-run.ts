import { randomUUID } from 'node:crypto';
import { partStateSchema, type PartRow, type PartState } from '../../mappings/statistics-parts-index.js';
import type { EventFields } from '../events/event-fields.js';
import { refreshIndex } from '../index-lifecycle.js';
import { PointInTime } from '../../opensearch/point-in-time.js';
import { Claim } from './claimed-document.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import { readPartRows, rowsOfTally, sweepPartRows, writePartRows, type PartsPlace } from './part-rows.js';
import { streamShoppers, type Slice } from './shopper-stream.js';
import { SliceTally } from './slice-tally.js';

/** What was asked for does not fit what is counted already. */
export class CountedAlready extends Error {
  override readonly name = 'CountedAlready';
  readonly exitCode = 2;
}

/** What a slice is counted from; a change of any member begins anew. */
export interface CountingSource {
  /** Alias of the catalogue. */
  catalogue: string;
  /** Index of the events. */
  events: string;
  since: string | null;
}

export interface SliceRun {
  /** Null: this run began anew. */
  from: string | null;
  /** Why it began anew; null where it did not, or had to, being the first. */
  reason: string | null;
  tally: SliceTally;
  seconds: number;
}

/** Generations of a slice beyond which they are written together. */
const MOST_GENERATIONS = 8;

export function nameSlice({ index, of }: Slice): string {
  return `${index + 1}/${of}`;
}

/** Id of the document that holds a slice's state. */
export function stateIdOf(slice: string): string {
  return `slice ${slice}`;
}

/**
 * Brings the sums of a slice up to `until`: rows of a new generation first, then, in one step, the state that lists it. A run that is cut off
 * at any moment leaves the sums as they were.
 * @throws CountedAlready, RunUnderWay
 */
export async function countSlice(
  place: PartsPlace,
  options: {
    source: CountingSource;
    slice: Slice;
    until: Date;
    full: boolean;
    catalogue: CountedCatalogue;
    fields: EventFields;
    signal?: AbortSignal | undefined;
    onShopper?: (tally: SliceTally) => void;
  },
): Promise<SliceRun> {
  const { source, catalogue, until } = options;
  const started = performance.now();
  const slice = nameSlice(options.slice);
  const claim = await Claim.take(
    { client: place.client, index: place.index, id: stateIdOf(slice) },
    partStateSchema,
    (stored): PartState =>
      stored ?? { kind: 'state', slice, run: null, ...source, until: null, generations: [], counted: { events: 0, users: 0 } },
  );
  try {
    const signal = AbortSignal.any([claim.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const before = claim.held;
    const { from, reason } = chooseStart(before, { source, until, full: options.full });
    await sweepPartRows(place, slice, before.generations);
    const tally = new SliceTally(catalogue, from === null ? -Infinity : Date.parse(from));
    if (from !== until.toISOString()) {
      await readInto(tally, place, { ...options, from, signal });
      const generation = randomUUID();
      const added = tally.counted.events === 0 ? [] : [generation];
      await writePartRows(place, rowsOfTally(tally, catalogue, { slice, generation }), signal);
      const kept = from === null ? { generations: [], counted: { events: 0, users: 0 } } : before;
      const state: PartState = {
        ...before,
        ...source,
        until: until.toISOString(),
        generations: [...kept.generations, ...added],
        counted: { events: kept.counted.events + tally.counted.events, users: kept.counted.users + tally.counted.users },
      };
      await claim.commit(state);
      if (state.generations.length > MOST_GENERATIONS) await compact(place, claim, signal);
      await sweepPartRows(place, slice, claim.held.generations);
    }
    return { from, reason, tally, seconds: (performance.now() - started) / 1000 };
  } finally {
    await claim.release();
  }
}

/** From where to count: null begins anew. */
function chooseStart(
  { until: counted, ...before }: PartState,
  { source, until, full }: { source: CountingSource; until: Date; full: boolean },
): { from: string | null; reason: string | null } {
  if (counted === null) return { from: null, reason: null };
  if (full) return { from: null, reason: 'asked for by --full' };
  const changed = (['catalogue', 'events', 'since'] as const).filter((member) => before[member] !== source[member]);
  if (changed.length > 0) {
    const told = changed.map((member) => `${member} was ${before[member] ?? 'not given'}`).join(', ');
    return { from: null, reason: `${told} in the run before` };
  }
  if (Date.parse(counted) > until.getTime())
    throw new CountedAlready(
      `events until ${counted} are counted already and can't be taken out again; ` +
        `for statistics of an earlier moment write others (--into NAME), or count these anew (--full)`,
    );
  return { from: counted, reason: null };
}

async function readInto(
  tally: SliceTally,
  { client }: PartsPlace,
  options: {
    source: CountingSource;
    slice: Slice;
    from: string | null;
    until: Date;
    fields: EventFields;
    signal: AbortSignal;
    onShopper?: (tally: SliceTally) => void;
  },
): Promise<void> {
  const { source, slice, from, until, fields, signal } = options;
  // Events that were written a moment ago are not searchable yet.
  await refreshIndex(client, source.events);
  const moment = await PointInTime.open(client, source.events);
  if (moment === null) return;
  try {
    const since = source.since === null ? null : Date.parse(source.since);
    const window = { since, from: from === null ? null : Date.parse(from), until: until.getTime() };
    for await (const shopper of streamShoppers(moment, { fields, window, slice, signal })) {
      tally.add(shopper);
      options.onShopper?.(tally);
    }
  } finally {
    await moment.close();
  }
}

/** Writes all generations of a slice as one. */
async function compact(place: PartsPlace, claim: Claim<PartState>, signal: AbortSignal): Promise<void> {
  const state = claim.held;
  const moment = await PointInTime.open(place.client, place.index);
  if (moment === null) return;
  const generation = randomUUID();
  const rows = async function* (): AsyncGenerator<PartRow> {
    for await (const row of readPartRows(moment, state.generations, signal)) yield { ...row, generation };
  };
  try {
    await writePartRows(place, rows(), signal);
    await claim.commit({ ...state, generations: [generation] });
  } finally {
    await moment.close();
  }
}
