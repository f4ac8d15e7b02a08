import type { RunLine } from '../run/run-line.js';
import * as binary from './binary-relevance.js';
import { measureExpectedReciprocalRank } from './cascade.js';
import type { CatalogueExposure } from './catalogue-exposure.js';
import { measureLinearNdcg, measureNdcg } from './discounted-gain.js';
import { measureJudgedShare, measureZeroResults } from './judged-share.js';
import { measureLegRecall } from './leg-recall.js';
import { measureDiversity, measureNovelty } from './list-variety.js';
import { demand, type Metric, type MetricContext } from './metric.js';

/** How a metric is asked for, beside its name. */
export interface Asked {
  /** Whole name, for errors. */
  readonly name: string;
  /** Infinity where none was given. */
  readonly k: number;
  /** The numbers in brackets, defaults filled in. */
  readonly numbers: Readonly<Record<string, number>>;
}

export interface MetricRow {
  /** Other spellings in lower case: those of ir_measures, trec_eval and ranx. */
  readonly also: readonly string[];
  readonly cut: 'required' | 'optional' | 'none';
  /** Numbers that may stand in brackets, and what they are when they do not. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly better: 'higher' | 'lower';
  readonly reads: Metric['reads'];
  readonly needs: readonly (keyof MetricContext)[];
}

export interface QueryMetricRow extends MetricRow {
  readonly measure: (line: RunLine, asked: Asked, context: MetricContext) => number | null;
}

export interface RunMetricRow extends MetricRow {
  readonly read: (exposure: CatalogueExposure, catalogueSize: number) => number | null;
}

const plain = { also: [], cut: 'required', numbers: {}, better: 'higher', reads: 'grades', needs: [] } as const;

type BinaryMeasure = (line: RunLine, cut: { k: number; rel: number }) => number | null;

/** A metric that sees a grade of `rel` or more as relevant. */
function binaryRow(measure: BinaryMeasure, cut: 'required' | 'optional', ...also: string[]): QueryMetricRow {
  return { ...plain, also, cut, numbers: { rel: 1 }, measure: (line, { k, numbers }) => measure(line, { k, rel: numbers['rel'] ?? 1 }) };
}

/** Metrics with a value for each query. */
export const QUERY_METRICS: Readonly<Record<string, QueryMetricRow>> = {
  ndcg: { ...plain, also: ['ndcg_burges', 'ndcg_exp'], measure: (line, { k }) => measureNdcg(line, k) },
  ndcg_lin: { ...plain, also: ['ndcg_cut', 'ndcg_linear'], measure: (line, { k }) => measureLinearNdcg(line, k) },
  mrr: binaryRow(binary.measureReciprocalRank, 'optional', 'rr', 'recip_rank', 'reciprocal_rank'),
  map: binaryRow(binary.measureAveragePrecision, 'optional', 'ap', 'map_cut', 'average_precision'),
  p: binaryRow(binary.measurePrecision, 'required', 'precision'),
  recall: binaryRow(binary.measureRecall, 'required', 'r'),
  hr: binaryRow(binary.measureHitRate, 'required', 'success', 'hit_rate', 'hit'),
  f1: binaryRow(binary.measureF1, 'required', 'f'),
  err: {
    ...plain,
    numbers: { max: 4 },
    measure: (line, { k, numbers }) => measureExpectedReciprocalRank(line, { k, max: numbers['max'] ?? 4 }),
  },
  auc: binaryRow(binary.measureAuc, 'optional', 'roc_auc'),
  leg_recall: {
    ...plain,
    cut: 'optional',
    numbers: { rel: 1 },
    reads: 'legs',
    measure: (line, { k, numbers }) => measureLegRecall(line, { k, rel: numbers['rel'] ?? 1 })?.fused ?? null,
  },
  judged: { ...plain, reads: 'hits', measure: (line, { k }) => measureJudgedShare(line, k) },
  zero_results: {
    ...plain,
    also: ['zero_result_rate', 'zero_results_rate'],
    cut: 'none',
    better: 'lower',
    reads: 'hits',
    measure: measureZeroResults,
  },
  diversity: {
    ...plain,
    also: ['ild', 'intra_list_diversity'],
    reads: 'hits',
    needs: ['vectors'],
    measure: (line, { k, name }, context) => measureDiversity(line, k, demand(context, 'vectors', name)),
  },
  novelty: {
    ...plain,
    reads: 'hits',
    needs: ['popularity'],
    measure: (line, { k, name }, context) => measureNovelty(line, k, demand(context, 'popularity', name)),
  },
};

/** Metrics with one value for a run. */
export const RUN_METRICS: Readonly<Record<string, RunMetricRow>> = {
  coverage: {
    ...plain,
    also: ['catalogue_coverage'],
    reads: 'hits',
    needs: ['catalogueSize'],
    read: (exposure, size) => exposure.coverage(size),
  },
  gini: { ...plain, better: 'lower', reads: 'hits', needs: ['catalogueSize'], read: (exposure, size) => exposure.gini(size) },
};
