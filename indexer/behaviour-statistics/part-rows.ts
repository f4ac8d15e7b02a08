import { PART, partRowSchema, partsIndexBody, type PartRow } from '../../mappings/statistics-parts-index.js';
import type { Config } from '../../config/schema.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { BulkRefused, BulkWriter, sendBulkTo } from '../bulk-writer.js';
import { refreshIndex } from '../index-lifecycle.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';
import type { PointInTime } from '../../opensearch/point-in-time.js';
import type { CountedCatalogue } from './counted-catalogue.js';
import type { SliceTally } from './slice-tally.js';

/** Rows of popular products are megabytes. */
const ROW_PAGE = 100;

export interface PartsPlace {
  client: EngineClient;
  index: string;
  bulk: Config['index']['bulk'];
}

/** Makes the index of the parts where it is missing. */
export async function preparePartsIndex({ client, index }: PartsPlace): Promise<void> {
  const found = await askEngine(client, { method: 'HEAD', path: indexPath(index), expect: [404] });
  // Two runs at once may both find none; the loser of that race is told 400 and goes on with the winner's.
  if (found.status === 404)
    await askEngine(client, { method: 'PUT', path: indexPath(index), body: { ...partsIndexBody() }, expect: [400] });
}

/** Writes the rows of a generation, all or an error; they count when the slice's state lists it. */
export async function writePartRows(
  place: PartsPlace,
  rows: Iterable<PartRow> | AsyncIterable<PartRow>,
  signal?: AbortSignal,
): Promise<void> {
  const { client, index, bulk } = place;
  const writer = new BulkWriter<null>(sendBulkTo(client, index), bulk);
  let count = 0;
  for await (const row of rows) {
    signal?.throwIfAborted();
    // Not by the product's id, which alone may be as long as the engine takes.
    await writer.add({ id: `${row.generation} ${(count += 1)}`, source: JSON.stringify(row), origin: null });
  }
  const { rejected } = await writer.finish();
  const [first] = rejected;
  if (first) throw new BulkRefused(`${index} takes no row of ${first.id}: ${first.reason}`);
  await refreshIndex(client, index);
}

/** The tally as rows; products that nothing is known of have none. */
export function* rowsOfTally(
  tally: SliceTally,
  catalogue: CountedCatalogue,
  names: { slice: string; generation: string },
): Generator<PartRow> {
  const { offsets, others, weights, users } = tally.pairRows();
  for (let item = 0; item < catalogue.ids.length; item += 1) {
    const sums = tally.sumsOf(item);
    const [start, end] = [offsets[item] ?? 0, offsets[item + 1] ?? 0];
    if (start === end && Object.values(sums).every((sum) => sum === 0)) continue;
    const ids = Array.from(others.subarray(start, end), (other) => catalogue.ids[other] ?? '');
    yield {
      kind: 'row',
      ...names,
      item_id: catalogue.ids[item] ?? '',
      ...sums,
      pairs: { ids, weights: Array.from(weights.subarray(start, end), shorten), users: Array.from(users.subarray(start, end)) },
    };
  }
}

/** Ten digits: an error far below what the order of sums does, and half the bytes. */
function shorten(weight: number): number {
  return Number(weight.toPrecision(10));
}

/** Rows of the generations, one a product, in the order of product ids. */
export async function* readPartRows(moment: PointInTime, generations: readonly string[], signal?: AbortSignal): AsyncGenerator<PartRow> {
  if (generations.length === 0) return;
  const pages = moment.stream({
    query: { bool: { filter: [{ term: { [PART.kind]: 'row' } }, { terms: { [PART.generation]: [...generations] } }] } },
    sort: [{ [PART.itemId]: 'asc' }],
    source: true,
    page: ROW_PAGE,
    signal,
  });
  const rows = async function* (): AsyncGenerator<PartRow> {
    for await (const page of pages) for (const { source } of page) yield partRowSchema.parse(source);
  };
  yield* addUpRows(rows());
}

/** One row a product from rows of which those of a product lie together: slices and generations add up. */
export async function* addUpRows(rows: AsyncIterable<PartRow> | Iterable<PartRow>): AsyncGenerator<PartRow> {
  let sum: RowSum | null = null;
  for await (const row of rows) {
    if (sum?.itemId === row.item_id) sum.add(row);
    else {
      if (sum !== null) yield sum.row();
      sum = new RowSum(row);
    }
  }
  if (sum !== null) yield sum.row();
}

class RowSum {
  readonly #pairs = new Map<string, { weight: number; users: number }>();
  #row: PartRow;

  constructor(row: PartRow) {
    this.#row = row;
    this.#addPairs(row);
  }

  get itemId(): string {
    return this.#row.item_id;
  }

  add(row: PartRow): void {
    const sum = this.#row;
    this.#row = {
      ...sum,
      users: sum.users + row.users,
      impressions: sum.impressions + row.impressions,
      views: sum.views + row.views,
      carts: sum.carts + row.carts,
      purchases: sum.purchases + row.purchases,
    };
    this.#addPairs(row);
  }

  row(): PartRow {
    const pairs = [...this.#pairs.values()];
    return {
      ...this.#row,
      pairs: { ids: [...this.#pairs.keys()], weights: pairs.map(({ weight }) => weight), users: pairs.map(({ users }) => users) },
    };
  }

  #addPairs({ pairs }: PartRow): void {
    pairs.ids.forEach((id, at) => {
      const [weight, users] = [pairs.weights[at] ?? 0, pairs.users[at] ?? 0];
      const known = this.#pairs.get(id);
      if (known) {
        known.weight += weight;
        known.users += users;
      } else this.#pairs.set(id, { weight, users });
    });
  }
}

/** Deletes rows of a slice that its state does not list: what a run that was cut off left, or what a newer one replaces. */
export async function sweepPartRows({ client, index }: PartsPlace, slice: string, kept: readonly string[]): Promise<void> {
  await askEngine(client, {
    method: 'POST',
    path: indexPath(index, '_delete_by_query'),
    query: { refresh: 'true', conflicts: 'proceed' },
    body: {
      query: {
        bool: {
          filter: [{ term: { [PART.kind]: 'row' } }, { term: { [PART.slice]: slice } }],
          must_not: [{ terms: { [PART.generation]: [...kept] } }],
        },
      },
    },
  });
}
