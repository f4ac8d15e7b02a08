import type { Machine } from '../machine.js';
import type { RankerCost } from './ranker-cost.js';
import type { PairedView, Throughput } from './shop-view.js';

export interface MemoryUse {
  process: string;
  nowMb: number;
  peakMb: number;
}

/** All figures of one run, as they are kept in bench-results/. */
export interface BenchResult {
  machine: Machine;
  opensearch: string;
  products: number;
  window: number;
  page: number;
  view: PairedView;
  throughput: Throughput[];
  ranker: RankerCost;
  /** Products a second, from files to written documents. */
  indexing: { withPictures: number; withoutPictures: number };
  /** From spawning the process to the first 200 of /readyz, each start. */
  startMs: number[];
  memory: MemoryUse[];
}
