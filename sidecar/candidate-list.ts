import type { ProductIndexMeta } from '../mappings/product-index.js';
import type { ItemStatistics } from './statistics/item-statistics.js';

/** What the item store knows of a product. Vectors are unit length. */
export interface Item {
  id: string;
  text: Float32Array | null;
  image: Float32Array | null;
  price: number | null;
  rating: number | null;
  ratingCount: number | null;
  brand: string | null;
  /** Broad to narrow, or the values of a facet. */
  category: readonly string[];
  /** What shoppers did with it; null: nothing is counted, or nobody asked. */
  statistics: ItemStatistics | null;
}

/** One hit of the window; ranks count from 0. */
export interface Candidate {
  /** Null: the item store does not hold it (yet); it is ranked by its first-phase columns alone. */
  item: Item | null;
  /** Null: not in the first phase, added by a vector leg. */
  firstPhaseScore: number | null;
  firstPhaseRank: number | null;
  textRank: number | null;
  imageRank: number | null;
}

export interface HistoryEntry {
  objectId: string;
  /** UBI's action_name. */
  action: string;
  ageSeconds: number;
  runningSession: boolean;
  item: Item | null;
}

/** All that one ranking looks at. */
export interface CandidateList {
  candidates: readonly Candidate[];
  /** Oldest first; entries before the last 50 are not looked at. */
  history: readonly HistoryEntry[];
  query: { text: string | null; textVector: Float32Array | null; imageVector: Float32Array | null; headVector: Float32Array | null };
  /** Random-pair statistics of the index; a pair without them is not looked at. */
  cosineStats: ProductIndexMeta['cosine_stats'];
  /** A signal switched off is absent everywhere: vectors, leg ranks, history. */
  signals: { text: boolean; image: boolean; history: boolean };
  textDims: number;
  imageDims: number;
}
