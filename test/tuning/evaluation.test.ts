import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askQueries, EvaluationStopped, type Evaluation } from '../../tuning/evaluate/evaluation.js';
import type { DoorAnswer } from '../../tuning/evaluate/search-door.js';
import type { EvaluatedQuery } from '../../tuning/formats/queries/queries.js';
import { openRun, RunWriter } from '../../tuning/run/run-file.js';
import type { RunLine } from '../../tuning/run/run-line.js';
import { runHeader } from './run-lines.js';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-evaluation-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const EMPTY: DoorAnswer = { status: 200, body: Buffer.from('{"hits":{"hits":[]}}'), label: '', latencyMs: 1 };
const BROKEN: DoorAnswer = { ...EMPTY, status: 503, body: Buffer.from('{"error":{"reason":"shards are red"},"status":503}') };

function queries(count: number): EvaluatedQuery[] {
  return Array.from({ length: count }, (_, place) => ({ query_id: `q${place}`, query: `words ${place}`, tags: [] }));
}

/** Asks `count` queries of a door that answers as told, the number of the search given; the lines in the order of the file. */
async function ask(count: number, search: (number: number) => Promise<DoorAnswer>, options: Partial<Evaluation> = {}): Promise<RunLine[]> {
  const file = join(folder, `${++files}.run`);
  const run = await RunWriter.open(file, runHeader());
  let begun = 0;
  try {
    await askQueries(queries(count), run, {
      door: {
        name: 'stub',
        sha256: '',
        model: null,
        window: null,
        search: () => search(begun++),
        close: () => Promise.resolve(),
      },
      question: { name: 'stub', sha256: '', ask: () => Promise.resolve({}) },
      grades: () => new Map(),
      kept: { title: null, image: null, group: null },
      depth: 10,
      legs: false,
      concurrency: 3,
      rps: null,
      stopAfter: 5,
      folder: '.',
      ...options,
    });
  } finally {
    await run.close();
  }
  const lines: RunLine[] = [];
  for await (const line of (await openRun(file)).lines) lines.push(line);
  return lines;
}

describe('an evaluation', () => {
  it('has as many searches under way as allowed, and no more', async () => {
    let [now, most] = [0, 0];
    const lines = await ask(
      30,
      async () => {
        most = Math.max(most, ++now);
        await sleep(2);
        now -= 1;
        return EMPTY;
      },
      { concurrency: 4 },
    );
    expect(most).toBe(4);
    expect(new Set(lines.map(({ query_id }) => query_id)).size).toBe(30);
  });

  it('begins no more searches a second than allowed', async () => {
    const begun: number[] = [];
    const started = performance.now();
    await ask(
      6,
      () => {
        begun.push(performance.now());
        return Promise.resolve(EMPTY);
      },
      { rps: 50 },
    );
    // Never before its turn; how late is the machine's affair.
    begun.forEach((at, place) => expect(at - started).toBeGreaterThanOrEqual(place * 20 - 1));
  });

  it('stops after so many failures in a row, with the last one’s reason', async () => {
    const asked: number[] = [];
    const stopped = ask(
      50,
      (number) => {
        asked.push(number);
        return Promise.resolve(number < 10 ? EMPTY : BROKEN);
      },
      { concurrency: 1, stopAfter: 4 },
    );
    await expect(stopped).rejects.toThrow(EvaluationStopped);
    await expect(stopped).rejects.toThrow('stopped after 4 failures in a row, the last: status 503: shards are red');
    await expect(stopped).rejects.toMatchObject({ exitCode: 7 });
    expect(asked).toHaveLength(14);
  });

  it('goes on where failures do not come in a row, and keeps each with its reason', async () => {
    const lines = await ask(40, (number) => (number % 4 === 3 ? Promise.resolve(EMPTY) : Promise.reject(new Error('socket hang up'))), {
      concurrency: 1,
      stopAfter: 4,
    });
    const failed = lines.filter(({ state }) => state === 'failed');
    expect([lines.length, failed.length]).toEqual([40, 30]);
    for (const { reason } of failed) expect(reason).toBe('socket hang up');
  });
});
