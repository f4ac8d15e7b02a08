import { EVENT } from '../../mappings/behaviour-index.js';
import type { EventFields } from '../events/event-fields.js';
import type { PointInTime, StreamedHit } from '../../opensearch/point-in-time.js';

/** One event of a shopper's that names a product. */
export interface ShopperEvent {
  id: string;
  time: number;
  action: string;
  objectId: string;
}

/** All events of one shopper before `until`, oldest first. */
export interface Shopper {
  key: string;
  events: ShopperEvent[];
}

/** Every n-th shopper, by a hash of their key; `index` from 0. */
export interface Slice {
  index: number;
  of: number;
}

export interface EventWindow {
  /** Events before are not looked at; null: of all time. */
  since: number | null;
  /** Only shoppers with events at or after are read; null: all. */
  from: number | null;
  until: number;
}

/** Shoppers whose earlier events are asked for at once. */
const BATCH_SHOPPERS = 500;
const BATCH_EVENTS = 20_000;

/** Java's String.hashCode, as Painless has it; the remainder may be negative. */
const SLICE_SCRIPT = 'int h = doc[params.field].value.toString().hashCode(); return (h % params.n + params.n) % params.n == params.i;';

/**
 * Shoppers one after the other, each once: first those with a user_id, then those with a client_id alone, then sessions. Holds one shopper's
 * events, or a batch of shoppers where earlier events are read separately.
 */
export async function* streamShoppers(
  moment: PointInTime,
  options: { fields: EventFields; window: EventWindow; slice: Slice; signal?: AbortSignal | undefined },
): AsyncGenerator<Shopper> {
  const { window } = options;
  const stronger: string[] = [];
  for (const [field, exact] of options.fields.shopper) {
    const read = (from: number | null, until: number, filter: object[]): AsyncGenerator<Shopper> =>
      groupByShopper(
        moment.stream({
          query: {
            bool: {
              filter: [
                { exists: { field: exact } },
                { exists: { field: options.fields.object } },
                { range: { [EVENT.timestamp]: { ...(from === null ? {} : { gte: from }), lt: until, format: 'epoch_millis' } } },
                ...filter,
              ],
              must_not: stronger.map((other) => ({ exists: { field: other } })),
            },
          },
          sort: [
            { [exact]: { order: 'asc', unmapped_type: 'keyword' } },
            { [EVENT.timestamp]: { order: 'asc', unmapped_type: 'date', numeric_type: 'date' } },
          ],
          docvalues: [options.fields.action, options.fields.object],
          signal: options.signal,
        }),
        options.fields,
      );
    const sliced = sliceFilter(exact, options.slice);
    if (window.from === null) yield* read(window.since, window.until, sliced);
    else
      yield* withEarlierEvents(read(window.from, window.until, sliced), (keys) =>
        read(window.since, window.from ?? 0, [{ terms: { [exact]: keys } }]),
      );
    stronger.push(field);
  }
}

function sliceFilter(field: string, { index, of }: Slice): object[] {
  return of === 1 ? [] : [{ script: { script: { source: SLICE_SCRIPT, lang: 'painless', params: { field, i: index, n: of } } } }];
}

/** Puts before the events of each shopper those that `readEarlier` finds. */
async function* withEarlierEvents(
  recent: AsyncGenerator<Shopper>,
  readEarlier: (keys: string[]) => AsyncGenerator<Shopper>,
): AsyncGenerator<Shopper> {
  const complete = async function* (batch: Map<string, Shopper>): AsyncGenerator<Shopper> {
    for await (const { key, events } of readEarlier([...batch.keys()])) {
      const shopper = batch.get(key);
      if (shopper) shopper.events = events.concat(shopper.events);
    }
    yield* batch.values();
  };
  let batch = new Map<string, Shopper>();
  let events = 0;
  for await (const shopper of recent) {
    batch.set(shopper.key, shopper);
    events += shopper.events.length;
    if (batch.size < BATCH_SHOPPERS && events < BATCH_EVENTS) continue;
    yield* complete(batch);
    batch = new Map();
    events = 0;
  }
  if (batch.size > 0) yield* complete(batch);
}

async function* groupByShopper(pages: AsyncGenerator<StreamedHit[]>, fields: EventFields): AsyncGenerator<Shopper> {
  // An empty id is nobody's.
  let shopper: Shopper = { key: '', events: [] };
  for await (const page of pages) {
    for (const hit of page) {
      const key = textOf(hit.sort[0]);
      if (key !== shopper.key) {
        if (shopper.key !== '') yield inOrder(shopper);
        shopper = { key, events: [] };
      }
      shopper.events.push(readEvent(hit, fields));
    }
  }
  if (shopper.key !== '') yield inOrder(shopper);
}

function readEvent(hit: StreamedHit, { action, object }: EventFields): ShopperEvent {
  return {
    id: hit.id,
    time: Number(hit.sort[1]),
    action: textOf(hit.fields[action]?.[0]),
    objectId: textOf(hit.fields[object]?.[0]),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Events of one millisecond in the order of their ids, as the sidecar reads a history. */
function inOrder(shopper: Shopper): Shopper {
  shopper.events.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
  return shopper;
}
