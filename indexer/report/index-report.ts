import type { ProductIndexMeta } from '../../mappings/product-index.js';
import type { Reject } from '../catalogue.js';
import type { AbsentField } from '../catalogue/mapped-field.js';

/** A row that was not taken, or not wholly. */
export interface ListedReject extends Omit<Reject, 'kind'> {
  /** True: the product is in the index, without a picture vector. False: it is not in the index. */
  indexed: boolean;
}

/** What an indexing run did. Times in seconds, rates a second. */
export interface IndexReport {
  alias: string;
  /** The concrete index that now holds the products. */
  index: string | null;
  /** The index that the alias stood for before, still there after a swap. */
  previous: string | null;
  /** `built`: a new version; `updated`: changes written into the live one; `unchanged`: nothing to do; `planned`: dry run. */
  outcome: 'built' | 'updated' | 'unchanged' | 'planned';
  /** Whether searches through the alias now reach `index`. */
  live: boolean;
  /** Why a new version was built instead of an update; null for an update. */
  reason: string | null;
  aborted: boolean;
  gateFaults: string[];
  /** Mapped fields that not one product had; empty for an interrupted run. */
  absentFields: AbsentField[];
  products: {
    /** Rows of the input: those written, unchanged and rejected together. */
    rows: number;
    /** Rows that are products; the others had no usable id or content. */
    read: number;
    written: number;
    unchanged: number;
    rejected: number;
    withoutPicture: number;
    /** In the live index but not in this catalogue; kept. Null where it cannot be told (a part of a catalogue, a new version). */
    notInCatalogue: number | null;
  };
  inferences: { texts: number; pictures: number };
  vectors: { text: number; image: number };
  pictures: { refused: number; videosIgnored: number };
  writes: { indexed: number; retried: number; rejected: number };
  cosineStats: ProductIndexMeta['cosine_stats'] | null;
  head: { fitted: boolean; note: string } | null;
  encoders: { text: string | null; image: string | null };
  rejects: { count: number; first: ListedReject[]; file: string | null };
  seconds: { total: number; filling: number };
  rates: { products: number; texts: number; pictures: number };
}

/** Rejects that a report shows; all are in the dead-letter file. */
export const SHOWN_REJECTS = 20;

/** Figures of a run so far, for a progress line. */
export interface IndexProgress {
  rows: number;
  /** Rows that are products. */
  read: number;
  written: number;
  unchanged: number;
  rejected: number;
  texts: number;
  pictures: number;
  seconds: number;
}
