import type { ChangedQuery, ListedHit } from '../changed-query.js';
import type { ComparedMetric, Slice } from '../compared-metrics.js';
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

/** Changed queries of a comment on a pull request. */
const NAMED_QUERIES = 10;
const LISTED_HITS = 10;
/** Groups whose exposure is shown. */
const NAMED_GROUPS = 20;

/** A comparison for a pull request or a page of documentation. */
export function renderMarkdown(comparison: RunComparison): string {
  const { runs, queries, holes, gate, metrics } = comparison;
  const [leading] = metrics;
  const parts = [
    `# ${escapeMarkdown(runs.a.name)} and ${escapeMarkdown(runs.b.name)}: ${gate.passed ? 'gate passed' : 'gate failed'}`,
    leading ? escapeMarkdown(describeVerdict(leading)) : '',
    table(
      ['', 'A', 'B'],
      [
        ['run', runs.a.name, runs.b.name],
        ['configuration', stampConfiguration(runs.a), stampConfiguration(runs.b)],
        ['index', runs.a.index.concrete.join(', '), runs.b.index.concrete.join(', ')],
        ['model', runs.a.model ?? 'none', runs.b.model ?? 'none'],
        ['failed queries', String(queries.failed.a), String(queries.failed.b)],
        ['zero results', String(queries.zeroResults.a), String(queries.zeroResults.b)],
        [`judged@${holes.k}`, formatShare(holes.judgedA), formatShare(holes.judgedB)],
      ],
    ),
    comparison.warnings.map(({ level, text }) => `> **${level === 'red' ? 'Red' : 'Warning'}**: ${escapeMarkdown(text)}`).join('\n>\n'),
    table(
      ['metric', 'A', 'B', 'B − A', '95 % interval', 'p', 'wins/ties/losses', 'harm', 'smallest detectable', 'verdict'],
      metrics.map((metric) => [metric.metric, ...figuresOf(metric), formatValue(metric.smallestDetectable), verdictWord(metric)]),
    ),
    leading ? escapeMarkdown(`${describeHarm(leading)}.`) : '',
    [describeOverlap(comparison), describeJudged(comparison), ...(comparison.legs === null ? [] : [describeLegs(comparison)])]
      .map((line) => `- ${escapeMarkdown(line)}`)
      .join('\n'),
    '## Gate',
    table(
      ['rule', '', 'measured'],
      gate.rules.map(({ rule, passed, detail }) => [rule, passed ? 'pass' : '**fail**', detail]),
    ),
    ...sliceParts('By tag', comparison.tags),
    ...(comparison.tagsLeft === 0 ? [] : [`And ${comparison.tagsLeft} rarer tags.`]),
    ...sliceParts('By history length', comparison.history),
    ...exposureParts(comparison),
    ...(comparison.worst.length === 0 || !leading
      ? []
      : ['## Worst regressions', ...comparison.worst.slice(0, NAMED_QUERIES).map((change) => renderChange(change, leading.metric))]),
    describeMethod(comparison),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function stampConfiguration(run: RunComparison['runs']['a']): string {
  return `${describeConfiguration(run)} (${run.configuration.sha256.slice(0, 8)})`;
}

function figuresOf(metric: ComparedMetric): string[] {
  return [
    formatValue(metric.meanA),
    formatValue(metric.meanB),
    formatDifference(metric.difference),
    formatInterval(metric.interval),
    formatP(metric.p),
    `${metric.wins}/${metric.ties}/${metric.losses}`,
    formatShare(metric.harm),
  ];
}

function sliceParts(title: string, slices: readonly Slice[]): string[] {
  if (slices.length === 0) return [];
  const rows = slices.flatMap(({ name, queries, metrics }) =>
    metrics.map((metric, place) => [place === 0 ? name : '', place === 0 ? String(queries) : '', metric.metric, ...figuresOf(metric)]),
  );
  return [`## ${title}`, table(['', 'queries', 'metric', 'A', 'B', 'B − A', '95 % interval', 'p', 'wins/ties/losses', 'harm'], rows)];
}

function exposureParts({ exposure }: RunComparison): string[] {
  if (exposure === null) return [];
  const rows = exposure.groups
    .slice(0, NAMED_GROUPS)
    .map(({ group, a, b }) => [group ?? '(none)', formatShare(a), formatShare(b), formatPoints(b - a)]);
  const more = exposure.groups.length - NAMED_GROUPS;
  return [
    `## Exposure by ${escapeMarkdown(exposure.field)}`,
    table([`of the first ${exposure.k}`, 'A', 'B', 'B − A, points'], rows),
    ...(more > 0 ? [`And ${more} more groups.`] : []),
  ];
}

function renderChange(change: ChangedQuery, metric: string): string {
  const value = change.values[metric];
  const asked = change.query ?? (change.image === null ? 'no text' : `picture ${change.image}`);
  const rows = Array.from({ length: Math.min(LISTED_HITS, Math.max(change.a.length, change.b.length)) }, (_, place) => [
    String(place + 1),
    describeHit(change.a[place]),
    describeHit(change.b[place]),
  ]);
  const values = value ? ` ${formatValue(value.a)} → ${formatValue(value.b)}` : '';
  return `### ${escapeMarkdown(asked)} (${escapeMarkdown(change.query_id)})\n\n${metric}${values}, ${formatDifference(change.difference)}\n\n${table(['', 'A', 'B'], rows)}`;
}

/** Id, title, its grade, and where it stands in the other list. */
function describeHit(hit: ListedHit | undefined): string {
  if (!hit) return '';
  const place = hit.otherRank === null ? 'only here' : hit.otherRank === hit.rank ? '' : `there ${hit.otherRank}`;
  return [hit.title === undefined ? hit.id : `${hit.title} (${hit.id})`, `grade ${hit.grade ?? '?'}`, place]
    .filter((part) => part !== '')
    .join(' · ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => (cell === '**fail**' ? cell : escapeMarkdown(cell))).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Text that stays text, on one line and in one cell: no markup, no HTML, no mention, no address made a link. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').replace(/[&<>]|[\\`*_{}[\]#|~!]|(?<!\w)@|:\/\//g, (found) => {
    if (found === '@') return '@\u2060'; // a word joiner: no user is called
    if (found === '://') return ':&#47;&#47;';
    return /[&<>]/.test(found) ? `&#${found.charCodeAt(0)};` : `\\${found}`;
  });
}
