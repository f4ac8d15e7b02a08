import { cutoffOf, readsLegs } from './line-metric.js';
import type { OpenRun } from './open-run.js';
import { CompareUsage, UnusableRun } from './unusable-run.js';

/** @throws UnusableRun, naming all that differs, when the two runs did not answer the same queries under the same judgments. */
export function requireSameQuestion(a: OpenRun, b: OpenRun): void {
  const faults = (['queries', 'judgments'] as const).filter((part) => a.header[part].sha256 !== b.header[part].sha256);
  if (faults.length === 0) return;
  const named = faults.map((part) => {
    const [one, other] = [a.header[part], b.header[part]];
    return `${part} ${one.sha256.slice(0, 8)} (${one.count}) and ${other.sha256.slice(0, 8)} (${other.count})`;
  });
  throw new UnusableRun(
    `${a.file} and ${b.file} cannot be compared: they hold other ${faults.join(' and other ')}: ${named.join('; ')}. ` +
      `Evaluate both with the same ${faults.map((part) => `--${part}`).join(' and ')}`,
  );
}

/** @throws CompareUsage when a metric looks deeper than a run does. */
export function requireDepth(runs: readonly OpenRun[], metrics: readonly string[]): void {
  for (const metric of metrics) {
    if (readsLegs(metric)) {
      requireLegs(runs, metric);
      continue;
    }
    const shallow = runs.find(({ header }) => header.depth < (cutoffOf(metric) ?? 0));
    if (shallow) throw new CompareUsage(`${metric} looks at more hits than the ${shallow.header.depth} a query that ${shallow.file} holds`);
  }
}

function requireLegs(runs: readonly OpenRun[], metric: string): void {
  const without = runs.find(({ header }) => header.legs === undefined);
  if (without)
    throw new CompareUsage(`${metric} needs what the retrievers found, which ${without.file} does not keep; evaluate it with --legs`);
  const shallow = runs.find(({ header }) => (header.legs ?? 0) < (cutoffOf(metric) ?? 0));
  if (shallow) throw new CompareUsage(`${metric} looks at more of a leg than the ${shallow.header.legs} that ${shallow.file} keeps`);
}
