import { setTimeout as sleep } from 'node:timers/promises';
import { describeQuery } from '../asked-query.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import type { RunWriter } from '../run/run-file.js';
import type { RunLine } from '../run/run-line.js';
import type { Question } from './question.js';
import { failedLine, readRunLine, type KeptFields } from './run-line-reader.js';
import type { SearchDoor } from './search-door.js';

/** So many queries in a row failed that going on would only load a target that can't answer. */
export class EvaluationStopped extends Error {
  override readonly name = 'EvaluationStopped';
  readonly exitCode = 7;
}

/** Queries that the run answers, of all. */
export interface EvaluationProgress {
  readonly done: number;
  readonly total: number;
}

export interface Evaluation {
  readonly door: SearchDoor;
  readonly question: Question;
  /** Grades of a query by document id; empty where nobody judged it. */
  readonly grades: (query: EvaluatedQuery) => ReadonlyMap<string, number>;
  readonly kept: KeptFields;
  /** Hits asked for. */
  readonly depth: number;
  /** Keep what each retriever found. */
  readonly legs: boolean;
  /** Searches under way at once. */
  readonly concurrency: number;
  /** Searches begun a second at most; null = as fast as they are answered. */
  readonly rps: number | null;
  /** Failures in a row that end it. */
  readonly stopAfter: number;
  /** What a query's relative picture path starts from. */
  readonly folder: string;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/**
 * Asks every query that the run does not answer yet, and appends its line. A failed query is a line, too.
 * @throws EvaluationStopped after `stopAfter` failures in a row; what was answered stays in the run, and the same command goes on
 */
export async function askQueries(queries: readonly EvaluatedQuery[], run: RunWriter, evaluation: Evaluation): Promise<void> {
  const open = queries.filter(({ query_id }) => !run.done.has(query_id));
  const began = performance.now();
  let next = 0;
  let failures = 0;
  let lastReason = '';
  const stopped = (): boolean => failures >= evaluation.stopAfter;
  const lane = async (): Promise<void> => {
    for (let place = next++; place < open.length && !stopped(); place = next++) {
      const query = open[place];
      if (!query) return;
      if (evaluation.rps !== null) await sleep(Math.max(0, began + (place / evaluation.rps) * 1000 - performance.now()));
      if (stopped()) return;
      const line = await askOne(query, evaluation);
      failures = line.state === 'failed' ? failures + 1 : 0;
      lastReason = line.reason ?? lastReason;
      await run.append(line);
      evaluation.onProgress?.({ done: run.done.size, total: queries.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(evaluation.concurrency, open.length) }, lane));
  if (stopped()) {
    throw new EvaluationStopped(
      `stopped after ${failures} failures in a row, the last: ${lastReason}; mend it, remove the run file, and evaluate again`,
    );
  }
}

async function askOne(query: EvaluatedQuery, evaluation: Evaluation): Promise<RunLine> {
  const { door, question, kept, depth, legs, folder } = evaluation;
  const grades = evaluation.grades(query);
  try {
    const body = await question.ask(query, depth);
    const ranking = { ...(await describeQuery(query, folder)), ext: true, legs };
    const shown = [kept.title, kept.image, kept.group].filter((field) => field !== null);
    return readRunLine(query, await door.search({ ...body, size: depth, _source: shown.length === 0 ? false : shown }, ranking), {
      grades,
      kept,
      legs,
    });
  } catch (error) {
    return failedLine(query, { grades, reason: error instanceof Error ? error.message : String(error), latencyMs: null });
  }
}
