import { parseMetric } from '../metrics/metric-name.js';
import type { QueryMetric } from '../metrics/metric.js';
import type { RunLine } from '../run/run-line.js';
import { CompareUsage } from './unusable-run.js';

const parsed = new Map<string, QueryMetric>();

/** The cut-off in a metric's name; null where it has none. */
export function cutoffOf(metric: string): number | null {
  const match = /@(\d+)/.exec(metric);
  return match ? Number(match[1]) : null;
}

/** Whether more of it is better; `judged@k` says only how far the judgments reach. */
export function isQuality(metric: string): boolean {
  return !metric.startsWith('judged@');
}

/** The canonical name. @throws MetricError for a name that no metric has, CompareUsage for one that two runs can't be compared by. */
export function checkMetric(name: string): string {
  const metric = parseMetric(name);
  if (metric.scope !== 'query' || metric.better !== 'higher' || metric.needs.length > 0) {
    throw new CompareUsage(
      `${metric.name} can't be compared query by query; name metrics of a single list of which more is better, such as ndcg@10, mrr, recall@100`,
    );
  }
  parsed.set(metric.name, metric);
  return metric.name;
}

/** One query's value of a metric by its canonical name; null where the metric says nothing of it. */
export function measureLine(line: RunLine, metric: string): number | null {
  const known = parsed.get(metric) ?? parsed.get(checkMetric(metric));
  return known?.measure(line) ?? null;
}
