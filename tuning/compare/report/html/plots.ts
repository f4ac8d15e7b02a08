import { columnOf } from '../../measured-pairs.js';
import type { RunComparison } from '../../run-comparison.js';
import { formatDifference, formatValue } from '../figures.js';
import { html, Markup } from './markup.js';

const SCATTER = { size: 380, left: 46, bottom: 40, top: 10, right: 18, cells: 95 } as const;
const SORTED = { width: 620, height: 380, left: 58, bottom: 40, top: 10, right: 10 } as const;
const INTERVAL = { width: 120, height: 18 } as const;
/** Quarters of the axis. */
const TICKS = [0, 0.25, 0.5, 0.75, 1] as const;

interface Cell {
  readonly x: number;
  readonly y: number;
  count: number;
  id: string;
  /** Sum of b − a, for the colour. */
  difference: number;
}

/**
 * A against B, a dot for the queries at one place: the more, the larger. Above the diagonal B is ahead. Places are
 * 1/95 of the axis, so that ten thousand queries draw as fast as a hundred.
 */
export function renderScatter(comparison: RunComparison, metric: string, anchors: ReadonlyMap<string, string>): Markup {
  const place = comparison.pairs.metrics.indexOf(metric);
  const { a, b } = columnOf(comparison.pairs, metric);
  const top = Math.max(1, maximum(a), maximum(b));
  const cells = new Map<string, Cell>();
  for (const { id, values } of comparison.pairs.queries) {
    const value = values[place];
    if (!value) continue;
    const [x, y] = [Math.round((value.a / top) * SCATTER.cells), Math.round((value.b / top) * SCATTER.cells)];
    const cell = cells.get(`${x},${y}`) ?? { x, y, count: 0, id, difference: 0 };
    cell.count += 1;
    cell.difference += value.b - value.a;
    if (anchors.has(id)) cell.id = id;
    cells.set(`${x},${y}`, cell);
  }
  const largest = Math.max(1, ...[...cells.values()].map(({ count }) => count));
  const { size, left, top: upper } = SCATTER;
  const at = (share: number): number => Math.round(share * size * 10) / 10;
  const dots = [...cells.values()].map((cell) => {
    const radius = 2.5 + 9 * Math.sqrt((cell.count - 1) / Math.max(40, largest));
    const kind = Math.abs(cell.difference) < 1e-9 ? 'same' : cell.difference > 0 ? 'up' : 'down';
    const what = cell.count === 1 ? cell.id : `${cell.count} queries`;
    const where = `A ${formatValue((cell.x / SCATTER.cells) * top, 2)}, B ${formatValue((cell.y / SCATTER.cells) * top, 2)}`;
    const dot = html`<circle
      class="${kind}"
      cx="${left + at(cell.x / SCATTER.cells)}"
      cy="${upper + size - at(cell.y / SCATTER.cells)}"
      r="${radius.toFixed(1)}"
      ><title>${what}: ${where}</title></circle
    >`;
    const anchor = anchors.get(cell.id);
    return anchor === undefined ? dot : html`<a href="#${anchor}" tabindex="-1">${dot}</a>`;
  });
  const ticks = TICKS.map((share) => {
    const [x, y] = [left + at(share), upper + size - at(share)];
    return html`<path class="grid" d="M${x} ${upper}V${upper + size}M${left} ${y}H${left + size}" /><text
        x="${x}"
        y="${upper + size + 16}"
        text-anchor="middle"
        >${formatValue(share * top, 2)}</text
      ><text x="${left - 6}" y="${y + 4}" text-anchor="end">${formatValue(share * top, 2)}</text>`;
  });
  const [width, height] = [left + size + SCATTER.right, upper + size + SCATTER.bottom];
  return html`<svg
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-label="${metric} of each query, A across and B up; above the diagonal B is ahead"
  >
    ${ticks}
    <path class="axis" d="M${left} ${upper + size}L${left + size} ${upper}" />
    ${dots}
    <text x="${left + size / 2}" y="${height - 6}" text-anchor="middle">A</text>
    <text x="16" y="${upper + size * 0.375}">B</text>
  </svg>`;
}

/** Every query's difference, from the largest loss to the largest gain. */
export function renderSortedDifferences(comparison: RunComparison, metric: string): Markup {
  const differences = columnOf(comparison.pairs, metric).differences.sort((one, other) => one - other);
  const { width, height, left, top } = SORTED;
  const reach = Math.max(0.01, maximum(differences.map(Math.abs)));
  const middle = top + height / 2;
  const heightOf = (difference: number): number => Math.round((difference / reach) * (height / 2) * 10) / 10;
  const columns = Math.min(width, differences.length);
  const paths = { down: '', up: '' };
  for (let column = 0; column < columns; column += 1) {
    const difference = differences[Math.floor(((column + 0.5) / columns) * differences.length)] ?? 0;
    const bar = heightOf(difference);
    if (bar === 0) continue;
    const [from, to] = [left + (column / columns) * width, left + ((column + 1) / columns) * width];
    paths[bar < 0 ? 'down' : 'up'] += `M${from.toFixed(1)} ${middle}V${(middle - bar).toFixed(1)}H${to.toFixed(1)}V${middle}Z`;
  }
  const ticks = [1, 0.5, 0, -0.5, -1].map((share) => {
    const y = middle - heightOf(share * reach);
    return html`<path class="${share === 0 ? 'axis' : 'grid'}" d="M${left} ${y}H${left + width}" /><text
        x="${left - 6}"
        y="${y + 4}"
        text-anchor="end"
        >${formatDifference(share * reach, 2)}</text
      >`;
  });
  const [fullWidth, fullHeight] = [left + width + SORTED.right, top + height + SORTED.bottom];
  return html`<svg
    viewBox="0 0 ${fullWidth} ${fullHeight}"
    width="${fullWidth}"
    height="${fullHeight}"
    role="img"
    aria-label="differences of ${metric}, sorted"
  >
    ${ticks}
    <path class="down" d="${paths.down}" />
    <path class="up" d="${paths.up}" />
    <text x="${left + width / 2}" y="${fullHeight - 6}" text-anchor="middle">
      ${differences.length} queries, from the largest loss to the largest gain
    </text>
  </svg>`;
}

/** An interval as a bar with its mean, on a scale of −reach to reach that its whole table shares. */
export function renderInterval(figures: { difference: number; interval: readonly [number, number] }, reach: number): Markup {
  const { difference, interval } = figures;
  if (!Number.isFinite(difference) || !Number.isFinite(interval[0])) return new Markup('');
  const { width, height } = INTERVAL;
  const at = (value: number): string => (width / 2 + (value / reach) * (width / 2 - 4)).toFixed(1);
  const kind = interval[0] > 0 ? 'up' : interval[1] < 0 ? 'down' : 'same';
  const middle = height / 2;
  return html`<svg class="interval" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true">
    <path class="axis" d="M${width / 2} 0V${height}" />
    <path class="bar ${kind}" d="M${at(interval[0])} ${middle}H${at(interval[1])}" />
    <circle class="${kind}" cx="${at(difference)}" cy="${middle}" r="3.5" />
  </svg>`;
}

function maximum(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
