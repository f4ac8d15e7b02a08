import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { openRun } from '../../tuning/run/run-file.js';
import { seedStream } from '../../models/random-stream.js';
import { openInstantEngine, productId, type InstantEngine } from './instant-engine.js';
import { cpuOf, memoryOf } from './process-usage.js';

/** What evaluating and comparing cost beside the searches themselves. */
export interface TuningCost {
  readonly queries: number;
  readonly hits: number;
  readonly evaluations: readonly EvaluationCost[];
  readonly compare: CommandCost;
}

export interface CommandCost {
  /** The whole command, from the start of its process to its end. */
  readonly seconds: number;
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

export interface EvaluationCost extends CommandCost {
  readonly concurrency: number;
  /** Mean time from sending a search to its last byte, ms. */
  readonly searchMs: number;
  /** The command's time that is no search's, start and figures included, ms a query; null where searches overlap. */
  readonly overheadMs: number | null;
  /** Resident memory after so many searches, MiB. */
  readonly memory: readonly { readonly searches: number; readonly mb: number }[];
}

const QUERIES = 10_000;
const HITS = 100;
const JUDGED = 20;
const PRODUCTS = 2_000;
const SEED = 17;
const SAMPLE_MS = 50;
/** Searches after which memory is looked at. */
const LOOKS = [1_000, 2_500, 5_000, 7_500, QUERIES] as const;
const INDEX = 'bench';

/** 10,000 queries of 100 hits by the compiled commands, against an engine in this process that answers at once. */
export async function measureTuningCost(scratch: string, tell: (line: string) => void): Promise<TuningCost> {
  const files = await writeQuestions(scratch);
  writeFileSync(join(scratch, 'fuserank.yaml'), JSON.stringify({ version: 1, index: { map: { text: ['title'] } } })); // JSON is YAML
  const engine = await openInstantEngine({ index: INDEX, hits: HITS, products: PRODUCTS, seed: SEED });
  try {
    const evaluations: EvaluationCost[] = [];
    for (const [place, concurrency] of [1, 4].entries()) {
      tell(`${QUERIES} queries, ${concurrency} at once`);
      evaluations.push(await evaluateOnce(engine, { scratch, files, run: join(scratch, `${place}.run`), concurrency }));
      engine.turnLists();
    }
    tell('comparing the two runs');
    const { memory: _memory, ...compare } = await runCommand(
      ['compare', join(scratch, '0.run'), join(scratch, '1.run'), '--report', `html=${join(scratch, 'c.html')}`],
      { folder: scratch },
    );
    return { queries: QUERIES, hits: HITS, evaluations, compare };
  } finally {
    await engine.close();
  }
}

async function evaluateOnce(
  engine: InstantEngine,
  options: { scratch: string; files: { queries: string; judgments: string }; run: string; concurrency: number },
): Promise<EvaluationCost> {
  const { scratch, files, run, concurrency } = options;
  const before = engine.searches();
  const done = (): number => engine.searches() - before;
  const question = ['--index', INDEX, '--opensearch', engine.url, '--config', 'first-phase', '--depth', String(HITS)];
  const inputs = ['--queries', files.queries, '--judgments', files.judgments, '--out', run];
  const { memory, ...cost } = await runCommand(['evaluate', ...question, ...inputs, '--concurrency', String(concurrency), '--quiet'], {
    folder: scratch,
    done,
  });
  let searches = 0;
  let searchMs = 0;
  for await (const { latency_ms } of (await openRun(run)).lines) {
    searches += 1;
    searchMs += latency_ms ?? 0;
  }
  if (searches !== QUERIES || done() !== QUERIES) throw new Error(`${searches} lines of ${done()} searches instead of ${QUERIES}`);
  const overheadMs = concurrency === 1 ? (cost.seconds * 1000 - searchMs) / QUERIES : null;
  return { concurrency, ...cost, searchMs: searchMs / QUERIES, overheadMs, memory };
}

/** Runs the compiled command and looks at its memory on the way. @throws Error with what it said when it fails */
async function runCommand(
  words: readonly string[],
  { folder, done = () => 0 }: { folder: string; done?: () => number },
): Promise<CommandCost & { memory: { searches: number; mb: number }[] }> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(packageRoot, 'dist', 'fuserank.js'), ...words], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const memory: { searches: number; mb: number }[] = [];
  let [peakMb, cpuMs] = [0, 0];
  const look = setInterval(() => {
    const { nowMb, peakMb: peak } = memoryOf(child.pid ?? 0);
    if (Number.isNaN(nowMb)) return; // it has ended
    peakMb = peak;
    cpuMs = cpuOf([child.pid ?? 0]);
    const searches = done();
    if (LOOKS.some((at) => at <= searches && !memory.some((seen) => seen.searches >= at))) memory.push({ searches, mb: nowMb });
  }, SAMPLE_MS);
  try {
    await ended(child);
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: cpuMs / 1000, memory, peakMb };
  } finally {
    clearInterval(look);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (text) => (said += String(text)));
  const [code] = z.tuple([z.int().nullable(), z.unknown()]).parse(await once(child, 'close'));
  if (code !== 0) throw new Error(`fuserank ended with ${code}: ${said}`);
}

/** A query set and judgments of which some are in the lists. */
async function writeQuestions(scratch: string): Promise<{ queries: string; judgments: string }> {
  const files = { queries: join(scratch, 'queries.ndjson'), judgments: join(scratch, 'judgments.csv') };
  const next = seedStream(SEED);
  const [queries, judgments] = [createWriteStream(files.queries), createWriteStream(files.judgments)];
  judgments.write('query_id,product_id,grade\n');
  for (let number = 0; number < QUERIES; number += 1) {
    const query = { query_id: `q${number}`, query: `words of query ${number}`, tags: [number % 3 === 0 ? 'head' : 'tail'] };
    queries.write(`${JSON.stringify(query)}\n`);
    const ids = new Set<string>();
    while (ids.size < JUDGED) ids.add(productId(Math.floor(next() * PRODUCTS)));
    judgments.write([...ids].map((id, place) => `q${number},${id},${'ESCI'[place % 4]}\n`).join(''));
  }
  await Promise.all([queries, judgments].map((file) => finished(file.end())));
  return files;
}
