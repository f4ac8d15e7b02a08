import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../examples/small-source.js';
import { pairSystems, sliceTable, systemTable } from './system-table.js';

const METRICS = ['hr@1', 'mrr'] as const;

/** Eight queries, the relevant product at the given place of each list; 0 = not there. */
async function writeRun(file: string, places: readonly number[]): Promise<string> {
  const stamp = { sha256: 'a'.repeat(64), count: places.length };
  const header = {
    ...{ fuserank_run: 1, name: file, created: '2026-01-01T00:00:00.000Z', depth: 10, model: null, seed: 1 },
    ...{ configuration: { kind: 'first-phase', name: file, sha256: 'b'.repeat(64) }, index: { alias: 'shop', concrete: ['shop-v1'] } },
    ...{ queries: stamp, judgments: stamp, versions: { fuserank: '0', opensearch: '3' } },
  };
  const lines = places.map((place, query) => ({
    ...{ query_id: `q${query}`, query: 'lamp', tags: [query < 2 ? 'with-word' : 'bare-category'], history_length: 1, state: 'ok' },
    ...{ judged: [1], latency_ms: 1 },
    hits: Array.from({ length: 10 }, (_, rank) => ({ id: `p${rank}`, score: 10 - rank, grade: rank + 1 === place ? 1 : null })),
  }));
  await writeFile(file, [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

async function writeRuns(): Promise<{ name: string; file: string }[]> {
  const folder = await makeFolder();
  return [
    { name: 'engine', file: await writeRun(join(folder, 'engine.run'), [2, 2, 2, 2, 2, 2, 2, 0]) },
    { name: 'ranked', file: await writeRun(join(folder, 'ranked.run'), [1, 1, 1, 1, 1, 1, 1, 0]) },
  ];
}

describe('tables of systems', () => {
  test('pair every system with the baseline, which has no difference', async () => {
    const runs = await writeRuns();
    const systems = await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: METRICS });
    const { columns, rows } = systemTable(systems, { metrics: METRICS, digits: 2 });
    expect(columns).toEqual(['system', 'hr@1', 'mrr', 'difference', '95 %', 'p', 'wins / ties / losses', 'verdict']);
    expect(rows[0]).toEqual(['engine (A)', '.00', '.44', '', '', '', '', '']);
    expect(rows[1]?.slice(0, 4)).toEqual(['ranked', '.88', '.88', '+.88']);
    expect(rows[1]?.slice(6)).toEqual(['7 / 1 / 0', 'better']);
  });

  test('slice by the tags that there are, in the order given', async () => {
    const runs = await writeRuns();
    const systems = await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: METRICS });
    const { columns, rows } = sliceTable(systems, { tags: ['bare-category', 'history:0', 'with-word'], digits: 2 });
    expect(columns).toEqual(['system', 'bare-category (6)', 'with-word (2)']);
    expect(rows).toEqual([
      ['engine', '.00', '.00'],
      ['ranked', '.83', '1.00'],
    ]);
  });
});
