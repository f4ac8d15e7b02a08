import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { measureAuc } from '../../tuning/metrics/binary-relevance.js';
import { measureExpectedReciprocalRank } from '../../tuning/metrics/cascade.js';
import { CatalogueExposure, GroupExposure } from '../../tuning/metrics/catalogue-exposure.js';
import { measureHarmRate } from '../../tuning/metrics/harm-rate.js';
import { condense } from '../../tuning/metrics/judged-share.js';
import { MeanLegRecall, measureLegRecall } from '../../tuning/metrics/leg-recall.js';
import { measureJaccard, measureRankBiasedOverlap } from '../../tuning/metrics/list-overlap.js';
import { measureDiversity, measureNovelty } from '../../tuning/metrics/list-variety.js';
import { parseMetric, parseMetrics } from '../../tuning/metrics/metric-name.js';
import { summariseRun } from '../../tuning/metrics/run-summary.js';
import type { RunLine } from '../../tuning/run/run-line.js';
import { anyGradedLine, gradedLine } from './run-lines.js';

const fixture = z
  .object({
    queries: z.array(
      z.object({
        query_id: z.string(),
        judged: z.record(z.string(), z.number()),
        ranking: z.array(z.string()),
        expected: z.record(z.string(), z.number()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(packageRoot, 'test/tuning/metrics.fixture.json'), 'utf8')));

function measure(name: string, line: RunLine): number | null {
  const metric = parseMetric(name);
  if (metric.scope !== 'query') throw new Error(`${name} is of a run`);
  return metric.measure(line);
}

describe('values of trec_eval, ranx and scipy', () => {
  it.each(fixture.queries)('are ours to 1e-9: $query_id', ({ judged, ranking, expected }) => {
    const grades = ranking.map((id) => judged[id] ?? null);
    const line = gradedLine(grades, Object.values(judged));
    expect(Object.keys(expected).length).toBeGreaterThan(30);
    for (const [name, value] of Object.entries(expected)) expect(Math.abs((measure(name, line) ?? NaN) - value), name).toBeLessThan(1e-9);
  });
});

/** Every formula once more, by the plainest loop over ranks. */
describe('formulas derived again', () => {
  const grade = (line: RunLine, rank: number): number => line.hits[rank - 1]?.grade ?? 0;
  const cuts = fc.integer({ min: 1, max: 12 });

  it('nDCG, exponential and linear', () => {
    fc.assert(
      fc.property(anyGradedLine, cuts, (line, k) => {
        for (const [name, gain] of [
          ['ndcg', (r: number) => Math.pow(2, r) - 1],
          ['ndcg_lin', (r: number) => r],
        ] as const) {
          let [dcg, ideal] = [0, 0];
          for (let rank = 1; rank <= k; rank++) {
            dcg += (gain(grade(line, rank)) * Math.LN2) / Math.log(rank + 1);
            ideal += (gain(line.judged[rank - 1] ?? 0) * Math.LN2) / Math.log(rank + 1);
          }
          const value = measure(`${name}@${k}`, line);
          if (ideal === 0) expect(value).toBeNull();
          else expect(value).toBeCloseTo(dcg / ideal, 12);
        }
      }),
    );
  });

  it('precision, recall, F1, hit rate, reciprocal rank and average precision', () => {
    fc.assert(
      fc.property(anyGradedLine, cuts, fc.constantFrom(0.1, 1, 2), (line, k, rel) => {
        const all = line.judged.filter((value) => value >= rel).length;
        const at = (name: string) => measure(`${name}(rel=${rel})@${k}`, line);
        if (all === 0) {
          for (const name of ['p', 'recall', 'f1', 'hr', 'mrr', 'map']) expect(at(name), name).toBeNull();
          return;
        }
        let [found, first, precisions] = [0, 0, 0];
        for (let rank = 1; rank <= k; rank++) {
          if (grade(line, rank) < rel) continue;
          found += 1;
          first ||= rank;
          precisions += found / rank;
        }
        expect(at('p')).toBeCloseTo(found / k, 12);
        expect(at('recall')).toBeCloseTo(found / all, 12);
        expect(at('f1')).toBeCloseTo((2 * found) / (k + all), 12); // the harmonic mean of found/k and found/all
        expect(at('hr')).toBe(found > 0 ? 1 : 0);
        expect(at('mrr')).toBeCloseTo(first === 0 ? 0 : 1 / first, 12);
        expect(at('map')).toBeCloseTo(precisions / all, 12);
      }),
    );
  });

  it('ERR as the chance to stop at each rank', () => {
    fc.assert(
      fc.property(anyGradedLine, cuts, (line, k) => {
        let sum = 0;
        for (let rank = 1; rank <= k; rank++) {
          let chance = (Math.pow(2, grade(line, rank)) - 1) / 16;
          for (let above = 1; above < rank; above++) chance *= 1 - (Math.pow(2, grade(line, above)) - 1) / 16;
          sum += chance / rank;
        }
        const value = measure(`err@${k}`, line);
        if (line.judged.every((judged) => judged === 0)) expect(value).toBeNull();
        else expect(value).toBeCloseTo(sum, 12);
      }),
    );
    // By hand: grades 1, 0, 4 of at most 4: 1/16 + (15/16 · 15/16)/3
    expect(measureExpectedReciprocalRank(gradedLine([1, null, 4], [4, 1]), { k: 10, max: 4 })).toBeCloseTo(1 / 16 + 225 / 256 / 3, 12);
    expect(() => measure('err@10', gradedLine([5], [5]))).toThrow(
      "a judgment has grade 5, above err's highest grade 4; ask for err(max=5)@10",
    );
  });

  it('AUC as the share of ordered pairs', () => {
    fc.assert(
      fc.property(anyGradedLine, (line) => {
        let [pairs, wins] = [0, 0];
        for (let one = 1; one <= line.hits.length; one++) {
          for (let other = 1; other <= line.hits.length; other++) {
            if (grade(line, one) < 1 || grade(line, other) >= 1) continue;
            pairs += 1;
            if (one < other) wins += 1;
          }
        }
        const value = measureAuc(line, { k: null, rel: 1 });
        if (pairs === 0) expect(value).toBeNull();
        else expect(value).toBeCloseTo(wins / pairs, 12);
      }),
    );
  });

  it('RBO as the agreement of long lists, and by the paper for lists of different lengths', () => {
    const lists = fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], { minLength: 8 });
    fc.assert(
      fc.property(lists, lists, fc.double({ min: 0.1, max: 0.95, noNaN: true }), (a, b, p) => {
        // Both hold the same 8: from depth 8 on they agree wholly, so the endless sum can be taken to its end.
        let sum = 0;
        for (let depth = 1; depth <= 3000; depth++) {
          const common = depth >= 8 ? depth : a.slice(0, depth).filter((id) => b.slice(0, depth).includes(id)).length;
          sum += (common / depth) * Math.pow(p, depth - 1);
        }
        expect(measureRankBiasedOverlap(a, b, p)).toBeCloseTo((1 - p) * sum, 9);
      }),
    );
    // a | a b, p = 1/2: X₁ = 1, X₂ = 1. Sum: 1/1·.5 + 1/2·.25 + 1·(2−1)/(1·2)·.25 = .75, times (1−p)/p = 1, and (0/2 + 1/1)·.25.
    expect(measureRankBiasedOverlap(['a'], ['a', 'b'], 0.5)).toBeCloseTo(1, 12);
    expect(measureRankBiasedOverlap(['a'], ['b', 'a'], 0.5)).toBeCloseTo(0.125 + (1 - 0) * 0.5 * 0.25, 12);
    expect(measureRankBiasedOverlap([], [], 0.9)).toBe(1);
    expect(measureRankBiasedOverlap([], ['a'], 0.9)).toBe(0);
    expect(() => measureRankBiasedOverlap(['a'], ['a'], 1)).toThrow('between 0 and 1');
  });
});

describe('what must hold for every answer', () => {
  const names = ['ndcg@5', 'ndcg_lin@5', 'mrr', 'map', 'p@5', 'recall@5', 'hr@5', 'f1@5', 'err@5', 'auc', 'judged@5', 'zero_results'];

  it('lies between 0 and 1, and is undefined for a failed query', () => {
    fc.assert(
      fc.property(anyGradedLine, fc.constantFrom(...names), (line, name) => {
        const value = measure(name, line);
        if (value !== null) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
        expect(measure(name, { ...line, state: 'failed' })).toBeNull();
      }),
    );
  });

  it('is 1 in the perfect order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0.1, 1, 2, 3), { minLength: 1, maxLength: 20 }), (grades) => {
        const falling = [...grades].sort((a, b) => b - a);
        const line = gradedLine(falling, grades);
        if (Math.max(...grades) > 0)
          for (const name of ['ndcg@5', 'ndcg_lin@5', 'ndcg@100']) expect(measure(name, line)).toBeCloseTo(1, 12);
        if (Math.max(...grades) >= 1)
          for (const name of ['mrr', 'map', 'recall@100', 'hr@1']) expect(measure(name, line)).toBeCloseTo(1, 12);
      }),
    );
  });

  it('does not see the order of unjudged hits, nor what stands behind the cut', () => {
    fc.assert(
      fc.property(anyGradedLine, fc.nat({ max: 8 }), fc.infiniteStream(fc.nat()), (line, extra, random) => {
        const tail = Array.from({ length: extra }, (_, number) => ({ id: `u${number}`, score: 0, grade: null }));
        const longer = { ...line, hits: [...line.hits, ...tail] };
        const shuffled = { ...longer, hits: [...line.hits, ...tail.toSorted(() => (random.next().value % 2 === 0 ? 1 : -1))] };
        for (const name of names) expect(measure(name, shuffled), name).toEqual(measure(name, longer));
        const cut = { ...line, hits: line.hits.slice(0, 5) };
        for (const name of names.filter((each) => each.endsWith('@5'))) expect(measure(name, cut), name).toEqual(measure(name, line));
      }),
    );
  });

  it('never falls when a better document moves up one place', () => {
    fc.assert(
      fc.property(anyGradedLine, fc.nat(), (line, at) => {
        if (line.hits.length < 2) return;
        const place = at % (line.hits.length - 1);
        const [upper, lower] = [line.hits[place], line.hits[place + 1]];
        if (!upper || !lower || (lower.grade ?? 0) <= (upper.grade ?? 0)) return;
        const hits = line.hits.toSpliced(place, 2, lower, upper);
        for (const name of ['ndcg@5', 'ndcg_lin@5', 'mrr', 'map', 'p@5', 'recall@5', 'hr@5', 'f1@5', 'err@5', 'auc']) {
          expect((measure(name, { ...line, hits }) ?? 0) - (measure(name, line) ?? 0), name).toBeGreaterThan(-1e-12);
        }
      }),
    );
  });

  it('takes an overlap of two lists both ways round, 1 with itself', () => {
    const list = fc.uniqueArray(fc.constantFrom(...'abcdefghij'));
    fc.assert(
      fc.property(list, list, fc.integer({ min: 1, max: 10 }), (a, b, k) => {
        expect(measureJaccard(a, b, k)).toBe(measureJaccard(b, a, k));
        expect(measureJaccard(a, [...a], k)).toBe(1);
        const overlap = measureRankBiasedOverlap(a, b, 0.9);
        expect(overlap).toBeCloseTo(measureRankBiasedOverlap(b, a, 0.9), 12);
        expect(overlap).toBeGreaterThanOrEqual(0);
        expect(overlap).toBeLessThanOrEqual(1 + 1e-12);
        expect(measureRankBiasedOverlap(a, [...a], 0.9)).toBeCloseTo(1, 12);
      }),
    );
    expect(measureJaccard(['a', 'b', 'c'], ['c', 'd', 'e'], 3)).toBeCloseTo(1 / 5, 12);
  });
});

describe('beyond relevance', () => {
  it('counts coverage and Gini over the whole catalogue', () => {
    const exposure = new CatalogueExposure(2);
    exposure.take(gradedLine([1, 1, 1], [1])); // d0 d1, d2 behind the cut
    exposure.take(gradedLine([1], [1])); // d0
    expect(exposure.coverage(4)).toBe(0.5);
    // x = 0, 0, 1, 2: Σ (2i − 5) x = 1·1 + 3·2 = 7, over 4·3
    expect(exposure.gini(4)).toBeCloseTo(7 / 12, 12);
    expect(new CatalogueExposure(2).gini(4)).toBeNull();
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 12 }), (times) => {
        fc.pre(times.some((count) => count > 0));
        const all = new CatalogueExposure(1);
        times.forEach((count, number) => {
          for (let time = 0; time < count; time++) all.take({ hits: [{ id: `d${number}`, score: null, grade: null }] });
        });
        // The mean absolute difference over twice the mean.
        const mean = times.reduce((sum, count) => sum + count, 0) / times.length;
        const differences = times.flatMap((a) => times.map((b) => Math.abs(a - b))).reduce((sum, each) => sum + each, 0);
        expect(all.gini(times.length)).toBeCloseTo(differences / times.length ** 2 / (2 * mean), 12);
      }),
    );
  });

  it('gives attention by rank to groups', () => {
    const exposure = new GroupExposure(3);
    expect(exposure.shares()).toBeNull();
    const hits = ['ours', 'theirs', undefined, 'ours'].map((group, place) => ({
      id: `d${place}`,
      score: null,
      grade: null,
      ...(group === undefined ? {} : { group }),
    }));
    exposure.take({ hits });
    const all = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(exposure.shares()?.groups['ours']).toBeCloseTo(1 / all, 12);
    expect(exposure.shares()?.groups['theirs']).toBeCloseTo(1 / Math.log2(3) / all, 12);
    expect(exposure.shares()?.ungrouped).toBeCloseTo(0.5 / all, 12);
  });

  it('measures how different and how new the hits are', () => {
    const line = gradedLine([1, 1, 1], [1]);
    const vectors = new Map([
      ['d0', [1, 0]],
      ['d1', [0, 2]],
      ['d2', [1, 1]],
    ]);
    expect(measureDiversity(line, 2, vectors)).toBeCloseTo(1, 12);
    expect(measureDiversity(line, 3, vectors)).toBeCloseTo((1 + 2 * (1 - Math.SQRT1_2)) / 3, 12);
    expect(measureDiversity(line, 1, vectors)).toBeNull();
    const popularity = { counts: new Map([['d0', 3]]), catalogueSize: 5 };
    // p = 4/8, 1/8: 1 and 3 bits
    expect(measureNovelty(line, 2, popularity)).toBeCloseTo(2, 12);
    expect(measureNovelty(gradedLine([], [1]), 2, popularity)).toBeNull();
  });

  it('tells retrieval from ranking by the recall of the legs', () => {
    const judgments = { a: 1, b: 1, c: 2, d: 0, e: 1 };
    const line = gradedLine([1], [2, 1, 1, 1, 0], { judgments, legs: { text: ['a', 'd', 'b'], image: ['b', 'c', 'x'] } });
    expect(measureLegRecall(line, { k: null, rel: 1 })).toEqual({ legs: { text: 0.5, image: 0.5 }, fused: 0.75 });
    expect(measureLegRecall(line, { k: 1, rel: 1 })).toEqual({ legs: { text: 0.25, image: 0.25 }, fused: 0.5 });
    expect(measureLegRecall(line, { k: null, rel: 2 })).toEqual({ legs: { text: 0, image: 1 }, fused: 1 });
    expect(measureLegRecall(gradedLine([1], [1]), { k: null, rel: 1 })).toBeNull();
    expect(measureLegRecall({ ...line, state: 'failed' }, { k: null, rel: 1 })).toBeNull();

    const mean = new MeanLegRecall({ k: null, rel: 1 });
    expect(mean.means()).toBeNull();
    mean.take(line);
    mean.take(gradedLine([], [1], { judgments: { a: 1 }, legs: { text: ['a'] } }));
    mean.take(gradedLine([], [0], { judgments: { a: 0 }, legs: { text: ['a'] } })); // nothing relevant: not in the mean
    expect(mean.means()).toEqual({ legs: { text: 0.75, image: 0.25 }, fused: 0.875 });

    const metric = parseMetric('leg_recall@1');
    expect(metric.scope === 'query' && metric.measure(line)).toBe(0.5);
    expect(parseMetric('Leg-Recall(rel=2)').name).toBe('leg_recall(rel=2)');
  });

  it('reads a list without what nobody judged', () => {
    const metric = parseMetric('mrr');
    if (metric.scope !== 'query') throw new Error('mrr is of a query');
    const line = gradedLine([null, null, 0, 1], [1, 0]);
    expect([metric.measure(line), condense(metric).measure(line)]).toEqual([1 / 4, 1 / 2]);
    expect(condense(metric).name).toBe('mrr, condensed');
  });

  it('counts who was harmed', () => {
    expect(measureHarmRate([-0.1, 0.1, -0.001], { tolerance: 0 })).toBeCloseTo(2 / 3, 12);
    expect(measureHarmRate([-0.1, 0.1, -0.001], { tolerance: 0.01 })).toBeCloseTo(1 / 3, 12);
    // .45 − .5 is not quite −.05
    expect(measureHarmRate([0.45 - 0.5, 0.3 - 0.35, -0.06, 0])).toBe(0.25);
    expect(measureHarmRate([])).toBeNull();
  });
});

describe('names of metrics', () => {
  it.each([
    ['ndcg@10', 'ndcg@10'],
    ['nDCG@10', 'ndcg@10'],
    ["nDCG(dcg='exp-log2')@10", 'ndcg@10'],
    ["nDCG(dcg='log2')@10", 'ndcg_lin@10'],
    ['ndcg_cut_10', 'ndcg_lin@10'],
    ['P(rel=2)@10', 'p(rel=2)@10'],
    ['P_10', 'p@10'],
    ['P(rel=1)@5', 'p@5'],
    ['RR', 'mrr'],
    ['RR(rel=0.5)@10', 'mrr(rel=0.5)@10'],
    ['AP', 'map'],
    ['AP@100', 'map@100'],
    ['R@100', 'recall@100'],
    ['Success@5', 'hr@5'],
    ['Judged@10', 'judged@10'],
    ['zero-result-rate', 'zero_results'],
    ['err(max=3)@20', 'err(max=3)@20'],
  ])('%s is %s', (spelled, name) => {
    expect(parseMetric(spelled).name).toBe(name);
    expect(parseMetric(name).name).toBe(name);
  });

  it.each([
    ['ndgc@10', '"ndgc@10" is no metric; did you mean ndcg@10?'],
    ['recal@5', 'did you mean recall@5?'],
    ['quality', 'known: ndcg, ndcg_lin, mrr'],
    ['ndcg', '"ndcg" lacks how many hits it looks at; write ndcg@10'],
    ['ndcg@0', 'a whole number from 1'],
    ['ndcg@', '"ndcg@" is no metric; write it as ndcg@10'],
    ['zero_results@3', 'zero_results looks at whole answers; write zero_results'],
    ['p(relevance=2)@10', 'p takes rel in brackets, not relevance'],
    ['judged(rel=1)@10', 'judged takes nothing in brackets, not rel'],
    ['p(rel=0)@10', 'rel must be a number above 0'],
    ['p(rel)@10', '"rel" must be written as name=value'],
    ['ap(dcg=log2)', 'dcg goes with nDCG alone'],
  ])('%s is refused', (spelled, message) => {
    expect(() => parseMetric(spelled)).toThrow(message);
  });

  it('reads lists, and warns where ir_measures means another gain', () => {
    expect(parseMetrics("ndcg@10, mrr,P(rel=2)@10,mrr,nDCG(dcg='log2')@3").map(({ name }) => name)).toEqual([
      'ndcg@10',
      'mrr',
      'p(rel=2)@10',
      'ndcg_lin@3',
    ]);
    expect(() => parseMetrics(' ')).toThrow('no metric is named');
    expect(parseMetric('nDCG@10').note).toContain('ndcg_lin');
    expect(parseMetric('ndcg@10').note).toBeNull();
  });
});

describe('the summary of a run', () => {
  it('leaves failed and undefined queries out of the mean, and counts an empty answer as 0', async () => {
    const lines = [
      gradedLine([1, 0], [1, 0], { query_id: 'a' }),
      gradedLine([], [1], { query_id: 'b' }),
      gradedLine([0], [0], { query_id: 'c' }),
      gradedLine([], [1], { query_id: 'd', state: 'failed' }),
    ];
    expect(await summariseRun(lines, parseMetrics('ndcg@10,judged@10,zero_results,coverage@1'), { catalogueSize: 4 })).toEqual({
      queries: 4,
      failed: 1,
      zeroResults: 1,
      metrics: { 'ndcg@10': 0.5, 'judged@10': 1, zero_results: 1 / 3, 'coverage@1': 0.25 },
      counted: { 'ndcg@10': 2, 'judged@10': 2, zero_results: 3, 'coverage@1': 3 },
    });
    expect((await summariseRun([], parseMetrics('mrr'))).metrics).toEqual({ mrr: null });
  });

  it('says what a metric lacks', async () => {
    await expect(summariseRun([], parseMetrics('gini@10'))).rejects.toThrow('gini@10 needs the number of documents in the index');
    await expect(summariseRun([gradedLine([1], [1])], parseMetrics('novelty@10'))).rejects.toThrow('novelty@10 needs how often');
  });
});
