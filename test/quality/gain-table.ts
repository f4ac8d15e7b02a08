import type { RunComparison } from '../../tuning/compare/run-comparison.js';
import { deviationOf } from '../../tuning/significance/student-t.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import { measureRelativeGain, type RelativeGain } from '../../tuning/significance/relative-gain.js';
import type { Table } from '../measured-page.js';
import { formatDifference, formatShare } from './quality-section.js';
import { metricOf, type PairedSystem } from './system-table.js';

const SEED = 20;

/** One query's values: of the system that is gained over, and of the one that gains. */
export interface ValuePair {
  readonly a: number;
  readonly b: number;
}

/** Values of the leading metric, one pair a query that has them, ordered by the query's id. @param tag only queries that carry it */
export function valuesOf({ pairs }: Pick<RunComparison, 'pairs'>, tag: string | null = null): ValuePair[] {
  const queries = tag === null ? pairs.queries : pairs.queries.filter(({ tags }) => tags.includes(tag));
  return queries.flatMap(({ values }) => values[0] ?? []);
}

export function gainOf(pairs: readonly ValuePair[]): RelativeGain {
  return measureRelativeGain(pairs, { seed: SEED });
}

/** `+63 % [+57, +68]`. */
export function formatGain({ gain, interval: [low, high] }: RelativeGain): string {
  if (Number.isNaN(gain)) return '';
  // Where a resample has a baseline of 0 throughout, the gain has no bound.
  const percent = (value: number): string => (Number.isNaN(value) ? '∞' : `${value < 0 ? '-' : '+'}${Math.abs(100 * value).toFixed(0)}`);
  return `${percent(gain)} % [${percent(low)}, ${percent(high)}]`;
}

/** One row a system: its metrics, what it gains over the baselines, and for how many it is worse than the first phase. */
export function gainTable(
  systems: readonly PairedSystem[],
  {
    metrics,
    over,
  }: {
    metrics: readonly string[];
    /** Systems that are gained over, by the name in the heading. */ over: ReadonlyMap<string, readonly PairedSystem[]>;
  },
): Table {
  const rows = systems.map(({ name, comparison }) => {
    const [leading] = comparison.metrics;
    const isBaseline = comparison.runs.a.file === comparison.runs.b.file;
    return [
      name,
      ...metrics.map((metric) => formatShare(metricOf(comparison, metric).meanB)),
      ...[...over.values()].map((paired) => {
        const found = paired.find((each) => each.comparison.runs.b.file === comparison.runs.b.file)?.comparison;
        return !found || found.runs.a.file === found.runs.b.file ? '' : formatGain(gainOf(valuesOf(found)));
      }),
      ...(isBaseline || !leading ? ['', '', ''] : [formatPercent(leading.harm), `${leading.wins} / ${leading.losses}`, leading.verdict]),
    ];
  });
  const columns = ['system', ...metrics, ...[...over.keys()].map((name) => `over ${name}`), 'harm', 'wins / losses', 'verdict'];
  return { columns, rows };
}

/** What a system gains over what it is paired with, by tag; a tag that no query carries has no row. */
export function sliceGainTable(systems: readonly PairedSystem[], { tags }: { tags: readonly string[] }): Table {
  const [first] = systems;
  const rows = tags.flatMap((tag) => {
    const slice = first?.comparison.tags.find(({ name }) => name === tag);
    if (!slice) return [];
    const cells = systems.flatMap(({ comparison }) => {
      const leading = comparison.tags.find(({ name }) => name === tag)?.metrics[0];
      return [
        formatShare(leading?.meanB ?? Number.NaN),
        formatGain(gainOf(valuesOf(comparison, tag))),
        formatPercent(leading?.harm ?? Number.NaN),
      ];
    });
    return [[`${tag} (${slice.queries.toLocaleString('en')})`, formatShare(slice.metrics[0]?.meanA ?? Number.NaN), ...cells]];
  });
  return { columns: ['queries', 'first phase', ...systems.flatMap(({ name }) => [name, 'gain', 'harm'])], rows };
}

/** Runs of one recipe, a seed each, all paired with the same baseline. */
export interface SeededRuns {
  readonly name: string;
  readonly comparisons: readonly RunComparison[];
}

/** Each query's value as the mean over the seeds, beside the baseline's. @throws Error where the seeds' runs do not answer the same queries */
export function meanOverSeeds({ name, comparisons }: SeededRuns): ValuePair[] {
  const columns = comparisons.map((comparison) => valuesOf(comparison));
  const [first = []] = columns;
  if (columns.some((column) => column.length !== first.length)) throw new Error(`${name}: its seeds do not answer the same queries`);
  return first.map(({ a }, place) => ({ a, b: meanOf(columns.map((column) => column[place]?.b ?? Number.NaN)) }));
}

/** One row a recipe: each seed's mean, mean and spread of these, and what the mean of the seeds gains over the baseline and over a rival. */
export function seedTable(
  recipes: readonly (SeededRuns & { readonly rival: SeededRuns | null })[],
  { seeds, baseline }: { seeds: readonly number[]; baseline: string },
): Table {
  const rows = recipes.map((recipe) => {
    const means = recipe.comparisons.map(({ metrics }) => metrics[0]?.meanB ?? Number.NaN);
    const pairs = meanOverSeeds(recipe);
    return [
      recipe.name,
      ...seeds.map((_, place) => (means[place] === undefined ? '' : formatShare(means[place]))),
      formatShare(meanOf(means)),
      means.length < 2 ? '' : formatShare(deviationOf(means)),
      formatGain(gainOf(pairs)),
      recipe.rival === null ? '' : formatGain(gainOf(beside(recipe.rival, pairs))),
    ];
  });
  const columns = [
    'system',
    ...seeds.map((seed) => `seed ${seed}`),
    'mean',
    'spread',
    `over ${baseline}`,
    'over LambdaMART on the same lists',
  ];
  return { columns, rows };
}

/** Values of one recipe beside a rival's, both as means over their seeds. */
export function beside(rival: SeededRuns, pairs: readonly ValuePair[]): ValuePair[] {
  const rivals = meanOverSeeds(rival);
  return pairs.map(({ b }, place) => ({ a: rivals[place]?.b ?? Number.NaN, b }));
}

/** `4.1 %`. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Difference of means with its interval, `-.004 [-.007, -.001]`. */
export function formatChange({ difference, interval }: { difference: number; interval: readonly [number, number] }): string {
  return `${formatDifference(difference)} [${interval.map((bound) => formatDifference(bound)).join(', ')}]`;
}
