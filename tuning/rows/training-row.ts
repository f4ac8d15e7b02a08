import { z } from 'zod';

export const ROW_SOURCES = ['log', 'ubi', 'sequences', 'judgments'] as const;
export type RowSource = (typeof ROW_SOURCES)[number];

/** What a file of rows says of itself: Parquet's key-value metadata under `fuserank_rows`, or the first line of NDJSON. */
export const rowsHeaderSchema = z.object({
  fuserank_rows: z.literal(1),
  /** Of the columns; a trainer refuses rows of another feature set. */
  feature_set: z.string(),
  columns: z.array(z.string()).min(1),
  source: z.enum(ROW_SOURCES),
  /** The item statistics that the columns saw; null = none, or (from the log) whatever was served at the time. */
  statistics: z.object({ name: z.string(), until: z.iso.datetime() }).nullable(),
  created: z.iso.datetime(),
  versions: z.object({ fuserank: z.string(), opensearch: z.string().nullable() }),
});
export type RowsHeader = z.output<typeof rowsHeaderSchema>;

/** One candidate of one list. */
export interface TrainingRow {
  readonly list_id: string;
  readonly query_id: string | null;
  readonly item_id: string;
  /** Grade, 0 and up. */
  readonly label: number;
  /** Place in the list that was shown, from 0; null where nobody saw it. */
  readonly position: number | null;
  /** Profile and blend that it was shown by; null where nobody saw it. */
  readonly variant: string | null;
  /** float32 values in the order of the header's columns. */
  readonly columns: readonly number[];
}

/** Members of a row beside its columns, in the order in which they are written. */
export const ROW_MEMBERS = ['list_id', 'query_id', 'item_id', 'label', 'position', 'variant'] as const;
