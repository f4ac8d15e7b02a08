import type { ProofStep } from '../../models/ranker-proof.js';

/** What a candidate must keep to. */
export interface GateBounds {
  /** The lower end of the 95 % interval of the mean difference to the current ranker must not be below it. */
  readonly minDifference: number;
  /** Share of the queries, 0–1, that may be more than .05 below the engine's own order. */
  readonly maxHarm: number;
  /** CPU of one full list over that of the current ranker. */
  readonly maxCostRatio: number;
  /** Queries that both must have answered. */
  readonly minQueries: number;
}

export const DEFAULT_BOUNDS: GateBounds = { minDifference: 0, maxHarm: 0.15, maxCostRatio: 1.5, minQueries: 100 };

/** Dims of text and picture vectors; null = any, or none stored. */
export interface VectorDims {
  readonly text: number | null;
  readonly image: number | null;
}

/** What was measured of a candidate; null = it was not, since an earlier step failed or nothing was given to measure on. */
export interface GateFigures {
  readonly proof: readonly ProofStep[];
  /** What the candidate is bound to, and what the profile's index holds; null where it takes any. */
  readonly dims: { readonly candidate: VectorDims; readonly index: VectorDims } | null;
  readonly quality: {
    readonly metric: string;
    /** Queries that candidate and current ranker both answered. */
    readonly queries: number;
    /** Queries that one of them failed, or answered in the engine's order. */
    readonly unanswered: number;
    /** Candidate − current: mean, and its 95 % interval. */
    readonly difference: number;
    readonly interval: readonly [low: number, high: number];
    /** Share more than .05 below the engine's order, and below the current ranker, 0–1. */
    readonly harm: number;
    readonly harmToCurrent: number;
  } | null;
  readonly cost: { readonly candidateMs: number; readonly currentMs: number } | null;
}

export interface GateCheck {
  readonly name: ProofStep['name'] | 'encoders' | 'queries' | 'quality' | 'harm' | 'cost';
  readonly passed: boolean;
  /** What was measured against which bound. */
  readonly detail: string;
}

/** Every check of the gate. What was not measured has not passed: a gate that saw nothing must not open. */
export function judgeCandidate({ proof, dims, quality, cost }: GateFigures, bounds: GateBounds): GateCheck[] {
  const checks: GateCheck[] = proof.map((step) => ({ ...step }));
  if (dims) checks.push(judgeDims(dims));
  if (checks.some(({ passed }) => !passed)) return checks;
  if (quality === null) {
    checks.push({
      name: 'quality',
      passed: false,
      detail: 'nothing to measure it on: give --queries and --judgments that it was not trained on',
    });
  } else {
    const { metric, queries, unanswered, difference, interval, harm, harmToCurrent } = quality;
    const enough = queries >= bounds.minQueries;
    checks.push({
      name: 'queries',
      passed: enough && unanswered === 0,
      detail: `${queries} answered, ${bounds.minQueries} are wanted${unanswered === 0 ? '' : `; ${unanswered} failed or were not ranked`}`,
    });
    checks.push({
      name: 'quality',
      passed: interval[0] >= bounds.minDifference,
      detail: `${metric} ${signed(difference)} against the current ranker, 95 % ${signed(interval[0])} to ${signed(interval[1])}; the lower end must be ${signed(bounds.minDifference)} or more`,
    });
    checks.push({
      name: 'harm',
      passed: harm <= bounds.maxHarm,
      detail: `${percent(harm)} of the queries fall more than .05 below the engine's order, ${percent(bounds.maxHarm)} may; ${percent(harmToCurrent)} below the current ranker`,
    });
  }
  if (cost === null) checks.push({ name: 'cost', passed: false, detail: 'was not measured' });
  else {
    const ratio = cost.candidateMs / cost.currentMs;
    checks.push({
      name: 'cost',
      passed: ratio <= bounds.maxCostRatio,
      detail: `${cost.candidateMs.toFixed(2)} ms CPU a list of 200 with 50 events, the current ranker ${cost.currentMs.toFixed(2)}: ${ratio.toFixed(2)} ×, ${bounds.maxCostRatio} × may be`,
    });
  }
  return checks;
}

/** Whether a candidate can score the index's vectors at all: with others each search would fall back to the engine's order. */
export function fitDims({ candidate, index }: NonNullable<GateFigures['dims']>): boolean {
  return (['text', 'image'] as const).every((kind) => candidate[kind] === null || candidate[kind] === index[kind]);
}

function judgeDims(dims: NonNullable<GateFigures['dims']>): GateCheck {
  const tell = ({ text, image }: VectorDims, none: string): string => `text ${text ?? none}, pictures ${image ?? none}`;
  const detail = `bound to vectors of so many dims: ${tell(dims.candidate, 'any')}; the index holds: ${tell(dims.index, 'none')}`;
  const passed = fitDims(dims);
  return { name: 'encoders', passed, detail: passed ? detail : `${detail}; train it on this index's vectors, or index with its encoders` };
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
