import type { ProductIndexMeta } from '../../mappings/product-index.js';
import type { TextEncoder } from '../../models/text-encoder.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { describeCatalogue } from '../statistics/catalogue-statistics.js';
import { fitHead } from '../statistics/head-fitting.js';
import { checkGates, completeVersion, storeHead, swapAlias, type Gates, type LiveIndex } from '../index-lifecycle.js';
import type { IndexReport } from '../report/index-report.js';
import type { ProductWriting } from '../product-writing.js';
import { seedStream } from '../../models/random-stream.js';

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
    queryPrompt: string;
    gates: Gates;
    forceSwap: boolean;
  },
): Promise<Completion> {
  const { alias, index, live, meta, writing, textEncoder, gates, forceSwap } = options;
  const { text, image } = meta.encoders;
  const fit =
    text && image && textEncoder ? await fitHead(writing.sampled, { ...options, encoder: textEncoder, stamps: { text, image } }) : null;
  const project = fit?.head ? fit.head.project.bind(fit.head) : null;
  const cosineStats = await describeCatalogue(writing.sampled, {
    encoder: textEncoder,
    queryPrompt: options.queryPrompt,
    project,
    random: seedStream(SEED),
  });
  if (fit?.document) await storeHead(client, fit.document);
  const head = fit?.document ? { sha256: fit.document.sha256, created: fit.document.created } : null;
  await completeVersion(client, index, { ...meta, cosine_stats: cosineStats, head });
  const gateFaults = await checkGates(client, { index, meta, live, counts: writing.counts, gates });
  const swap = gateFaults.length === 0 || forceSwap;
  if (swap) await swapAlias(client, alias, live?.name ?? null, index);
  return { live: swap, gateFaults, cosineStats, head: fit && { fitted: fit.head !== null, note: fit.note } };
}
