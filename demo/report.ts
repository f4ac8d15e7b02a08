import type { Timings } from './figures/measurement.js';
import type { Shopper } from './shoppers.js';
import type { ShopEntry } from './shop.js';
import type { ArmResult, Catalogue } from './figures/taste-share.js';
import { type Taste, hasTaste, nameTaste } from './taste.js';

/** One order of products, to be printed as a column. */
export interface Column {
  heading: string;
  ids: readonly string[];
  /** Products with this taste are marked; null marks none. */
  taste: Taste | null;
  /** The order that moves are counted from; null prints none. */
  from: readonly string[] | null;
}

const ROWS = 10;

/** Paints for a terminal; plain text elsewhere. */
export interface Ink {
  bold(text: string): string;
  quiet(text: string): string;
  good(text: string): string;
}

const escape = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const same = (text: string): string => text;

/** Colour only on a terminal that has not declined it (no-color.org). */
export function chooseInk(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Ink {
  if (!stream.isTTY || env.NO_COLOR !== undefined) return { bold: same, quiet: same, good: same };
  return { bold: escape('1'), quiet: escape('2'), good: escape('32') };
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** `▲3`, `▼2`, `=`, `new`: places since the other order. */
function nameMove(id: string, place: number, from: readonly string[]): string {
  const was = from.indexOf(id);
  if (was < 0) return 'new';
  if (was === place) return '=';
  return was > place ? `▲${was - place}` : `▼${place - was}`;
}

const describeLook = ({ latent }: ShopEntry): string => `${latent.colour} ${latent.pattern}`;

function printCell(column: Column, place: number, options: { catalogue: Catalogue; width: number; ink: Ink }): string {
  const { catalogue, width, ink } = options;
  const id = column.ids[place];
  const entry = id === undefined ? undefined : catalogue.get(id);
  if (id === undefined || entry === undefined) return ' '.repeat(width);
  const move = column.from === null ? '' : `${nameMove(id, place, column.from).padStart(4)} `;
  const isLiked = column.taste !== null && hasTaste(entry.latent, column.taste);
  const mark = column.taste === null ? '' : isLiked ? '● ' : '  ';
  const look = describeLook(entry);
  const room = width - move.length - mark.length;
  const title = fit(entry.product.title, room - look.length - 1);
  const text = `${move}${mark}${title} ${look}`;
  return isLiked ? ink.good(text) : text;
}

/** Orders side by side, ten products each: moves, a dot for the shopper's taste, title, and how the product looks. */
export function printOrders(columns: readonly Column[], options: { catalogue: Catalogue; width: number; ink: Ink }): string {
  const { ink } = options;
  const width = Math.max(34, Math.floor((options.width - 3 - 3 * columns.length) / columns.length));
  const line = (cells: readonly string[], number: string): string => `${number.padStart(2)} │ ${cells.join(' │ ')}`.trimEnd();
  const heads = columns.map((column) => ink.bold(fit(column.heading, width)));
  const rule = `───${columns.map(() => `┼${'─'.repeat(width + 2)}`).join('')}`;
  const rows = Array.from({ length: ROWS }, (_, place) =>
    line(
      columns.map((column) => printCell(column, place, { ...options, width })),
      String(place + 1),
    ),
  );
  return [line(heads, ''), rule, ...rows].join('\n');
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const points = (share: number): string => `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(1)}`;

/** One line of figures for an arm. */
export function printShare(name: string, { engine, ranked, interval }: ArmResult | ArmResult['untitled']): string {
  return `${name.padEnd(34)} ${percent(engine).padStart(7)} → ${percent(ranked).padStart(7)}   ${points(ranked - engine).padStart(6)} points [${points(interval[0])}, ${points(interval[1])}]`;
}

export function printStages(stages: ReadonlyMap<string, number>): string {
  return [...stages].map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(' · ');
}

export function printTimings(timings: Timings): string {
  const { direct_p50, through_p50, ours_p50, ours_p99 } = timings;
  return `a search: ${direct_p50} ms straight to OpenSearch, ${through_p50} ms through fuserank (medians); fuserank's own share ${ours_p50} ms, 99th percentile ${ours_p99} ms`;
}

export function introduce(shopper: Shopper): string {
  return `${shopper.user.charAt(0).toUpperCase()}${shopper.user.slice(1)} (likes ${nameTaste(shopper.taste)})`;
}
