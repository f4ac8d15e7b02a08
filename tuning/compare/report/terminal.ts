import type { ComparedMetric, Slice } from '../compared-metrics.js';
import type { ChangedQuery } from '../changed-query.js';
import type { RunComparison } from '../run-comparison.js';
import {
  describeConfiguration,
  describeHarm,
  describeJudged,
  describeLegs,
  describeMethod,
  describeOverlap,
  describeVerdict,
  formatDifference,
  formatInterval,
  formatP,
  formatPoints,
  formatShare,
  formatValue,
  verdictWord,
} from './figures.js';

/** Worst queries that a terminal has room for. */
const NAMED_QUERIES = 5;
/** Groups that a terminal has room for. */
const NAMED_GROUPS = 8;
const QUERY_WIDTH = 40;

/** A comparison as plain text. */
export function renderTerminal(comparison: RunComparison): string {
  const { runs, queries, gate } = comparison;
  const [leading] = comparison.metrics;
  const blocks = [
    [
      `A  ${runs.a.name}  (${describeConfiguration(runs.a)}, ${runs.a.index.alias})`,
      `B  ${runs.b.name}  (${describeConfiguration(runs.b)}, ${runs.b.index.alias})`,
      `${queries.count} queries · ${queries.failed.either} failed · zero results A ${queries.zeroResults.a} B ${queries.zeroResults.b}`,
      describeJudged(comparison),
      describeOverlap(comparison),
      ...(comparison.legs === null ? [] : [describeLegs(comparison)]),
    ],
    layOut([
      ['metric', 'A', 'B', 'B − A', '95 % interval', 'p', 'W/T/L', 'harm', 'detects', ''],
      ...comparison.metrics.map((metric) => [...metricCells(metric), formatValue(metric.smallestDetectable), verdictWord(metric)]),
    ]),
    ...(leading ? [[describeVerdict(leading), describeHarm(leading)]] : []),
    ...sliceBlock('by tag', comparison.tags, comparison.tagsLeft),
    ...sliceBlock('by history length', comparison.history, 0),
    ...exposureBlock(comparison),
    ...worstBlock(comparison),
    ...(comparison.warnings.length === 0
      ? []
      : [comparison.warnings.map(({ level, text }) => `${level === 'red' ? 'RED' : 'warning'}: ${text}`)]),
    gate.rules.map(({ rule, passed, detail }) => `${passed ? 'PASS' : 'FAIL'}  ${rule}  ${detail}`),
    [describeMethod(comparison)],
  ];
  return `${blocks.map((lines) => lines.map(disarm).join('\n')).join('\n\n')}\n`;
}

function metricCells(metric: ComparedMetric): string[] {
  return [
    metric.metric,
    formatValue(metric.meanA),
    formatValue(metric.meanB),
    formatDifference(metric.difference),
    formatInterval(metric.interval),
    formatP(metric.p),
    `${metric.wins}/${metric.ties}/${metric.losses}`,
    formatShare(metric.harm),
  ];
}

/** Of the leading metric alone; the reports have all. */
function sliceBlock(title: string, slices: readonly Slice[], left: number): string[][] {
  if (slices.length === 0) return [];
  const rows = slices.map(({ name, queries, metrics: [leading] }) => [
    onOneLine(name),
    String(queries),
    ...(leading ? metricCells(leading).slice(1) : []),
  ]);
  const table = layOut([[title, 'queries', 'A', 'B', 'B − A', '95 % interval', 'p', 'W/T/L', 'harm'], ...rows]);
  return [left === 0 ? table : [...table, `and ${left} rarer tags`]];
}

/** The groups with the most attention. */
function exposureBlock({ exposure }: RunComparison): string[][] {
  if (exposure === null) return [];
  const rows = exposure.groups
    .slice(0, NAMED_GROUPS)
    .map(({ group, a, b }) => [onOneLine(group ?? '(none)'), formatShare(a), formatShare(b), formatPoints(b - a)]);
  const table = layOut([[`exposure@${exposure.k} by ${exposure.field}`, 'A', 'B', 'B − A'], ...rows]);
  return [exposure.groups.length > NAMED_GROUPS ? [...table, `and ${exposure.groups.length - NAMED_GROUPS} more groups`] : table];
}

function worstBlock({ worst, metrics: [leading] }: RunComparison): string[][] {
  if (worst.length === 0 || !leading) return [];
  const rows = worst.slice(0, NAMED_QUERIES).map((change) => {
    const value = change.values[leading.metric];
    return [
      onOneLine(change.query_id),
      describeQuery(change),
      value ? `${formatValue(value.a)} → ${formatValue(value.b)}` : '',
      formatDifference(change.difference),
    ];
  });
  return [layOut([['worst', 'query', leading.metric, 'B − A'], ...rows])];
}

function describeQuery({ query, image }: ChangedQuery): string {
  const text = onOneLine(query ?? (image === null ? '' : `picture ${image}`));
  return text.length > QUERY_WIDTH ? `${text.slice(0, QUERY_WIDTH - 1)}…` : text;
}

/** No control character of a run may steer a terminal. */
function disarm(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '\u{FFFD}');
}

function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ');
}

/** Columns as wide as their widest cell. */
function layOut(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length)))
      .join('  ')
      .trimEnd(),
  );
}
