import { describe, expect, it } from 'vitest';
import { judgeRule, parseRule, type GateEvidence } from '../../../tuning/compare/gate.js';

const evidence: GateEvidence = {
  metric: 'ndcg@10',
  queries: 6,
  failed: 2,
  holes: 0.15,
  differences: (metric, tag) => {
    if (tag === 'head') return [0.2, 0.1];
    if (tag !== null) return null;
    return metric === 'mrr' ? [-0.5, 0, 0, 0] : [-0.3, -0.1, 0.1, 0.2];
  },
};

function passes(rule: string): boolean {
  return judgeRule(parseRule(rule), evidence).passed;
}

describe('a rule on a mean difference', () => {
  it('fails where it holds', () => {
    // The mean of −.3, −.1, .1, .2 is −.025.
    expect(passes('ndcg@10<-0.02')).toBe(false);
    expect(passes('ndcg@10<-0.03')).toBe(true);
    expect(passes('ndcg@10 > 0')).toBe(true);
    expect(passes('mrr<=-.125')).toBe(false);
    expect(passes('mrr>=-.125')).toBe(false);
  });

  it('looks at the queries of a tag, and refuses one that no query carries', () => {
    expect(passes('ndcg@10[head]<0')).toBe(true);
    expect(passes('ndcg@10[head]>0.1')).toBe(false);
    expect(() => passes('ndcg@10[nobody]<0')).toThrow('no query carries the tag "nobody"');
  });

  it('does not pass where there is nothing to measure', () => {
    const nothing = { ...evidence, differences: () => [] };
    expect(judgeRule(parseRule('ndcg@10<-0.5'), nothing)).toMatchObject({ passed: false, detail: 'no query has a value of ndcg@10' });
    expect(judgeRule(parseRule('losses>0.1:>5%'), nothing).passed).toBe(false);
    expect(judgeRule(parseRule('holes>5%'), { ...evidence, holes: NaN }).passed).toBe(false);
  });
});

describe('a rule on losses', () => {
  it('counts the queries that lose more, as a share or a number, of the leading metric or another', () => {
    // One of four loses more than .1: exactly .1 is not more.
    expect(passes('losses>0.1:>20%')).toBe(false);
    expect(passes('losses>0.1:>25%')).toBe(true);
    expect(passes('losses>0.1:>0')).toBe(false);
    expect(passes('losses>0.1:>1')).toBe(true);
    expect(passes('losses(mrr)>0.4:>=25%')).toBe(false);
    expect(judgeRule(parseRule('losses>0.05:>5%'), evidence).detail).toBe('2 of 4 queries lose more than 0.05 of ndcg@10 (50.0 %)');
  });
});

describe('a rule on harm', () => {
  it('is one on the share of queries that lose more than .05', () => {
    // −.3 and −.1 of four, of ndcg@10; one of four of mrr.
    expect(passes('harm>49%')).toBe(false);
    expect(passes('harm > 50%')).toBe(true);
    expect(passes('harm(mrr)>25%')).toBe(true);
    expect(passes('harm(mrr)>=25%')).toBe(false);
    expect(judgeRule(parseRule('harm>11%'), evidence).detail).toBe('2 of 4 queries lose more than 0.05 of ndcg@10 (50.0 %)');
  });
});

describe('rules on failed queries and holes', () => {
  it('compare counts and shares', () => {
    expect(passes('failed>2')).toBe(true);
    expect(passes('failed>1')).toBe(false);
    expect(passes('failed>30%')).toBe(false);
    expect(passes('holes>20%')).toBe(true);
    expect(passes('holes>10%')).toBe(false);
  });
});

it.each([
  ['ndcg@10', 'is no rule: write METRIC<NUMBER'],
  ['ndcg@10<', 'is no rule'],
  ['ndcg@10<0.1.2', 'is no rule'],
  ['ndgc@10<0', 'did you mean ndcg@10'],
  ['losses>0.1', 'losses>NUMBER:>SHARE%'],
  ['losses>-0.1:>5%', 'a loss is written as a positive number'],
  ['losses(speed)>0.1:>5%', '"speed" is no metric'],
  ['losses>0.1:>500%', 'a share at most 100 %'],
  ['holes>5', 'put a % behind the number'],
  ['harm>5', 'harm>SHARE%'],
  ['', 'is no rule'],
])('refuses %j', (rule, message) => {
  expect(() => parseRule(rule)).toThrow(message);
  expect(() => parseRule(rule)).toThrow(expect.objectContaining({ exitCode: 2 }));
});
