import type { RunLine } from '../run/run-line.js';
import type { Metric, MetricContext } from './metric.js';

/** A run in numbers. */
export interface RunSummary {
  readonly queries: number;
  readonly failed: number;
  readonly zeroResults: number;
  /** By canonical name: the mean over the queries for which it is defined, or the run's own value; null where there is none. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** By canonical name: queries in the mean (for a metric of the whole run: all that did not fail). */
  readonly counted: Readonly<Record<string, number>>;
}

/** Walks the lines once, holding sums only (and a count a document for coverage and gini). @throws MetricError */
export async function summariseRun(
  lines: AsyncIterable<RunLine> | Iterable<RunLine>,
  metrics: readonly Metric[],
  context: MetricContext = {},
): Promise<RunSummary> {
  const states = { queries: 0, failed: 0, zeroResults: 0 };
  const sums = metrics.map((metric) => (metric.scope === 'query' ? beginMean(metric, context) : beginWhole(metric, context)));
  for await (const line of lines) {
    states.queries += 1;
    if (line.state === 'failed') states.failed += 1;
    if (line.state === 'zero-results') states.zeroResults += 1;
    for (const sum of sums) sum.take(line);
  }
  return {
    ...states,
    metrics: Object.fromEntries(sums.map(({ name, value }) => [name, value()])),
    counted: Object.fromEntries(sums.map(({ name, counted }) => [name, counted()])),
  };
}

interface Sum {
  readonly name: string;
  readonly take: (line: RunLine) => void;
  readonly value: () => number | null;
  readonly counted: () => number;
}

function beginMean(metric: Extract<Metric, { scope: 'query' }>, context: MetricContext): Sum {
  // Kahan's sum: over ten thousand queries a plain one shows in the twelfth digit.
  let [sum, lost, count] = [0, 0, 0];
  return {
    name: metric.name,
    take: (line) => {
      const value = metric.measure(line, context);
      if (value === null) return;
      count += 1;
      const term = value - lost;
      const next = sum + term;
      lost = next - sum - term;
      sum = next;
    },
    value: () => (count === 0 ? null : sum / count),
    counted: () => count,
  };
}

function beginWhole(metric: Extract<Metric, { scope: 'run' }>, context: MetricContext): Sum {
  const whole = metric.begin(context);
  let count = 0;
  return {
    name: metric.name,
    take: (line) => {
      whole.take(line);
      if (line.state !== 'failed') count += 1;
    },
    value: () => whole.value(),
    counted: () => count,
  };
}
