import { meanOf } from '../significance/bootstrap.js';

/** How far the judgments reach into both runs' lists. */
export interface Holes {
  readonly k: number;
  /** Mean share of the first k that is judged, 0–1; NaN where no list has a hit. */
  readonly judgedA: number;
  readonly judgedB: number;
  readonly level: 'fine' | 'warning' | 'red';
  /** The two differ by more than five points, so the unjudged, counted as 0, weigh on one run more than on the other. */
  readonly biased: boolean;
}

const WARNING_ABOVE = 0.05;
const RED_ABOVE = 0.2;
const BIASED_ABOVE = 0.05;
/** .95 − .90 is not above .05, whatever the binary fractions say. */
const ROUNDING = 1e-9;

export function judgeHoles(judged: { k: number; a: readonly number[]; b: readonly number[] }): Holes {
  const [judgedA, judgedB] = [meanOf(judged.a), meanOf(judged.b)];
  const holes = shareOfHoles({ judgedA, judgedB });
  return {
    k: judged.k,
    judgedA,
    judgedB,
    level: holes > RED_ABOVE + ROUNDING ? 'red' : holes > WARNING_ABOVE + ROUNDING ? 'warning' : 'fine',
    biased: Math.abs(judgedA - judgedB) > BIASED_ABOVE + ROUNDING,
  };
}

/** Of the run with more of them, 0–1. */
export function shareOfHoles({ judgedA, judgedB }: Pick<Holes, 'judgedA' | 'judgedB'>): number {
  return 1 - Math.min(judgedA, judgedB);
}
