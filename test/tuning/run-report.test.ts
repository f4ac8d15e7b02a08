import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAsJson, renderReport, reportRun } from '../../tuning/evaluate/run-report.js';
import { parseMetrics } from '../../tuning/metrics/metric-name.js';
import { inventLine, writeRun } from './compare/invented-run.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-run-report-'));
  const legs = { first_phase: ['a'], text: ['b', 'c'] };
  const lines = [
    inventLine({ query_id: 'q0', grades: [null, 1], judged: [1, 1], judgments: { a: 1, c: 1 }, legs }),
    inventLine({ query_id: 'q1', grades: [1], judged: [1], judgments: { b: 1 }, legs, reason: 'skipped; reason=legs_failed' }),
    inventLine({ query_id: 'q2', judged: [1], state: 'zero-results' }),
    inventLine({ query_id: 'q3', judged: [1], state: 'failed', reason: 'time-out' }),
  ].map((line) => ({ ...line, hits: line.hits.map((hit, place) => ({ ...hit, group: place === 0 ? 'acme' : 'umber' })) }));
  file = await writeRun(join(folder, 'shop.run'), lines, { count: 4, header: { name: 'shop', legs: 200, group_field: 'brand' } });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('a report says what was measured, what the judged hits alone give where that differs, and what must be known beside it', async () => {
  const report = await reportRun(file, { metrics: parseMetrics('mrr,recall@10,leg_recall@1'), documents: 9, unjudged: 2, unknown: 3 });
  const text = renderReport(report);
  // Reciprocal ranks 1/2, 1 and 0; of the judged hits alone 1, 1 and 0.
  expect(text).toContain('mrr            0.5000  over 3 queries, of the judged hits alone 0.6667\n');
  // One of two, one of one, none: unjudged hits change nothing here.
  expect(text).toContain('recall@10      0.5000  over 3 queries\n');
  // The first of each leg: a of {a, c}; b, the only one.
  expect(text).toContain('leg_recall@1   0.7500  over 2 queries\n    first_phase  0.2500\n    text         0.5000\n');
  for (const note of [
    '1 failed: they leave the means',
    '1 without a hit',
    "1 answered in the engine's order",
    '2 without a judgment',
    '3 judged documents are not in the index',
    // Ranks 1, 2 and 1: 1 + .63 + 1.
    'exposure@10 by brand: acme 76.0 %, umber 24.0 %',
  ]) {
    expect(text).toContain(note);
  }
  expect(describeAsJson(report)).toMatchObject({
    metrics: { mrr: 0.5, 'recall@10': 0.5, 'leg_recall@1': 0.75 },
    condensed: { mrr: 2 / 3, 'recall@10': 0.5 },
    legs: { 'leg_recall@1': { first_phase: 0.25, text: 0.5, fused: 0.75 } },
    exposure: { k: 10, field: 'brand', groups: { acme: expect.closeTo(2 / (2 + 1 / Math.log2(3)), 12) as number }, ungrouped: 0 },
    queries: 4,
    failed: 1,
    zero_results: 1,
    unranked: 1,
    unjudged: 2,
    unknown_documents: 3,
    run: file,
  });
});
