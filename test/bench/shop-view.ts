import { quantile } from '../../tuning/significance/bootstrap.js';
import { cpuOf } from './process-usage.js';
import { askInParallel, SearchClient, type TimedAnswer } from './search-load.js';
import type { ServedSidecar } from './served-sidecar.js';

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

/** The same page of the shop asked for at two doors, taking turns. Milliseconds. */
export interface PairedView {
  searches: number;
  /** Share of the answers through us that were ranked, and why others were not, by reason. */
  ranked: number;
  skipped: Record<string, number>;
  direct: Quantiles;
  through: Quantiles;
  /** The sidecar's time in which none of its requests to the engine is open. */
  ours: Quantiles;
  /** The rest of its time. */
  engine: Quantiles;
  /** Median of each stage; stages overlap each other. */
  stages: Record<string, number>;
  /** CPU of the HTTP process and of all scorers for one search. */
  cpuMs: { http: number; scorers: number };
}

export interface Throughput {
  connections: number;
  direct: number;
  through: number;
  ranked: number;
}

/** Makes the body of the next search, which nobody sent before; `user` null = straight to the engine. */
export type NextBody = (options: { ranked: boolean }) => object;

export interface Doors {
  engine: string;
  sidecar: ServedSidecar;
  path: string;
}

/** One search at a time, alternately direct and through us, after `warmUp` pairs that are not counted. */
export async function timePairs(doors: Doors, options: { pairs: number; warmUp: number; nextBody: NextBody }): Promise<PairedView> {
  const direct = new SearchClient(doors.engine, { path: doors.path, connections: 1 });
  const through = new SearchClient(doors.sidecar.url, { path: doors.path, connections: 1 });
  const { pid, scorerPids } = doors.sidecar;
  const answers: { direct: TimedAnswer[]; through: TimedAnswer[] } = { direct: [], through: [] };
  try {
    const askPair = async (turn: number): Promise<void> => {
      const askDirect = async (): Promise<void> => void answers.direct.push(await direct.search(options.nextBody({ ranked: false })));
      const askThrough = async (): Promise<void> => void answers.through.push(await through.search(options.nextBody({ ranked: true })));
      for (const ask of turn % 2 === 0 ? [askDirect, askThrough] : [askThrough, askDirect]) await ask();
    };
    for (let turn = 0; turn < options.warmUp; turn += 1) await askPair(turn);
    answers.direct.length = 0;
    answers.through.length = 0;
    const before = { http: cpuOf([pid]), scorers: cpuOf(scorerPids) };
    for (let turn = 0; turn < options.pairs; turn += 1) await askPair(turn);
    const after = { http: cpuOf([pid]), scorers: cpuOf(scorerPids) };
    return {
      searches: options.pairs,
      ranked: rankedShare(answers.through),
      skipped: countSkips(answers.through),
      direct: quantilesOf(answers.direct.map(({ ms }) => ms)),
      through: quantilesOf(answers.through.map(({ ms }) => ms)),
      ours: quantilesOf(stageOf(answers.through, 'ours')),
      engine: quantilesOf(stageOf(answers.through, 'engine')),
      stages: medianStages(answers.through),
      cpuMs: { http: (after.http - before.http) / options.pairs, scorers: (after.scorers - before.scorers) / options.pairs },
    };
  } finally {
    await Promise.all([direct.close(), through.close()]);
  }
}

/** Searches a second in a closed loop, direct and through us one after the other. */
export async function measureThroughput(
  doors: Doors,
  options: { connections: number; seconds: number; nextBody: NextBody },
): Promise<Throughput> {
  const { connections, seconds, nextBody } = options;
  const run = async (url: string, ranked: boolean): Promise<{ answers: TimedAnswer[]; perSecond: number }> => {
    const client = new SearchClient(url, { path: doors.path, connections });
    try {
      return await askInParallel(client, { connections, seconds, nextBody: () => nextBody({ ranked }) });
    } finally {
      await client.close();
    }
  };
  const direct = await run(doors.engine, false);
  const through = await run(doors.sidecar.url, true);
  return { connections, direct: direct.perSecond, through: through.perSecond, ranked: rankedShare(through.answers) };
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) };
}

function stageOf(answers: readonly TimedAnswer[], name: string): number[] {
  return answers.flatMap(({ stages }) => stages.get(name) ?? []);
}

function medianStages(answers: readonly TimedAnswer[]): Record<string, number> {
  const names = new Set(answers.flatMap(({ stages }) => [...stages.keys()]));
  return Object.fromEntries([...names].map((name) => [name, quantilesOf(stageOf(answers, name)).p50]));
}

function rankedShare(answers: readonly TimedAnswer[]): number {
  return answers.filter(({ label }) => label.startsWith('applied')).length / answers.length;
}

function countSkips(answers: readonly TimedAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label } of answers) {
    const reason = /^skipped; reason=(\w+)/.exec(label)?.[1];
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
