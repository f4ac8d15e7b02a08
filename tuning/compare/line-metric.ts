import { condense } from '../metrics/judged-share.js';
import { cutoffOf as cutoffOfMetric, parseMetric } from '../metrics/metric-name.js';
import type { QueryMetric } from '../metrics/metric.js';
import type { RunLine } from '../run/run-line.js';
import { CompareUsage } from './unusable-run.js';

const parsed = new Map<string, QueryMetric>();

/** The cut-off in a metric's name; null where it has none. */
export function cutoffOf(metric: string): number | null {
  return cutoffOfMetric({ name: metric });
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

/** Whether it looks at what the retrievers found, not at the list. */
export function readsLegs(metric: string): boolean {
  return known(metric).reads === 'legs';
}

/** The name of the same metric over the judged hits alone; null where that says nothing. */
export function condensedOf(metric: string): string | null {
  const whole = known(metric);
  if (whole.reads !== 'grades') return null;
  const condensed = condense(whole);
  parsed.set(condensed.name, condensed);
  return condensed.name;
}

/** One query's value of a metric by its canonical name; null where the metric says nothing of it. */
export function measureLine(line: RunLine, metric: string): number | null {
  return known(metric).measure(line);
}

function known(metric: string): QueryMetric {
  const found = parsed.get(metric) ?? parsed.get(checkMetric(metric));
  if (found === undefined) throw new CompareUsage(`${metric} is no metric`);
  return found;
}
