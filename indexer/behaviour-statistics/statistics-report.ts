import { describeCount } from '../report/quantity.js';
import type { Uncounted } from './slice-tally.js';

/** What a run did; times are ISO 8601, durations seconds. */
export interface StatisticsReport {
  alias: string;
  /** `published`: the alias stands for a new version; `waiting`: other slices are not counted yet; `elsewhere`: another run merges them just now. */
  outcome: 'published' | 'waiting' | 'elsewhere';
  index: string | null;
  /** The version before, which is kept. */
  previous: string | null;
  /** Slices that are missing, and how far they are. */
  waiting_for: string[];
  catalogue: { alias: string; products: number };
  events_index: string;
  since: string | null;
  until: string;
  /** `i/n`. */
  slice: string;
  mode: 'full' | 'incremental';
  /** Until when events were counted before; null when counted anew. */
  counted_from: string | null;
  /** Why they were counted anew though they had been counted; null otherwise. */
  why_full: string | null;
  /** In this run: shoppers with events since, and those events. */
  read: { events: number; shoppers: number };
  /** What this run added: events that count, shoppers not known before. */
  added: { events: number; shoppers: number };
  /** Events of this run's time that do not count; `without_time` is of the whole index. */
  not_counted: {
    unknown_products: Uncounted;
    unknown_actions: Uncounted;
    without_product: number;
    without_shopper: number;
    without_time: number;
  };
  /** All slices and runs together; null unless published, like the two below. */
  counted: { events: number; users: number; items: number; pairs: number } | null;
  /** Pairs of products that met in anybody's history, and those that met in enough. */
  pairs: { seen: number; kept: number } | null;
  items: { documents: number; with_counters: number; with_factor: number } | null;
  min_users_per_pair: number;
  seconds: { counting: number; merging: number; total: number };
}

/** Figures of a run so far. */
export interface StatisticsProgress {
  events: number;
  shoppers: number;
  pairs: number;
  seconds: number;
}

export function describeStatisticsProgress({ events, shoppers, pairs, seconds }: StatisticsProgress): string {
  return `${describeCount(events, 'event')} of ${describeCount(shoppers, 'shopper')} · ${describeCount(pairs, 'pair')} · ${seconds.toFixed(0)} s`;
}

/** The report for a person. */
export function renderStatisticsReport(report: StatisticsReport): string {
  const { read, added, not_counted, pairs, items, counted, seconds } = report;
  const rows: [label: string, value: string][] = [
    ['outcome', describeOutcome(report)],
    ['counted', describeStretch(report)],
    ['events', `${read.events} read of ${describeCount(read.shoppers, 'shopper')}, ${added.events} counted`],
  ];
  const uncounted = (label: string, { events, examples }: Uncounted): void => {
    if (events > 0)
      rows.push(['not counted', `${describeCount(events, 'event')} ${label}: ${examples.join(', ')}${examples.length < 5 ? '' : ' …'}`]);
  };
  uncounted(`of products that "${report.catalogue.alias}" does not hold`, not_counted.unknown_products);
  uncounted('with actions that are not known', not_counted.unknown_actions);
  if (not_counted.without_product > 0)
    rows.push(['not counted', `${describeCount(not_counted.without_product, 'event')} without a product`]);
  if (not_counted.without_shopper > 0)
    rows.push(['not counted', `${describeCount(not_counted.without_shopper, 'event')} without user_id, client_id and session_id`]);
  if (not_counted.without_time > 0)
    rows.push(['not counted', `${describeCount(not_counted.without_time, 'event')} without a timestamp that can be read`]);
  if (counted && pairs && items) {
    rows.push(
      ['in all', `${describeCount(counted.events, 'event')} of ${describeCount(counted.users, 'shopper')}`],
      [
        'products',
        `${items.documents} of ${report.catalogue.products} described, ${items.with_counters} with counters, ${items.with_factor} with factors`,
      ],
      ['pairs', `${pairs.kept} kept of ${pairs.seen}: those that ${describeCount(report.min_users_per_pair, 'shopper')} or more share`],
    );
  }
  rows.push(['time', `${seconds.total.toFixed(1)} s: counting ${seconds.counting.toFixed(1)} s, merging ${seconds.merging.toFixed(1)} s`]);
  const width = Math.max(...rows.map(([label]) => label.length));
  return `${rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join('\n')}\n`;
}

function describeOutcome({ outcome, alias, index, previous, slice, waiting_for }: StatisticsReport): string {
  switch (outcome) {
    case 'published':
      return `${alias} stands for ${index}${previous === null ? '' : `, ${previous} is kept`}`;
    case 'waiting':
      return `slice ${slice} is counted; ${alias} stays as it was until these are too: ${waiting_for.join(', ')}`;
    case 'elsewhere':
      return `slice ${slice} is counted; another run merges all slices just now`;
  }
}

function describeStretch({ mode, since, until, counted_from, why_full }: StatisticsReport): string {
  if (mode === 'incremental') return `what came from ${counted_from} until ${until}`;
  return `all${since === null ? '' : ` since ${since}`} until ${until}${why_full === null ? '' : ` (anew: ${why_full})`}`;
}
