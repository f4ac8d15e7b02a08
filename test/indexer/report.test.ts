import { describe, expect, it } from 'vitest';
import type { IndexReport, ListedReject } from '../../indexer/index.js';
import { describeIndexProgress, showProgress } from '../../indexer/report/progress-line.js';
import { renderReport } from '../../indexer/report/report-table.js';

const reject = (line: number, indexed: boolean): ListedReject => ({ input: 'shop.csv', line, id: null, reason: 'why', indexed });

const report: IndexReport = {
  alias: 'shop',
  index: 'shop-v1',
  previous: null,
  outcome: 'built',
  live: true,
  reason: 'there is no index behind the alias yet',
  aborted: false,
  gateFaults: [],
  absentFields: [{ member: 'rating', flag: '--rating-field', name: 'starts', nearest: 'stars' }],
  products: { rows: 62, read: 60, written: 60, unchanged: 0, rejected: 2, withoutPicture: 0, notInCatalogue: null },
  inferences: { texts: 1, pictures: 0 },
  vectors: { text: 60, image: 58 },
  pictures: { refused: 2, videosIgnored: 1 },
  writes: { indexed: 60, retried: 1, rejected: 0 },
  cosineStats: null,
  head: null,
  encoders: { text: 'text-small-1', image: null },
  rejects: { count: 4, first: [reject(3, false), reject(9, true)], file: 'shop.rejects.ndjson' },
  seconds: { total: 26, filling: 25 },
  rates: { products: 2.4, texts: 0.04, pictures: 0 },
};

describe('the report', () => {
  const lines = renderReport(report).split('\n');
  const line = (label: string): string | undefined =>
    lines
      .find((text) => text.startsWith(`${label}  `))
      ?.slice(label.length)
      .trim();

  it('counts every row once, and tells rejects that are in the index from those that are not', () => {
    expect(line('products')).toBe('62 rows: 60 written, 0 unchanged, 2 rejected');
    expect(lines).toContain('4 rejects (2 not in the index, 2 in it without picture), all in shop.rejects.ndjson:');
    expect(lines).toContain('  … and 2 more');
  });

  it('gives slow rates their digits, no rate to nothing, and one its singular', () => {
    expect(line('embedded')).toBe('1 text (0.04/s), 0 pictures');
    expect(line('time')).toBe('26.0 s, of which filling 25.0 s (2.4 products/s)');
    expect(line('sent again')).toBe('1 document');
    expect(line('videos')).toBe('accepted, ignored for now: video of 1 product');
  });

  it('tells a mapped field that no product has', () => {
    expect(line('no data')).toBe('--rating-field (rating in a map): not one product has "starts"; did you mean "stars"?');
  });
});

describe('the progress line', () => {
  it('says the same as the report', () => {
    let printed = '';
    const terminal = { isTTY: false, write: (text: string) => (printed += text) };
    const progress = { rows: 62, read: 60, written: 60, unchanged: 0, rejected: 2, texts: 1, pictures: 0, seconds: 25 };
    showProgress(terminal, { quiet: false, describe: describeIndexProgress }).update(progress);
    expect(printed).toBe('62 rows (2.5/s) · 60 written · 0 unchanged · 2 rejected · embedded 1 text (0.04/s), 0 pictures · 25 s\n');
  });
});
