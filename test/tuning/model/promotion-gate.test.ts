import { describe, expect, it } from 'vitest';
import { DEFAULT_BOUNDS, judgeCandidate, type GateBounds, type GateFigures } from '../../../tuning/model/promotion-gate.js';

const PROOF: GateFigures['proof'] = [
  { name: 'artefact', passed: true, detail: 'm-1@00000000' },
  { name: 'parity', passed: true, detail: '' },
  { name: 'behaviour', passed: true, detail: '' },
];
const GOOD: NonNullable<GateFigures['quality']> = {
  metric: 'ndcg@10',
  queries: 500,
  unanswered: 0,
  difference: 0.02,
  interval: [0.01, 0.03],
  harm: 0.1,
  harmToCurrent: 0.05,
};
const CHEAP = { candidateMs: 1.2, currentMs: 1 };

interface Case {
  what: string;
  quality?: Partial<typeof GOOD> | null;
  cost?: GateFigures['cost'];
  proof?: GateFigures['proof'];
  dims?: GateFigures['dims'];
  bounds?: Partial<GateBounds>;
  failed: string[];
}

const INDEX = { text: 256, image: null };

const cases: Case[] = [
  { what: 'one that is bound to the vectors of the index', dims: { candidate: { text: 256, image: null }, index: INDEX }, failed: [] },
  {
    what: 'one that is bound to other vectors, whatever else speaks for it',
    dims: { candidate: { text: 384, image: null }, index: INDEX },
    failed: ['encoders'],
  },
  {
    what: 'one that is bound to pictures where there are none',
    dims: { candidate: { text: null, image: 256 }, index: INDEX },
    failed: ['encoders'],
  },
  { what: 'one that is better, harmless and cheap', failed: [] },
  { what: 'one whose interval only touches zero', quality: { interval: [0, 0.02] }, failed: [] },
  { what: 'one that may as well be worse', quality: { interval: [-0.0001, 0.05] }, failed: ['quality'] },
  { what: 'one that is worse', quality: { difference: -0.02, interval: [-0.03, -0.01] }, failed: ['quality'] },
  { what: 'one that is better by less than is asked', bounds: { minDifference: 0.02 }, failed: ['quality'] },
  {
    what: 'one that may be a little worse, where that is asked',
    quality: { interval: [-0.004, 0.01] },
    bounds: { minDifference: -0.005 },
    failed: [],
  },
  { what: 'one that harms too many', quality: { harm: 0.16 }, failed: ['harm'] },
  { what: 'one that harms as many as may be', quality: { harm: 0.15 }, failed: [] },
  { what: 'one that is slow', cost: { candidateMs: 1.6, currentMs: 1 }, failed: ['cost'] },
  { what: 'one that is slow, where that may be', cost: { candidateMs: 1.6, currentMs: 1 }, bounds: { maxCostRatio: 2 }, failed: [] },
  { what: 'one that was judged on few queries', quality: { queries: 99 }, failed: ['queries'] },
  { what: 'one with queries that failed', quality: { unanswered: 1 }, failed: ['queries'] },
  {
    what: 'one without a difference (no query has the metric)',
    quality: { difference: NaN, interval: [NaN, NaN], queries: 0 },
    failed: ['queries', 'quality'],
  },
  { what: 'one that was judged on nothing', quality: null, failed: ['quality'] },
  { what: 'one whose cost is not known', cost: null, failed: ['cost'] },
  {
    what: 'one that fails in everything',
    quality: { interval: [-1, 1], harm: 1, unanswered: 3 },
    cost: { candidateMs: 9, currentMs: 1 },
    failed: ['queries', 'quality', 'harm', 'cost'],
  },
  {
    what: 'one of a foreign feature set',
    proof: [{ name: 'artefact', passed: false, detail: 'other definitions' }],
    quality: null,
    cost: null,
    failed: ['artefact'],
  },
  {
    what: 'one that is not what it was exported from',
    proof: [...PROOF.slice(0, 1), { name: 'parity', passed: false, detail: 'differs by 1' }],
    quality: null,
    cost: null,
    failed: ['parity'],
  },
];

describe('the gate', () => {
  it.each(cases)('looks at $what', ({ quality = {}, cost = CHEAP, proof = PROOF, dims = null, bounds = {}, failed }) => {
    const figures = { proof, dims, quality: quality && { ...GOOD, ...quality }, cost };
    const checks = judgeCandidate(figures, { ...DEFAULT_BOUNDS, ...bounds });
    expect(checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(failed);
    for (const { detail, name } of checks.slice(proof.length)) expect(detail, name).not.toBe('');
  });
});
