import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import { comparePaired, type PairedComparison } from '../../tuning/significance/paired-comparison.js';

/** NDCG@10 over all asked, and of each list that was found, in one order for all runs of a pack. */
const measuredSchema = z.object({ 'ndcg@10': z.number(), gains: z.array(z.number()) });

/** One run of models/training/grid.py. */
const gridRunSchema = z.looseObject({
  pack: z.string(),
  arm: z.string(),
  group: z.string(),
  seed: z.number(),
  lists: z.looseObject({ train: z.number().optional(), test: z.number(), asked: z.number() }),
  parameters: z.number().optional(),
  operations: z.number().optional(),
  seconds: z.number().optional(),
  device: z.string().optional(),
  /** The shipped ranker whose network, and whose weights where they are the start, stand in the networks. */
  'evidence of': z.string().optional(),
  systems: z.record(z.string(), measuredSchema),
  'hidden pictures': z.record(z.string(), measuredSchema).optional(),
});
export type GridRun = z.output<typeof gridRunSchema>;

const SEED = 20;
/** The score alone, without the blend with the first phase. */
export const OWN = 'own';
export const SERVED = 'dial 0.75';

/** All runs of a folder. A file that is none of them is passed over. */
export function readGridRuns(folder: string): GridRun[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => {
      const parsed = gridRunSchema.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
      return parsed.success ? [parsed.data] : [];
    });
}

/** One arm on one pack over its seeds. */
export interface MeasuredArm {
  readonly arm: string;
  readonly group: string;
  readonly seeds: readonly number[];
  /** Mean NDCG@10 of every seed. */
  readonly means: readonly number[];
  /** The same as served at the dial .75. */
  readonly served: number;
  readonly example: GridRun;
  /** Beside the default, list by list, over the seeds that both have. */
  readonly comparison: PairedComparison;
}

/**
 * Arms of a pack beside one of them. A list that the first phase did not find counts 0 for all. Where both have several seeds, each list's
 * gain is the mean over them.
 * @throws Error where the pack has no such arm, or runs were measured on other lists
 */
export function compareArms(runs: readonly GridRun[], { pack, beside }: { pack: string; beside: string }): MeasuredArm[] {
  const own = runs.filter((run) => run.pack === pack && OWN in run.systems);
  const defaults = own.filter(({ arm }) => arm === beside);
  if (defaults.length === 0) throw new Error(`there is no run of ${beside} on ${pack}; run models/training/grid.py`);
  return [...new Set(own.map(({ arm }) => arm))].map((arm) => {
    const mine = own.filter((run) => run.arm === arm);
    const [example] = mine;
    if (!example) throw new Error(`${arm} has no run`);
    const shared = mine.filter(({ seed }) => defaults.some((each) => each.seed === seed));
    const rivals = defaults.filter(({ seed }) => shared.some((each) => each.seed === seed));
    return {
      arm,
      group: example.group,
      seeds: mine.map(({ seed }) => seed),
      means: mine.map(({ systems }) => systems[OWN]?.['ndcg@10'] ?? Number.NaN),
      served: meanOf(mine.map(({ systems }) => systems[SERVED]?.['ndcg@10'] ?? Number.NaN)),
      example,
      comparison: compareGains(
        meanGains(shared.length > 0 ? shared : mine),
        meanGains(rivals.length > 0 ? rivals : defaults),
        example.lists.asked,
      ),
    };
  });
}

/** Gains of b beside a, those that were not found 0 for both. @throws Error where they are of other lists */
export function compareGains(b: readonly number[], a: readonly number[], asked: number): PairedComparison {
  if (a.length !== b.length) throw new Error(`runs of one pack were measured on ${a.length} and ${b.length} lists; remove the older ones`);
  const differences = new Float64Array(asked);
  b.forEach((gain, place) => (differences[place] = gain - (a[place] ?? Number.NaN)));
  return comparePaired(differences, { seed: SEED });
}

/** What hiding a share of the pictures costs: NDCG@10 with all less that without, each list paired. */
export function costOfHiding(run: GridRun, share: string): PairedComparison | null {
  const all = run.systems[OWN];
  const fewer = run['hidden pictures']?.[share];
  return all && fewer ? compareGains(fewer.gains, all.gains, run.lists.asked) : null;
}

function meanGains(runs: readonly GridRun[]): number[] {
  const lists = runs.map(({ systems }) => systems[OWN]?.gains ?? []);
  const [first = []] = lists;
  return first.map((_, place) => meanOf(lists.map((gains) => gains[place] ?? Number.NaN)));
}
