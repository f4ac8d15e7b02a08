import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { measureLine } from '../../tuning/compare/line-metric.js';
import { openRun, RunWriter } from '../../tuning/run/run-file.js';
import type { RunHeader, RunLine } from '../../tuning/run/run-line.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';

/** One way to set a choice, and the run of all queries that was made with it. */
export interface Choice {
  readonly name: string;
  readonly file: string;
}

/** Which choice each fold was given, chosen on the other folds. */
export type FoldChoices = readonly string[];

const FOLDS = 5;

/**
 * Writes a run in which no query had a part in the choice that it was answered by: queries are laid into five folds by a hash of their ids,
 * and each fold's lines come from the run that did best, by the mean of the metric, on the four others; the earlier one where two did.
 * @throws Error where a run lacks a query of another
 */
export async function writeCrossFitted(
  choices: readonly Choice[],
  { metric, out, name }: { metric: string; out: string; name: string },
): Promise<FoldChoices> {
  const runs: { name: string; header: RunHeader; lines: Map<string, RunLine> }[] = [];
  for (const choice of choices) {
    const { header, lines } = await openRun(choice.file);
    const byQuery = new Map<string, RunLine>();
    for await (const line of lines) byQuery.set(line.query_id, line);
    runs.push({ name: choice.name, header, lines: byQuery });
  }
  const [first] = runs;
  if (!first) throw new Error('there is nothing to choose among');
  const queries = [...first.lines.keys()];
  const chosen = chooseByFold(
    runs.map((run) => ({ name: run.name, values: new Map(queries.map((query) => [query, valueOf(run, query, metric)])) })),
  );
  const byName = new Map(runs.map((run) => [run.name, run]));
  await rm(out, { force: true });
  const writer = await RunWriter.open(out, { ...first.header, name, created: new Date().toISOString() });
  try {
    for (const query of queries) {
      const line = byName.get(chosen[foldOf(query)] ?? '')?.lines.get(query);
      if (!line) throw new Error(`no run answers query ${query}`);
      await writer.append(line);
    }
  } finally {
    await writer.close();
  }
  return chosen;
}

/** The name of the choice with the highest mean over the queries outside of each fold; null values leave the means. */
export function chooseByFold(
  choices: readonly { readonly name: string; readonly values: ReadonlyMap<string, number | null> }[],
): FoldChoices {
  return Array.from({ length: FOLDS }, (_, fold) => {
    const means = choices.map(({ name, values }) => {
      const others = [...values].filter(([query]) => foldOf(query) !== fold).flatMap(([, value]) => value ?? []);
      return { name, mean: meanOf(others) };
    });
    return means.reduce((best, each) => (each.mean > best.mean ? each : best)).name;
  });
}

/** 0 to 4, the same for a query wherever it stands. */
export function foldOf(query: string): number {
  return createHash('sha256').update(query).digest().readUInt32BE(0) % FOLDS;
}

function valueOf({ name, lines }: { name: string; lines: ReadonlyMap<string, RunLine> }, query: string, metric: string): number | null {
  const line = lines.get(query);
  if (!line) throw new Error(`the run of ${name} does not answer query ${query}`);
  return measureLine(line, metric);
}
