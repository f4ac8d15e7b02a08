/** A plot as an SVG of its own: no script, no font, legible on a light and on a dark page. */
export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** From the left, or from below. */
export interface Axis {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** Powers of ten lie equally far apart; both ends must be above 0. */
  readonly logarithmic?: boolean;
}

export interface Series {
  readonly name: string;
  readonly points: readonly PlotPoint[];
  /** Join the points in their order. */
  readonly joined: boolean;
  /** A line to compare with: dashed, without marks. Last of all, so that it takes nobody's colour. */
  readonly guide?: boolean;
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** A vertical bar from and to. */
  readonly interval?: readonly [number, number];
  /** Written beside the point. */
  readonly label?: string;
}

const [WIDTH, HEIGHT] = [760, 420];
const FRAME = { left: 64, right: 24, top: 44, bottom: 88 };
const LEGEND_LINE = 18;
const LEGEND_COLUMNS = 2;
const LABEL_HEIGHT = 13;
/** How far a label may be from its point, the nearest first. */
const MOVES = Array.from({ length: 80 }, (_, step) => (step % 2 === 0 ? 1 : -1) * 2 * Math.ceil(step / 2));
/** Told apart by shape as well as by colour; the colours are of Okabe and Ito (2008), chosen to be told apart by colour-blind readers. */
const LOOKS = [
  { colour: '#0072b2', shape: 'circle' },
  { colour: '#d55e00', shape: 'square' },
  { colour: '#009e73', shape: 'triangle' },
  { colour: '#cc79a7', shape: 'diamond' },
  { colour: '#e69f00', shape: 'circle' },
  { colour: '#56b4e9', shape: 'square' },
] as const;
type Look = (typeof LOOKS)[number];

/** Where a value lies on an axis, 0–1 from low to high; outside of it values lie outside. */
export function placeOn({ low, high, logarithmic = false }: Axis, value: number): number {
  const scaled = logarithmic ? Math.log10 : (number: number): number => number;
  return (scaled(value) - scaled(low)) / (scaled(high) - scaled(low));
}

/** Round steps that cover the values, from 0 where they are near it: at most six ticks. */
export function fitAxis(name: string, values: readonly number[], { digits = 2 }: { digits?: number } = {}): Axis {
  const top = Math.max(...values);
  const bottom = Math.min(...values);
  const low = bottom > 0 && bottom < 0.25 * top ? 0 : bottom;
  const rough = (top - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * (1 - 1e-9)) ?? rough;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(top / step - 1e-9)];
  const ticks = Array.from({ length: last - first + 1 }, (_, place) => {
    const value = (first + place) * step;
    return { value, text: value === 0 ? '0' : value.toFixed(digits).replace(/^(-?)0\./, '$1.') };
  });
  return { name, low: first * step, high: last * step, ticks };
}

/** @returns SVG text */
export function drawPlot(plot: Plot): string {
  const { title, x, y, series } = plot;
  const across = (value: number): number => FRAME.left + placeOn(x, value) * (WIDTH - FRAME.left - FRAME.right);
  const up = (value: number): number => HEIGHT - FRAME.bottom - placeOn(y, value) * (HEIGHT - FRAME.top - FRAME.bottom);
  const rows = Math.ceil(series.length / LEGEND_COLUMNS);
  const height = HEIGHT + Math.max(0, rows - 1) * LEGEND_LINE;
  const floor = HEIGHT - FRAME.bottom;
  const parts = [
    `<text class="title" x="${FRAME.left}" y="24">${escape(title)}</text>`,
    ...y.ticks.map(
      ({ value, text }) =>
        `<line class="grid" x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${at(up(value))}" y2="${at(up(value))}"/>` +
        `<text x="${FRAME.left - 8}" y="${at(up(value) + 4)}" text-anchor="end">${escape(text)}</text>`,
    ),
    ...x.ticks.map(
      ({ value, text }) =>
        `<line class="tick" x1="${at(across(value))}" x2="${at(across(value))}" y1="${floor}" y2="${floor + 5}"/>` +
        `<text x="${at(across(value))}" y="${floor + 20}" text-anchor="middle">${escape(text)}</text>`,
    ),
    `<text x="${(FRAME.left + WIDTH - FRAME.right) / 2}" y="${floor + 40}" text-anchor="middle">${escape(x.name)}</text>`,
    `<text x="${FRAME.left}" y="38" class="axis">${escape(y.name)}</text>`,
    ...series.map(({ points, joined, guide = false }, place) => drawSeries(points, { joined, guide, look: lookOf(place), across, up })),
    ...drawLabels(series, { across, up }),
    ...series.map(({ name, guide = false }, place) => {
      const left = FRAME.left + (place % LEGEND_COLUMNS) * 340;
      const top = floor + 62 + Math.floor(place / LEGEND_COLUMNS) * LEGEND_LINE;
      const sign = guide
        ? `<line class="guide" x1="${left - 2}" x2="${left + 14}" y1="${top - 4}" y2="${top - 4}"/>`
        : drawMark(left + 6, top - 4, lookOf(place));
      return `${sign}<text x="${left + 18}" y="${top}">${escape(name)}</text>`;
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">\n${STYLE}\n${parts.join('\n')}\n</svg>\n`;
}

const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 15px; }
.axis { font-size: 12px; }
.grid { stroke: #8c959f; stroke-opacity: .35; }
.tick { stroke: #8c959f; }
.line { fill: none; stroke-width: 2; }
.guide { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }
</style>`;

interface Drawing {
  readonly across: (value: number) => number;
  readonly up: (value: number) => number;
}

type Style = Required<Pick<Series, 'joined' | 'guide'>> & { readonly look: Look };

function drawSeries(points: readonly PlotPoint[], { joined, guide, look, across, up }: Drawing & Style): string {
  const line = points.map((point) => `${at(across(point.x))},${at(up(point.y))}`).join(' ');
  if (guide) return `<polyline class="guide" points="${line}"/>`;
  return [
    ...(joined ? [`<polyline class="line" stroke="${look.colour}" points="${line}"/>`] : []),
    ...points.map((point) => {
      const [left, top] = [across(point.x), up(point.y)];
      const bar = point.interval
        ? `<line stroke="${look.colour}" stroke-width="1.5" x1="${at(left)}" x2="${at(left)}" y1="${at(up(point.interval[0]))}" y2="${at(up(point.interval[1]))}"/>`
        : '';
      return `${bar}${drawMark(left, top, look)}`;
    }),
  ].join('\n');
}

/** Labels beside their points, moved up or down where they would lie on each other or on a mark. */
function drawLabels(series: readonly Series[], { across, up }: Drawing): string[] {
  const labels = series.flatMap(({ points }) =>
    points.flatMap(({ x, y, label }) => (label === undefined ? [] : [{ label, left: across(x), top: up(y) + 4 }])),
  );
  const set = series.flatMap(({ points }) => points.map(({ x, y }) => ({ left: across(x) - 6, top: up(y) + 4, width: 12 })));
  return labels
    .sort((one, other) => one.top - other.top)
    .map(({ label, left, top }) => {
      const width = label.length * 6.6;
      const fits = left + 10 + width < WIDTH;
      const start = fits ? left + 10 : left - 10 - width;
      const isFree = (at: number): boolean =>
        set.every((other) => start >= other.left + other.width || other.left >= start + width || Math.abs(other.top - at) >= LABEL_HEIGHT);
      const moved = MOVES.map((move) => top + move).find(isFree) ?? top;
      set.push({ left: start, top: moved, width });
      return `<text class="axis" x="${at(fits ? left + 10 : left - 10)}" y="${at(moved)}"${fits ? '' : ' text-anchor="end"'}>${escape(label)}</text>`;
    });
}

function drawMark(left: number, top: number, { colour, shape }: Look): string {
  const points: Record<Exclude<Look['shape'], 'circle' | 'square'>, readonly [number, number][]> = {
    triangle: [
      [0, -6],
      [5.5, 4],
      [-5.5, 4],
    ],
    diamond: [
      [0, -6],
      [6, 0],
      [0, 6],
      [-6, 0],
    ],
  };
  if (shape === 'circle') return `<circle fill="${colour}" cx="${at(left)}" cy="${at(top)}" r="4.5"/>`;
  if (shape === 'square') return `<rect fill="${colour}" x="${at(left - 4.5)}" y="${at(top - 4.5)}" width="9" height="9"/>`;
  return `<polygon fill="${colour}" points="${points[shape].map(([x, y]) => `${at(left + x)},${at(top + y)}`).join(' ')}"/>`;
}

function lookOf(place: number): Look {
  return LOOKS[place % LOOKS.length] ?? LOOKS[0];
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
