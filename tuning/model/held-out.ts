import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { compareRuns, type RunComparison } from '../compare/run-comparison.js';
import { evaluateRun } from '../evaluate/evaluated-run.js';
import type { Contender } from '../evaluate/search-door.js';
import { parseMetrics } from '../metrics/metric-name.js';
import type { GateFigures } from './promotion-gate.js';

/** The questions that a candidate is judged on, and how they are asked. */
export interface HeldOut {
  readonly config: Config;
  /** Index or alias. */
  readonly alias: string;
  readonly profile: string;
  readonly queries: string;
  readonly judgments: string;
  readonly template: string | null;
  readonly metric: string;
  readonly seed: number;
  /** Folder for the three runs. */
  readonly runs: string;
  readonly tell: (line: string) => void;
}

const DEPTH = 20;
/** A target that keeps failing is not asked on. */
const STOP_AFTER = 20;

/**
 * Asks the questions three times through the real path: of the engine itself, of the current ranker, of the candidate; and compares the
 * candidate with either.
 * @param rankers.current, rankers.candidate as `evaluate --ranker` takes them
 * @throws errors with an exit code
 */
export async function measureHeldOut(
  heldOut: HeldOut,
  rankers: { current: string; candidate: string },
): Promise<{ quality: NonNullable<GateFigures['quality']>; comparison: RunComparison }> {
  const { config, alias, profile, metric, seed, tell } = heldOut;
  await mkdir(heldOut.runs, { recursive: true });
  const files = {
    engine: join(heldOut.runs, 'engine.run'),
    current: join(heldOut.runs, 'current.run'),
    candidate: join(heldOut.runs, 'candidate.run'),
  };
  const ask = async (out: string, contender: Contender): Promise<number> => {
    const { queries, judgments, template } = heldOut;
    const report = await evaluateRun({
      config,
      alias,
      contender,
      queries,
      judgments,
      out,
      template,
      metrics: parseMetrics(metric),
      depth: DEPTH,
      legs: false,
      groupField: null,
      allowUnknown: false,
      concurrency: 2,
      rps: null,
      stopAfter: STOP_AFTER,
      seed,
    });
    tell(
      `${report.header.name}${report.header.model === null ? '' : ` (${report.header.model})`}: ${metric} ${(report.summary.metrics[metric] ?? Number.NaN).toFixed(4)}`,
    );
    return report.summary.failed + (contender.kind === 'first-phase' ? 0 : report.unranked);
  };
  const ranked = (ranker: string): Contender => ({ kind: 'fuserank', url: null, profile, ranker, blend: null });
  let unanswered = await ask(files.engine, { kind: 'first-phase' });
  unanswered += await ask(files.current, ranked(rankers.current));
  unanswered += await ask(files.candidate, ranked(rankers.candidate));
  const compare = (a: string): Promise<RunComparison> =>
    compareRuns({ a, b: files.candidate, metrics: [metric], test: 'randomization', seed, rules: [], lists: 10 });
  const toEngine = await compare(files.engine);
  const toCurrent = await compare(files.current);
  const [before, now] = [toEngine.metrics[0], toCurrent.metrics[0]];
  if (!before || !now) throw new RangeError(`${metric} was not compared`);
  return {
    quality: {
      metric,
      queries: toCurrent.queries.compared,
      unanswered,
      difference: now.difference,
      interval: now.interval,
      harm: before.harm,
      harmToCurrent: now.harm,
    },
    comparison: toCurrent,
  };
}
