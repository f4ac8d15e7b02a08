import type { MaybeList } from './labelled-lists.js';
import { readLogFiles, type LogLine } from './log-files.js';

/** Labels by item of each of the searches asked about that have any. */
export type ReadLabels = (queryIds: readonly string[]) => Promise<ReadonlyMap<string, ReadonlyMap<string, number>>>;

/** Lists whose labels are asked for together. */
const BATCH = 50;

/** Logged lists with the labels that events of the same query id give. */
export async function* listsOfLog(
  files: readonly string[],
  options: { readLabels: ReadLabels; /** Null = of every index. */ index: string | null; tell: (note: string) => void },
): AsyncGenerator<MaybeList> {
  const seen = new Set<string>();
  let batch: LogLine[] = [];
  for await (const line of readLogFiles(files, options.tell)) {
    const dropped = whyDropped(line, options.index, seen);
    seen.add(line.list.list_id);
    if (dropped !== null) yield { dropped };
    else batch.push(line);
    if (batch.length < BATCH) continue;
    yield* label(batch, options.readLabels);
    batch = [];
  }
  yield* label(batch, options.readLabels);
}

function whyDropped({ list }: LogLine, index: string | null, seen: ReadonlySet<string>): string | null {
  if (index !== null && list.index !== index) return 'other_index';
  if (seen.has(list.list_id)) return 'repeated'; // a file that was copied, or named twice
  if (list.query_id === null) return 'without_query_id';
  // Only clocks that disagree make statistics younger than the list they ranked; its columns can't be trusted then.
  if (list.statistics_until !== null && list.statistics_until > list.time) return 'statistics_after_list';
  return null;
}

async function* label(lines: readonly LogLine[], readLabels: ReadLabels): AsyncGenerator<MaybeList> {
  if (lines.length === 0) return;
  const labels = await readLabels(lines.flatMap(({ list }) => list.query_id ?? []));
  for (const { list } of lines) {
    const grades = labels.get(list.query_id ?? '') ?? new Map<string, number>();
    yield { labelled: { list, scored: null, listId: list.list_id, queryId: list.query_id, grades, shown: true } };
  }
}
