import { createHash } from 'node:crypto';
import { PRODUCT } from '../../mappings/product-index.js';
import { textSearchBody } from '../../mappings/query-templates.js';
import { normalisationPipeline, rankFusionPipeline, type SearchPipelineBody } from '../../mappings/search-pipelines.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import type { Question } from '../../tuning/evaluate/question.js';
import type { MeasuredPack } from './measured-pack.js';

/** How deep a hybrid's clauses are fetched before they are mixed, and how many neighbours a vector clause finds. */
const DEPTH = 200;

/** What the engine alone can do with vectors: real hybrid queries through the pipelines that we ship, and neighbours alone. */
export interface VectorQuestions {
  /** Min-max within each clause, then a weighted mean. @param vectorWeight 0–1, of the vector clause */
  convex(vectorWeight: number): Question;
  /** Reciprocal rank fusion, k = 60. */
  readonly fused: Question;
  readonly neighbours: Question;
  close(): Promise<void>;
}

export async function openVectorQuestions(pack: MeasuredPack): Promise<VectorQuestions> {
  const encoder = await openTextEncoder({ path: pack.config.encoders.text.path });
  const hashOf = (...parts: readonly unknown[]): string =>
    createHash('sha256')
      .update(JSON.stringify([encoder.id, DEPTH, ...parts]))
      .digest('hex');
  const clauseOf = async (text: string): Promise<object> => ({
    knn: { [PRODUCT.textVector]: { vector: Array.from(await encoder.encodeQuery(text)), k: DEPTH } },
  });
  const hybrid = (name: string, pipeline: SearchPipelineBody): Question => ({
    name,
    sha256: hashOf('hybrid', pipeline),
    ask: async ({ query }, size) => {
      const text = query ?? '';
      const queries = [textSearchBody(pack.facts.roles, { text }).query, await clauseOf(text)];
      return { query: { hybrid: { queries, pagination_depth: DEPTH } }, size, search_pipeline: pipeline };
    },
  });
  return {
    convex: (weight) => hybrid('hybrid', normalisationPipeline({ weights: [1 - weight, weight] })),
    fused: hybrid('fused', rankFusionPipeline()),
    neighbours: {
      name: 'neighbours',
      sha256: hashOf('neighbours'),
      ask: async ({ query }, size) => ({ query: await clauseOf(query ?? ''), size }),
    },
    close: () => encoder.close(),
  };
}
