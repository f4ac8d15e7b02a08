/** Names under which our hybrid pipelines are stored in the engine. */
export const PIPELINE = { normalised: 'fuserank_hybrid', fused: 'fuserank_rrf' } as const;

export interface SearchPipelineBody {
  description: string;
  phase_results_processors: Record<string, unknown>[];
  response_processors?: Record<string, unknown>[];
}

/**
 * Convex mix of a hybrid query's clauses: min-max within each clause, then a weighted mean.
 * @param options.weights one per clause, each 0–1, summing to 1. A static text table deserves .2–.3, a sentence
 *   transformer about .5 (measured on ESCI): the weight of the vector side belongs to its encoder.
 */
export function normalisationPipeline(options: { weights: readonly number[] }): SearchPipelineBody {
  const sum = options.weights.reduce((total, weight) => total + weight, 0);
  if (Math.abs(sum - 1) > 1e-6) throw new Error(`the weights of a hybrid pipeline must sum to 1, these sum to ${sum}`);
  return {
    description: 'fuserank: min-max per clause, weighted mean',
    phase_results_processors: [
      {
        'normalization-processor': {
          normalization: { technique: 'min_max' },
          combination: { technique: 'arithmetic_mean', parameters: { weights: options.weights } },
        },
      },
    ],
    // Without this processor `explain: true` on a hybrid query fails.
    response_processors: [{ hybrid_score_explanation: {} }],
  };
}

/** Reciprocal rank fusion: Σ 1 / (constant + rank) over the clauses (Cormack, Clarke, Büttcher 2009; their constant 60). */
export function rankFusionPipeline(options: { rankConstant?: number } = {}): SearchPipelineBody {
  return {
    description: 'fuserank: reciprocal rank fusion',
    phase_results_processors: [
      { 'score-ranker-processor': { combination: { technique: 'rrf', rank_constant: options.rankConstant ?? 60 } } },
    ],
  };
}
