import { GroupExposure, type GroupShares } from '../metrics/catalogue-exposure.js';
import { condense } from '../metrics/judged-share.js';
import { MeanLegRecall, type LegRecall } from '../metrics/leg-recall.js';
import { cutoffOf, parseMetric, relevanceOf } from '../metrics/metric-name.js';
import type { Metric, QueryMetric } from '../metrics/metric.js';
import { summariseRun, type RunSummary } from '../metrics/run-summary.js';
import { openRun } from '../run/run-file.js';
import type { RunHeader, RunLine } from '../run/run-line.js';

/** All that `fuserank evaluate` says of a run. */
export interface RunReport {
  readonly run: string;
  readonly header: RunHeader;
  readonly asked: readonly Metric[];
  readonly summary: RunSummary;
  /** Answers in the engine's order that should have been ranked. */
  readonly unranked: number;
  /** Queries without a judgment. */
  readonly unjudged: number;
  /** Judged documents that the index does not hold. */
  readonly unknown: number;
  /** By metric of the legs: each leg's recall and that of all together. */
  readonly legs: ReadonlyMap<string, LegRecall | null>;
  /** Of the first k; null where hits keep no group. */
  readonly exposure: { readonly k: number; readonly field: string; readonly shares: GroupShares | null } | null;
}

const JUDGED = 'judged@10';
/** Where the leading metric has no cut-off. */
const DEFAULT_CUTOFF = 10;
/** Groups that a terminal has room for; the JSON has all. */
const NAMED_GROUPS = 8;

/** Walks the run's file once, as `compare` will see it. */
export async function reportRun(
  run: string,
  given: { metrics: readonly Metric[]; documents: number; unjudged: number; unknown: number },
): Promise<RunReport> {
  const { header, lines } = await openRun(run);
  const asked = given.metrics;
  const measured = new Map([...asked, parseMetric(JUDGED), ...asked.filter(readsGrades).map(condense)].map((each) => [each.name, each]));
  const legs = new Map(asked.filter(({ reads }) => reads === 'legs').map((metric) => [metric.name, new MeanLegRecall(cutOf(metric))]));
  const k = (asked[0] && cutoffOf(asked[0])) ?? DEFAULT_CUTOFF;
  const exposure = new GroupExposure(k);
  let unranked = 0;
  async function* watched(): AsyncGenerator<RunLine> {
    for await (const line of lines) {
      if (line.state !== 'failed' && line.reason !== undefined) unranked += 1;
      for (const recall of legs.values()) recall.take(line);
      if (line.state !== 'failed') exposure.take(line);
      yield line;
    }
  }
  const summary = await summariseRun(watched(), [...measured.values()], { catalogueSize: given.documents });
  return {
    run,
    header,
    asked,
    summary,
    unranked,
    unjudged: given.unjudged,
    unknown: given.unknown,
    legs: new Map([...legs].map(([name, recall]) => [name, recall.means()])),
    exposure: header.group_field === undefined ? null : { k, field: header.group_field, shares: exposure.shares() },
  };
}

/** As docs/reference/evaluate.md describes it. */
export function describeAsJson({ run, asked, summary, unranked, unjudged, unknown, legs, exposure }: RunReport): object {
  const valueOf = (name: string): number | null => summary.metrics[name] ?? null;
  return {
    metrics: Object.fromEntries(asked.map(({ name }) => [name, valueOf(name)])),
    condensed: Object.fromEntries(asked.filter(readsGrades).map((metric) => [metric.name, valueOf(condense(metric).name)])),
    ...(legs.size === 0
      ? {}
      : { legs: Object.fromEntries([...legs].map(([name, recall]) => [name, recall && { ...recall.legs, fused: recall.fused }])) }),
    ...(exposure === null ? {} : { exposure: { k: exposure.k, field: exposure.field, ...exposure.shares } }),
    queries: summary.queries,
    failed: summary.failed,
    zero_results: summary.zeroResults,
    unranked,
    unjudged,
    unknown_documents: unknown,
    [JUDGED]: valueOf(JUDGED),
    run,
  };
}

export function renderReport(report: RunReport): string {
  const { header, summary, run } = report;
  const who = `${header.name} on ${header.index.alias}${header.model === null ? '' : `, ${header.model}`}`;
  const notes = [
    summary.failed > 0 ? `${summary.failed} failed: they leave the means; the run says why` : null,
    summary.zeroResults > 0 ? `${summary.zeroResults} without a hit` : null,
    report.unranked > 0 ? `${report.unranked} answered in the engine's order; the run says why` : null,
    report.unjudged > 0 ? `${report.unjudged} without a judgment: no metric counts them` : null,
    report.unknown > 0 ? `${report.unknown} judged documents are not in the index: they count as not found` : null,
    describeExposure(report),
  ].filter((note) => note !== null);
  return [
    `${who}: ${summary.queries} queries`,
    ...renderMetrics(report),
    ...notes.map((note) => `  ${note}`),
    `run written to ${run}`,
    '',
  ].join('\n');
}

function renderMetrics({ asked, summary, legs }: RunReport): string[] {
  const legNames = [...legs.values()].flatMap((recall) => Object.keys(recall?.legs ?? {}).map((name) => `  ${name}`));
  const width = Math.max(...[...asked.map(({ name }) => name), ...legNames].map((name) => name.length));
  const row = (name: string, value: number | null | undefined, note: string): string =>
    `  ${name.padEnd(width)}  ${typeof value === 'number' ? value.toFixed(4) : '–'}${note}`;
  return asked.flatMap((metric) => {
    const condensed = readsGrades(metric) ? summary.metrics[condense(metric).name] : null;
    const note = typeof condensed === 'number' ? `, of the judged hits alone ${condensed.toFixed(4)}` : '';
    const recall = legs.get(metric.name);
    return [
      row(metric.name, summary.metrics[metric.name], `  over ${summary.counted[metric.name] ?? 0} queries${note}`),
      ...Object.entries(recall?.legs ?? {}).map(([name, share]) => row(`  ${name}`, share, '')),
    ];
  });
}

function describeExposure({ exposure }: RunReport): string | null {
  if (exposure?.shares == null) return null;
  const { groups, ungrouped } = exposure.shares;
  const named = Object.entries(groups);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `exposure@${exposure.k} by ${exposure.field}: ${named
      .slice(0, NAMED_GROUPS)
      .map(([group, share]) => `${group} ${percent(share)}`)
      .join(', ')}`,
    named.length > NAMED_GROUPS ? `and ${named.length - NAMED_GROUPS} more` : null,
    ungrouped > 0 ? `none ${percent(ungrouped)}` : null,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

function readsGrades(metric: Metric): metric is QueryMetric {
  return metric.scope === 'query' && metric.reads === 'grades';
}

function cutOf(metric: Metric): { k: number | null; rel: number } {
  return { k: cutoffOf(metric), rel: relevanceOf(metric) };
}
