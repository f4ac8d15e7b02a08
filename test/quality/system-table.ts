import { compareRuns, type RunComparison } from '../../tuning/compare/run-comparison.js';
import type { ComparedMetric } from '../../tuning/compare/compared-metrics.js';
import type { Table } from '../measured-page.js';
import { formatDifference, formatInterval, formatShare } from './quality-section.js';

const SEED = 20;

/** A system's run, beside the run that all are paired with. */
export interface PairedSystem {
  readonly name: string;
  readonly comparison: RunComparison;
}

/** Pairs every run with the baseline's, query by query, by the function behind `fuserank compare`. */
export async function pairSystems(
  runs: readonly { readonly name: string; readonly file: string }[],
  { baseline, metrics }: { baseline: string; metrics: readonly string[] },
): Promise<PairedSystem[]> {
  const paired: PairedSystem[] = [];
  for (const { name, file } of runs) {
    const comparison = await compareRuns({ a: baseline, b: file, metrics, test: 'randomization', seed: SEED, rules: [], lists: 0 });
    const { failed, count, compared } = comparison.queries;
    if (failed.either > 0) throw new Error(`${name}: only ${compared} of ${count} queries were answered: ${failed.examples.join('; ')}`);
    paired.push({ name, comparison });
  }
  return paired;
}

/** One row a system: every metric's mean, then the leading one's difference to the baseline. */
export function systemTable(systems: readonly PairedSystem[], { metrics, digits }: { metrics: readonly string[]; digits: number }): Table {
  const rows = systems.map(({ name, comparison }) => {
    const [leading] = comparison.metrics;
    const means = metrics.map((metric) => formatShare(metricOf(comparison, metric).meanB, digits));
    const isBaseline = comparison.runs.a.file === comparison.runs.b.file;
    if (!leading || isBaseline) return [`${name} (A)`, ...means, '', '', '', '', ''];
    return [
      name,
      ...means,
      formatDifference(leading.difference, digits),
      formatInterval(leading.interval),
      formatProbability(leading.p),
      `${leading.wins} / ${leading.ties} / ${leading.losses}`,
      leading.verdict,
    ];
  });
  return { columns: ['system', ...metrics, 'difference', '95 %', 'p', 'wins / ties / losses', 'verdict'], rows };
}

/** The leading metric's mean by tag, one column a tag in the order given; a tag that no query carries has none. */
export function sliceTable(systems: readonly PairedSystem[], { tags, digits }: { tags: readonly string[]; digits: number }): Table {
  const [first] = systems;
  const present = tags.filter((tag) => first?.comparison.tags.some(({ name }) => name === tag));
  const count = (tag: string): number => first?.comparison.tags.find(({ name }) => name === tag)?.queries ?? 0;
  const rows = systems.map(({ name, comparison }) => [
    name,
    ...present.map((tag) => formatShare(comparison.tags.find((slice) => slice.name === tag)?.metrics[0]?.meanB ?? Number.NaN, digits)),
  ]);
  return { columns: ['system', ...present.map((tag) => `${tag} (${count(tag).toLocaleString('en')})`)], rows };
}

export function metricOf(comparison: RunComparison, name: string): ComparedMetric {
  const found = comparison.metrics.find(({ metric }) => metric === name);
  if (!found) throw new Error(`the comparison holds no ${name}; it holds ${comparison.metrics.map(({ metric }) => metric).join(', ')}`);
  return found;
}

function formatProbability(p: number): string {
  return p < 0.001 ? '< .001' : formatShare(p);
}
