import type { ComparedMetric, Slice } from '../../compared-metrics.js';
import type { RunComparison } from '../../run-comparison.js';
import {
  describeConfiguration,
  formatDifference,
  formatInterval,
  formatP,
  formatPoints,
  formatShare,
  formatValue,
  verdictWord,
} from '../figures.js';
import { html, type Markup } from './markup.js';
import { renderInterval } from './plots.js';

/** Groups whose exposure is shown. */
const NAMED_GROUPS = 12;

/** A table of one head row. */
function tableOf(heads: Markup, rows: readonly Markup[], { kind = '' } = {}): Markup {
  return html`<table class="${kind}">
    <thead>
      <tr>
        ${heads}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

/** A table that is wider than a narrow window, reachable by keyboard. */
function scrolling(label: string, table: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;
}

export function renderMetrics(metrics: readonly ComparedMetric[]): Markup {
  const reach = reachOf(metrics);
  const rows = metrics.map(
    (metric) =>
      html`<tr>
        <th scope="row">${metric.metric}</th>
        ${figureCells(metric, reach)}
        <td class="text ${verdictClass(metric)}">${verdictWord(metric)}</td>
        <td>${metric.pairs}</td>
        <td>${formatValue(metric.smallestDetectable)}</td>
      </tr>`,
  );
  const heads = html`<th scope="col">metric</th>
    ${FIGURE_HEADS}
    <th scope="col" class="text">verdict</th>
    <th scope="col">queries</th>
    <th scope="col" title="the smallest true difference that this many queries show four times of five">detectable</th>`;
  return scrolling('metrics', tableOf(heads, rows));
}

/** The leading metric of each slice; the others to be opened. */
export function renderSlices(title: string, slices: readonly Slice[]): Markup {
  const metrics = slices[0]?.metrics.map(({ metric }) => metric) ?? [];
  return html`${metrics.map((metric, place) => {
    const table = renderSliceTable(title, slices, place);
    return place === 0
      ? html`<h3>${metric}</h3>
          ${table}`
      : html`<details>
          <summary>${metric}</summary>
          ${table}
        </details>`;
  })}`;
}

function renderSliceTable(title: string, slices: readonly Slice[], place: number): Markup {
  const reach = reachOf(slices.flatMap(({ metrics }) => metrics[place] ?? []));
  const rows = slices.map(({ name, queries, metrics }) => {
    const metric = metrics[place];
    return html`<tr>
      <th scope="row">${name}</th>
      ${metric ? figureCells(metric, reach) : ''}
      <td>${queries}</td>
    </tr>`;
  });
  const heads = html`<th scope="col">${title}</th>
    ${FIGURE_HEADS}
    <th scope="col">queries</th>`;
  return scrolling(title, tableOf(heads, rows));
}

const FIGURE_HEADS = html`<th scope="col">A</th>
  <th scope="col">B</th>
  <th scope="col">B − A</th>
  <th scope="col" colspan="2">95 % interval</th>
  <th scope="col">p</th>
  <th scope="col" title="wins, ties, losses of B">W / T / L</th>
  <th scope="col" title="share of the queries on which B is more than .05 below A">harm</th>`;

function figureCells(metric: ComparedMetric, reach: number): Markup {
  return html`<td>${formatValue(metric.meanA)}</td>
    <td>${formatValue(metric.meanB)}</td>
    <td>${formatDifference(metric.difference)}</td>
    <td>${renderInterval(metric, reach)}</td>
    <td>${formatInterval(metric.interval)}</td>
    <td>${formatP(metric.p)}</td>
    <td>${metric.wins} / ${metric.ties} / ${metric.losses}</td>
    <td>${formatShare(metric.harm)}</td>`;
}

/** What the retrievers found, by leg: whether ranking could have won. */
export function renderLegs({ metric, a, b }: NonNullable<RunComparison['legs']>): Markup {
  const names = [...new Set([...Object.keys(a.legs), ...Object.keys(b.legs)])];
  const found = [...names.map((name) => ({ name, a: a.legs[name], b: b.legs[name] })), { name: 'fused', a: a.fused, b: b.fused }];
  const heads = html`<th scope="col">${metric}</th>
    <th scope="col">A</th>
    <th scope="col">B</th>
    <th scope="col">B − A</th>`;
  const rows = found.map(
    ({ name, a: before = Number.NaN, b: after = Number.NaN }) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td>${formatValue(before)}</td>
        <td>${formatValue(after)}</td>
        <td>${formatDifference(after - before)}</td>
      </tr>`,
  );
  return tableOf(heads, rows);
}

/** Attention by group, side by side. */
export function renderExposure({ k, field, groups }: NonNullable<RunComparison['exposure']>): Markup {
  const more = groups.length - NAMED_GROUPS;
  const heads = html`<th scope="col">${field}, first ${k}</th>
    <th scope="col">A</th>
    <th scope="col">B</th>
    <th scope="col">B − A, points</th>`;
  const rows = groups.slice(0, NAMED_GROUPS).map(
    ({ group, a, b }) =>
      html`<tr>
        <th scope="row">${group ?? html`<span class="quiet">none</span>`}</th>
        <td>${formatShare(a)}</td>
        <td>${formatShare(b)}</td>
        <td>${formatPoints(b - a)}</td>
      </tr>`,
  );
  return html`${tableOf(heads, rows)} ${more > 0 ? html`<p class="quiet">And ${more} more groups.</p>` : ''}`;
}

export function renderGate({ gate }: RunComparison): Markup {
  const heads = html`<th scope="col"></th>
    <th scope="col" class="text">fails if</th>
    <th scope="col" class="text">measured</th>`;
  const rows = gate.rules.map(
    ({ rule, passed, detail }) =>
      html`<tr>
        <td class="${passed ? 'up' : 'down'}">${passed ? 'pass' : 'FAIL'}</td>
        <th scope="row"><code>${rule}</code></th>
        <td class="text">${detail}</td>
      </tr>`,
  );
  return tableOf(heads, rows);
}

export function renderRuns({ runs, queries, holes, condensed }: RunComparison): Markup {
  const rows: [string, string, string][] = [
    ['configuration', stampConfiguration(runs.a), stampConfiguration(runs.b)],
    ['index', describeIndex(runs.a), describeIndex(runs.b)],
    ['model', runs.a.model ?? 'none', runs.b.model ?? 'none'],
    ['made', describeMaking(runs.a), describeMaking(runs.b)],
    ['hits a query', String(runs.a.depth), String(runs.b.depth)],
    ['failed', String(queries.failed.a), String(queries.failed.b)],
    ['zero results', String(queries.zeroResults.a), String(queries.zeroResults.b)],
    [`judged@${holes.k}`, formatShare(holes.judgedA), formatShare(holes.judgedB)],
    ...(condensed === null
      ? []
      : [[condensed.metric, formatValue(condensed.a), formatValue(condensed.b)] satisfies [string, string, string]]),
  ];
  const heads = html`<th scope="col"></th>
    <th scope="col">A · ${runs.a.name}</th>
    <th scope="col">B · ${runs.b.name}</th>`;
  const told = rows.map(
    ([what, a, b]) =>
      html`<tr>
        <th scope="row">${what}</th>
        <td class="text">${a}</td>
        <td class="text${a === b ? '' : ' other'}">${b}</td>
      </tr>`,
  );
  return scrolling('the two runs', tableOf(heads, told, { kind: 'runs' }));
}

function stampConfiguration(run: RunComparison['runs']['a']): string {
  return `${describeConfiguration(run)} · ${run.configuration.sha256.slice(0, 8)}`;
}

function describeIndex({ index }: RunComparison['runs']['a']): string {
  return `${index.alias} → ${index.concrete.join(', ')}`;
}

function describeMaking({ created, versions }: RunComparison['runs']['a']): string {
  return `${created} · fuserank ${versions.fuserank}, OpenSearch ${versions.opensearch}`;
}

/** Colour of a verdict. */
export function verdictClass(metric: ComparedMetric): string {
  if (!metric.quality || metric.verdict === 'not resolved') return 'quiet';
  return metric.verdict === 'better' ? 'up' : 'down';
}

/** The farthest end of any interval, so that the bars of a table can be read against each other. */
function reachOf(metrics: readonly ComparedMetric[]): number {
  return metrics
    .flatMap(({ interval }) => interval)
    .reduce((most, end) => (Number.isFinite(end) ? Math.max(most, Math.abs(end)) : most), 1e-6);
}
