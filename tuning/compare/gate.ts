import { HARM_TOLERANCE } from '../metrics/harm-rate.js';
import { SAME } from '../significance/paired-comparison.js';
import { checkMetric } from './line-metric.js';
import { CompareUsage } from './unusable-run.js';

type Sign = '<' | '<=' | '>' | '>=';

/** A count, or a share 0–1 that was written in percent. */
interface Amount {
  readonly value: number;
  readonly unit: 'count' | 'share';
}

/** What makes a comparison fail. `text` is the rule as it was written. */
export type GateRule = { readonly text: string } & (
  | { readonly kind: 'difference'; readonly metric: string; readonly tag: string | null; readonly sign: Sign; readonly bound: number }
  | { readonly kind: 'losses'; readonly metric: string | null; readonly beyond: number; readonly sign: Sign; readonly bound: Amount }
  | { readonly kind: 'failed' | 'holes'; readonly sign: Sign; readonly bound: Amount }
);

export interface RuleOutcome {
  readonly rule: string;
  readonly passed: boolean;
  /** What was measured, for people. */
  readonly detail: string;
}

/** What rules look at. */
export interface GateEvidence {
  /** Of the first metric, on which losses are counted unless a rule names another. */
  readonly metric: string;
  readonly queries: number;
  readonly failed: number;
  /** Share of unjudged hits in the run with more of them, 0–1. */
  readonly holes: number;
  /** b − a of each query that has the metric; null where no query carries the tag. */
  differences(metric: string, tag: string | null): readonly number[] | null;
}

/** Holds unless a rule on `failed` replaces it: an answer that is missing proves nothing. */
export const NO_FAILED_QUERY: GateRule = { text: 'failed>0', kind: 'failed', sign: '>', bound: { value: 0, unit: 'count' } };

const NUMBER = String.raw`([+-]?(?:\d+\.?\d*|\.\d+))`;
const SIGN = '(<=|>=|<|>)';
const LOSSES = new RegExp(`^losses(?:\\((.+?)\\))?>${NUMBER}:${SIGN}${NUMBER}(%?)$`);
const HARM = new RegExp(`^harm(?:\\((.+?)\\))?${SIGN}${NUMBER}(%)$`);
const COUNTED = new RegExp(`^(failed|holes)${SIGN}${NUMBER}(%?)$`);
const DIFFERENCE = new RegExp(`^([a-zA-Z_]\\w*(?:\\([^)]*\\))?(?:@\\d+)?)(?:\\[(.+)\\])?${SIGN}${NUMBER}$`);

const GRAMMAR =
  'write METRIC<NUMBER for the mean difference B − A ("ndcg@10<-0.01"), METRIC[TAG]<NUMBER for the queries of a tag, ' +
  'losses>NUMBER:>SHARE% for the share of queries that lose more ("losses>0.1:>5%", "losses(mrr)>0.1:>5%"), ' +
  'harm>SHARE% for the share that loses more than .05 ("harm>11%"), failed>COUNT or holes>SHARE%';

/** @throws CompareUsage with the grammar. */
export function parseRule(text: string): GateRule {
  const bare = text.includes('[') ? text.trim() : text.replace(/\s+/g, '');
  const counted = COUNTED.exec(bare);
  if (counted) {
    const kind = counted[1] === 'failed' ? 'failed' : 'holes';
    const bound = amountOf(text, counted[3], counted[4]);
    if (kind === 'holes' && bound.unit !== 'share') throw refusal(text, 'holes are a share: put a % behind the number');
    return { text, kind, sign: signOf(counted[2]), bound };
  }
  const losses = LOSSES.exec(bare);
  if (losses) {
    const beyond = Number(losses[2]);
    if (beyond < 0) throw refusal(text, 'a loss is written as a positive number');
    const metric = losses[1] === undefined ? null : checkMetric(losses[1]);
    return { text, kind: 'losses', metric, beyond, sign: signOf(losses[3]), bound: amountOf(text, losses[4], losses[5]) };
  }
  const harm = HARM.exec(bare);
  if (harm) {
    const metric = harm[1] === undefined ? null : checkMetric(harm[1]);
    return { text, kind: 'losses', metric, beyond: HARM_TOLERANCE, sign: signOf(harm[2]), bound: amountOf(text, harm[3], harm[4]) };
  }
  const difference = DIFFERENCE.exec(bare);
  if (difference?.[1] && difference[1] !== 'losses' && difference[1] !== 'harm') {
    const metric = checkMetric(difference[1]);
    const tag = difference[2];
    return { text, kind: 'difference', metric, tag: tag ?? null, sign: signOf(difference[3]), bound: Number(difference[4]) };
  }
  throw refusal(text, GRAMMAR);
}

/** Metrics that a rule needs measured. */
export function metricsOf(rules: readonly GateRule[]): string[] {
  return rules.flatMap((rule) => ('metric' in rule && rule.metric !== null ? [rule.metric] : []));
}

/** A rule fails where its condition holds, and where there is nothing to measure it on: a gate that saw nothing must not open. */
export function judgeRule(rule: GateRule, evidence: GateEvidence): RuleOutcome {
  switch (rule.kind) {
    case 'failed':
      return outcome(rule, evidence.queries, evidence.failed, `${evidence.failed} of ${evidence.queries} queries failed`);
    case 'holes':
      return {
        rule: rule.text,
        passed: !holds(evidence.holes, rule.sign, rule.bound.value) && !Number.isNaN(evidence.holes),
        detail: Number.isNaN(evidence.holes) ? 'no hit to look at' : `${percent(evidence.holes)} of the hits are not judged`,
      };
    case 'losses': {
      const metric = rule.metric ?? evidence.metric;
      const differences = evidence.differences(metric, null) ?? [];
      const losses = differences.filter((difference) => difference < -rule.beyond - SAME).length;
      return outcome(
        rule,
        differences.length,
        losses,
        `${losses} of ${differences.length} queries lose more than ${rule.beyond} of ${metric}`,
      );
    }
    case 'difference': {
      const differences = evidence.differences(rule.metric, rule.tag);
      if (differences === null) throw refusal(rule.text, `no query carries the tag ${JSON.stringify(rule.tag)}`);
      if (differences.length === 0) return { rule: rule.text, passed: false, detail: `no query has a value of ${rule.metric}` };
      const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
      const detail = `the mean difference of ${rule.metric} is ${mean < 0 ? '−' : '+'}${Math.abs(mean).toFixed(4)} over ${differences.length} queries`;
      return { rule: rule.text, passed: !holds(mean, rule.sign, rule.bound), detail };
    }
  }
}

function outcome(rule: GateRule & { bound: Amount; sign: Sign }, queries: number, count: number, detail: string): RuleOutcome {
  const measured = rule.bound.unit === 'share' ? count / queries : count;
  const share = queries === 0 ? '' : ` (${percent(count / queries)})`;
  return { rule: rule.text, passed: queries > 0 && !holds(measured, rule.sign, rule.bound.value), detail: `${detail}${share}` };
}

function holds(measured: number, sign: Sign, bound: number): boolean {
  switch (sign) {
    case '<':
      return measured < bound;
    case '<=':
      return measured <= bound;
    case '>':
      return measured > bound;
    case '>=':
      return measured >= bound;
  }
}

function signOf(text: string | undefined): Sign {
  if (text === '<' || text === '<=' || text === '>' || text === '>=') return text;
  throw new RangeError(`no sign: ${text}`);
}

function amountOf(rule: string, number: string | undefined, percentSign: string | undefined): Amount {
  const value = Number(number);
  const isShare = percentSign === '%';
  if (value < 0 || (isShare && value > 100)) throw refusal(rule, 'a count or a share is 0 or more, and a share at most 100 %');
  return isShare ? { value: value / 100, unit: 'share' } : { value, unit: 'count' };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function refusal(text: string, remedy: string): CompareUsage {
  return new CompareUsage(`--fail-if ${JSON.stringify(text)} is no rule: ${remedy}`);
}
