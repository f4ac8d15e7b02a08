import type { LoggedList, ScoredInput } from '../../sidecar/index.js';
import { InputInvalid } from '../formats/input-lines.js';
import type { RowSink } from './row-file.js';

/** A list whose candidates are about to be rows. */
export interface LabelledList {
  readonly list: LoggedList;
  /** What a ranker was fed; null where nobody asked. */
  readonly scored: ScoredInput | null;
  readonly listId: string;
  readonly queryId: string | null;
  /** Grades by item id; what is not in it was not judged, or not touched. */
  readonly grades: ReadonlyMap<string, number>;
  /** Whether shoppers saw the list in this order. */
  readonly shown: boolean;
}

/** Why a list gives no rows; names are part of the report. */
export type DropReason = string;

/** A list, or why there is none. */
export type MaybeList = { readonly labelled: LabelledList } | { readonly dropped: DropReason };

/** What became of the lists. */
export interface RowsReport {
  lists: number;
  rows: number;
  /** Rows with a label above 0. */
  positives: number;
  readonly dropped: Record<DropReason, number>;
}

export interface Labelling {
  /** Takes every list that gives rows, whole. */
  readonly inputs?: { write(list: LabelledList): Promise<void> };
  /** What a candidate without a grade is: label 0, as evaluate counts it, or no row at all. */
  readonly unjudged: 'zero' | 'drop';
  /** Keep lists in which nothing has a label above 0. */
  readonly keepUnlabelled: boolean;
  /** What such a list is called where it is dropped. */
  readonly unlabelled: DropReason;
}

/** Writes the rows of all lists. @throws InputInvalid where not one list was left: nothing is written then */
export async function writeLists(
  lists: AsyncIterable<MaybeList>,
  sink: RowSink,
  options: Labelling & { readonly onList?: (report: RowsReport) => void },
): Promise<RowsReport> {
  const report: RowsReport = { lists: 0, rows: 0, positives: 0, dropped: {} };
  for await (const each of lists) {
    const dropped = 'dropped' in each ? each.dropped : await writeList(each.labelled, sink, { ...options, report });
    if (dropped !== null) report.dropped[dropped] = (report.dropped[dropped] ?? 0) + 1;
    options.onList?.(report);
  }
  if (report.lists === 0) throw new InputInvalid(`not one list gave rows: ${describeDrops(report)}; nothing is written`);
  return report;
}

/** `12 without query_id, 3 target_not_retrieved`. */
export function describeDrops({ dropped }: RowsReport): string {
  const parts = Object.entries(dropped).map(([reason, count]) => `${count} ${reason.replaceAll('_', ' ')}`);
  return parts.length === 0 ? 'there are none' : parts.join(', ');
}

async function writeList(
  labelled: LabelledList,
  sink: RowSink,
  { unjudged, keepUnlabelled, unlabelled, inputs, report }: Labelling & { report: RowsReport },
): Promise<DropReason | null> {
  const { list, listId, queryId, grades, shown } = labelled;
  const candidates = unjudged === 'drop' ? list.candidates.filter(({ id }) => grades.has(id)) : list.candidates;
  const positives = candidates.filter(({ id }) => (grades.get(id) ?? 0) > 0).length;
  if (candidates.length === 0 || (positives === 0 && !keepUnlabelled)) return unlabelled;
  for (const { id, position, columns } of candidates) {
    await sink.write({
      list_id: listId,
      query_id: queryId,
      item_id: id,
      label: Math.max(0, grades.get(id) ?? 0),
      position: shown ? position : null,
      variant: shown ? list.variant : null,
      columns,
    });
  }
  await inputs?.write(labelled);
  report.lists += 1;
  report.rows += candidates.length;
  report.positives += positives;
  return null;
}
