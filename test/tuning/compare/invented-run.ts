import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { runHeaderSchema, runLineSchema, type RunHeader, type RunLine } from '../../../tuning/run/run-line.js';
import { seedStream } from '../../../models/random-stream.js';

/** What a test says of a line; the rest is plain. Grades in the order of the hits; null = not judged. */
export type LineInput = Partial<RunLine> & { readonly query_id: string; readonly grades?: readonly (number | null)[] };

export function inventHeader(changes: Partial<RunHeader> = {}): RunHeader {
  return runHeaderSchema.parse({
    fuserank_run: 1,
    name: 'invented',
    created: '2026-03-01T12:00:00Z',
    depth: 20,
    configuration: { kind: 'first-phase', name: 'first-phase', sha256: 'c'.repeat(64) },
    index: { alias: 'products', concrete: ['products_v1'] },
    model: null,
    queries: { sha256: 'a'.repeat(64), count: 0 },
    judgments: { sha256: 'b'.repeat(64), count: 0 },
    versions: { fuserank: '0.1.0', opensearch: '3.6.0' },
    seed: 1,
    ...changes,
  });
}

export function inventLine({ grades = [], ...line }: LineInput): RunLine {
  return runLineSchema.parse({
    query: `words of ${line.query_id}`,
    state: 'ok',
    hits: grades.map((grade, place) => ({ id: `${line.query_id}-p${place}`, score: 10 - place, grade })),
    judged: grades.filter((grade) => grade !== null).sort((a, b) => b - a),
    latency_ms: 5,
    ...line,
  });
}

/** Writes a run file; the header's count is that of the lines unless it is given. */
export async function writeRun(
  file: string,
  lines: Iterable<RunLine>,
  options: { header?: Partial<RunHeader>; count: number },
): Promise<string> {
  const out = createWriteStream(file);
  const queries = { sha256: 'a'.repeat(64), count: options.count };
  out.write(`${JSON.stringify(inventHeader({ queries, ...options.header }))}\n`);
  for (const line of lines) if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain');
  out.end();
  await once(out, 'finish');
  return file;
}

const KINDS = ['lamp', 'dress', 'kettle', 'sofa', 'boot', 'mug'] as const;
const LOOKS = ['red', 'oak', 'linen', 'striped', 'small', 'matt black'] as const;

/**
 * A run of many queries with titles and pictures: grades 0–3 fall with the true order, which a share `noise` of the hits
 * has left. The same `seed` gives the same queries and products, so two runs of other `noise` are two systems.
 */
export function* inventLines(options: { queries: number; hits: number; seed: number; noise: number }): Generator<RunLine> {
  const { queries, hits, seed, noise } = options;
  for (let number = 0; number < queries; number += 1) {
    const next = seedStream(seed + number * 31);
    const products = Array.from({ length: hits }, (_, place) => {
      const drawn = next();
      const look = LOOKS[Math.floor(drawn * 997) % LOOKS.length] ?? 'plain';
      const kind = KINDS[number % KINDS.length] ?? 'thing';
      return {
        hit: {
          id: `p${number}-${place}`,
          grade: drawn < 0.03 ? null : Math.max(0, Math.min(3, Math.floor(4 * (1 - (place + 3 * drawn) / 8)))),
          title: `${look} ${kind} no. ${place}`,
          image: `pictures/${kind}-${place % 6}.png`,
        },
        order: place,
      };
    });
    const stray = seedStream(seed + number * 31 + Math.round(noise * 1e6));
    const ranked = products
      .map(({ hit, order }) => ({ hit, order: order + (stray() < noise ? stray() * 30 : 0) }))
      .sort((a, b) => a.order - b.order);
    yield runLineSchema.parse({
      query_id: `q${number}`,
      query: `${LOOKS[number % 5]} ${KINDS[number % KINDS.length]} ${number}`,
      tags: [number % 3 === 0 ? 'head' : 'tail', ...(number % 10 === 0 ? ['picture'] : [])],
      history_length: [0, 2, 9, 40, null][number % 5],
      state: 'ok',
      hits: ranked.map(({ hit }, place) => ({ ...hit, score: 20 - place / 8 })),
      judged: products.flatMap(({ hit }) => hit.grade ?? []).sort((a, b) => b - a),
      latency_ms: 8,
    });
  }
}
