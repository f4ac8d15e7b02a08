import type { LegRecall } from '../../metrics/leg-recall.js';
import type { PairedTest } from '../../significance/paired-comparison.js';
import type { ComparedMetric } from '../compared-metrics.js';
import type { RunComparison } from '../run-comparison.js';

/** What is shown where nothing was measured. */
const NOTHING = '–';

/** 0.6112; a dash for NaN. */
export function formatValue(value: number, digits = 4): string {
  return Number.isFinite(value) ? value.toFixed(digits) : NOTHING;
}

/** +0.0231 or −0.0231, with a minus as wide as the plus; 0.0000 has no sign. */
export function formatDifference(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return NOTHING;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

export function formatInterval([low, high]: readonly [number, number]): string {
  return Number.isFinite(low) ? `[${formatDifference(low)}, ${formatDifference(high)}]` : NOTHING;
}

/** Three places; below them, how far below. */
export function formatP(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : NOTHING;
}

/** A difference of shares, in points. */
export function formatPoints(difference: number): string {
  return formatDifference(100 * difference, 1);
}

/** The one sentence of a metric. "Better" and "worse" are its verdict's words and appear nowhere else. */
export function describeVerdict(metric: ComparedMetric): string {
  const figures = `${formatDifference(metric.difference)} ${formatInterval(metric.interval)}, p ${formatP(metric.p)}`;
  if (!metric.quality) return `${metric.metric}: B − A is ${figures}`;
  if (metric.verdict === 'not resolved') return `${metric.metric}: not resolved (${figures}); ${describeResolution(metric)}`;
  return `${metric.metric}: B is ${metric.verdict} than A (${figures})`;
}

/** How small a difference these queries can show. */
export function describeResolution(metric: ComparedMetric): string {
  return `${metric.pairs} queries show differences from ${formatValue(metric.smallestDetectable)} on`;
}

/** The verdict of a quality; nothing for `judged@k`. */
export function verdictWord(metric: ComparedMetric): string {
  return metric.quality ? metric.verdict : '';
}

const TEST_NAMES: Record<PairedTest, string> = { randomization: 'paired randomisation test', t: 'paired t-test' };

/** How the figures were made, for the foot of every report. */
export function describeMethod({ test, seed, draws, queries }: RunComparison): string {
  return (
    `Differences are B − A over ${queries.compared} queries that both runs answered. p: two-sided ${TEST_NAMES[test]}. ` +
    `Interval: 95 % bootstrap over queries (expanded percentiles), ${draws.toLocaleString('en')} draws (slices 2,000), seed ${seed}. ` +
    `Harm: share of the queries on which B is more than .05 below A. ` +
    `Slices are many looks at few queries; their figures are not corrected for that.`
  );
}

/** What asked the queries; a name that only says the kind again is left out. */
export function describeConfiguration({ configuration: { kind, name } }: RunComparison['runs']['a']): string {
  return kind === name ? kind : `${kind} ${name}`;
}

/** What the two lists have in common. */
export function describeOverlap({ overlap, queries }: RunComparison): string {
  return `Jaccard@${overlap.k} ${formatValue(overlap.jaccard, 3)} · RBO.9 ${formatValue(overlap.rbo, 3)} · the same list for ${queries.sameList} of ${queries.compared} queries`;
}

/** The leading metric's harm, as a sentence. */
export function describeHarm({ harm, metric }: ComparedMetric): string {
  return `harm: on ${formatShare(harm)} of the queries B is more than .05 of ${metric} below A`;
}

/** What the retrievers found in each run, by leg: whether ranking could have won at all. Empty without legs. */
export function describeLegs({ legs }: RunComparison): string {
  if (legs === null) return '';
  const side = ({ legs: each, fused }: LegRecall): string =>
    [...Object.entries(each), ['fused', fused] as const].map(([name, share]) => `${name} ${formatValue(share, 3)}`).join(', ');
  return `${legs.metric}: A ${side(legs.a)} · B ${side(legs.b)}`;
}

/** judged@k of both runs and, where something is not judged, what the leading metric says of the judged hits alone. */
export function describeJudged({ holes, condensed }: RunComparison): string {
  const judged = `judged@${holes.k} A ${formatShare(holes.judgedA)} B ${formatShare(holes.judgedB)}`;
  const allJudged = holes.judgedA === 1 && holes.judgedB === 1;
  return condensed === null || allJudged
    ? judged
    : `${judged} · ${condensed.metric} A ${formatValue(condensed.a)} B ${formatValue(condensed.b)}`;
}
