import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../examples/small-source.js';
import { AskedRuns } from './asked-runs.js';

/** Of which a query's value is 1 / place. */
export const PLACE_METRICS = ['mrr'] as const;

/** Runs of systems: queries whose relevant product stands at the given places; 0 = not there. The first three have another word. */
export async function askedRuns(systems: Record<string, readonly number[]>): Promise<AskedRuns> {
  const folder = await makeFolder();
  const runs = new AskedRuns(PLACE_METRICS);
  for (const [name, places] of Object.entries(systems)) {
    const stamp = { sha256: 'a'.repeat(64), count: places.length };
    const header = {
      ...{ fuserank_run: 1, name, created: '2026-01-01T00:00:00.000Z', depth: 10, model: null, seed: 1 },
      ...{ configuration: { kind: 'first-phase', name, sha256: 'b'.repeat(64) }, index: { alias: 'shop', concrete: ['shop-v1'] } },
      ...{ queries: stamp, judgments: stamp, versions: { fuserank: '0', opensearch: '3' } },
    };
    const lines = places.map((place, query) => ({
      ...{ query_id: `q${query}`, query: 'lamp', tags: [query < 3 ? 'with-word' : 'bare-category'], history_length: 1, state: 'ok' },
      ...{ judged: [1], latency_ms: 1 },
      hits: Array.from({ length: 10 }, (_, rank) => ({ id: `p${rank}`, score: 10 - rank, grade: rank + 1 === place ? 1 : null })),
    }));
    const file = join(folder, `${name}.run`);
    await writeFile(file, [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
    runs.add(name, file);
  }
  return runs;
}
