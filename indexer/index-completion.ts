import type { ProductIndexMeta } from '../mappings/product-index.js';
import type { TextEncoder } from '../models/text-encoder.js';
import type { EngineClient } from '../opensearch/connection.js';
import { describeCatalogue } from './catalogue-statistics.js';
import { checkGates, completeVersion, swapAlias, type Gates, type LiveIndex } from './index-lifecycle.js';
import type { IndexReport } from './index-report.js';
import type { ProductWriting } from './product-writing.js';
import { seededRandom } from './sample.js';

const SEED = 21;

export type Completion = Pick<IndexReport, 'live' | 'gateFaults' | 'cosineStats' | 'head'>;

/** Ends a filled version: statistics, head, stamp, gates, and the alias when all hold (or the swap is forced). */
export async function completeBuild(
  client: EngineClient,
  options: {
    alias: string;
    index: string;
    live: LiveIndex | null;
    meta: ProductIndexMeta;
    writing: ProductWriting;
    textEncoder: TextEncoder | null;
    gates: Gates;
    forceSwap: boolean;
  },
): Promise<Completion> {
  const { alias, index, live, writing, textEncoder, gates, forceSwap } = options;
  const cosineStats = await describeCatalogue(writing.sampled, { encoder: textEncoder, project: null, random: seededRandom(SEED) });
  await completeVersion(client, index, { ...options.meta, cosine_stats: cosineStats, head: null });
  const gateFaults = await checkGates(client, { index, live, counts: writing.counts, gates });
  const swap = gateFaults.length === 0 || forceSwap;
  if (swap) await swapAlias(client, alias, live?.name ?? null, index);
  return { live: swap, gateFaults, cosineStats, head: null };
}
