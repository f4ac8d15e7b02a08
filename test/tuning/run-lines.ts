import fc from 'fast-check';
import type { RunHeader, RunHit, RunLine } from '../../tuning/run/run-line.js';

/** A header that tells of nothing in particular. */
export function runHeader(over: Partial<RunHeader> = {}): RunHeader {
  return {
    fuserank_run: 1,
    name: 'first',
    created: '2026-01-02T03:04:05.000Z',
    depth: 10,
    configuration: { kind: 'first-phase', name: 'first-phase', sha256: 'a'.repeat(64) },
    index: { alias: 'shop', concrete: ['shop-v1'] },
    model: null,
    queries: { sha256: 'b'.repeat(64), count: 3 },
    judgments: { sha256: 'c'.repeat(64), count: 9 },
    versions: { fuserank: '0.1.0', opensearch: '3.6.0' },
    seed: 7,
    ...over,
  };
}

/** A line of which only the grades of the hits (null = not judged) and all judged grades matter. */
export function gradedLine(grades: readonly (number | null)[], judged: readonly number[], over: Partial<RunLine> = {}): RunLine {
  const hits: RunHit[] = grades.map((grade, place) => ({ id: `d${place}`, score: grades.length - place, grade }));
  return {
    query_id: 'q1',
    query: 'lamp',
    tags: [],
    history_length: null,
    state: hits.length === 0 ? 'zero-results' : 'ok',
    hits,
    judged: [...judged].sort((a, b) => b - a),
    latency_ms: 4,
    ...over,
  };
}

/** Lines as an evaluation gives them: some hits judged, some judged documents not found. */
export const anyGradedLine = fc
  .record({
    hits: fc.array(fc.option(fc.constantFrom(0, 0.01, 0.1, 0.5, 1, 2, 3), { nil: null }), { maxLength: 15 }),
    missed: fc.array(fc.constantFrom(0, 0.1, 1, 2, 3), { maxLength: 6 }),
  })
  .map(({ hits, missed }) => gradedLine(hits, [...hits.filter((grade) => grade !== null), ...missed]));
