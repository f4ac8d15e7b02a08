import { describeAbsentField } from '../catalogue/mapped-field.js';
import type { IndexReport, ListedReject } from './index-report.js';
import { describeCount, describeRated } from './quantity.js';

/** The report for a person: what happened, what it cost, what was refused and where the rest of that list is. */
export function renderReport(report: IndexReport): string {
  const { products, inferences, rates, writes } = report;
  const rows: [label: string, value: string][] = [
    ['outcome', describeOutcome(report)],
    [
      'products',
      `${describeCount(products.rows, 'row')}: ${products.written} ${report.outcome === 'planned' ? 'to write' : 'written'}, ${products.unchanged} unchanged, ${products.rejected} rejected`,
    ],
    ['vectors', `${report.vectors.text} with text, ${report.vectors.image} with picture`],
    [
      'embedded',
      `${describeRated(inferences.texts, 'text', rates.texts)}, ${describeRated(inferences.pictures, 'picture', rates.pictures)}`,
    ],
    ['encoders', `${report.encoders.text ?? 'no text'}, ${report.encoders.image ?? 'no picture'}`],
    [
      'time',
      `${report.seconds.total.toFixed(1)} s, of which filling ${report.seconds.filling.toFixed(1)} s (${rates.products.toFixed(rates.products < 100 ? 1 : 0)} products/s)`,
    ],
  ];
  if (writes.retried > 0) rows.push(['sent again', describeCount(writes.retried, 'document')]);
  if (report.pictures.videosIgnored > 0)
    rows.push(['videos', `accepted, ignored for now: video of ${describeCount(report.pictures.videosIgnored, 'product')}`]);
  if (report.head) rows.push(['picture head', report.head.note]);
  if ((products.notInCatalogue ?? 0) > 0)
    rows.push([
      'not in input',
      `${describeCount(products.notInCatalogue ?? 0, 'product')} of ${report.index}, kept though not in this catalogue; --restart leaves them out`,
    ]);
  for (const field of report.absentFields) rows.push(['no data', describeAbsentField(field)]);
  for (const fault of report.gateFaults) rows.push(['gate failed', fault]);
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`);
  return `${[...lines, ...describeRejects(report)].join('\n')}\n`;
}

function describeOutcome(report: IndexReport): string {
  const { alias, index, previous, reason } = report;
  if (report.aborted) return `interrupted; ${alias} stands for ${previous ?? index ?? 'nothing'} as before`;
  switch (report.outcome) {
    case 'planned':
      return reason === null ? `dry run: would update ${index}` : `dry run: would build a new version (${reason})`;
    case 'unchanged':
      return `nothing to do: ${index} is up to date`;
    case 'updated':
      return `updated ${index} behind ${alias}`;
    case 'built': {
      const built = `built ${index} (${reason})`;
      if (!report.live) return `${built}; ${alias} was not moved to it`;
      return `${built}; ${alias} stands for it${previous === null ? '' : `, ${previous} is kept`}`;
    }
  }
}

function describeRejects({ rejects, products }: IndexReport): string[] {
  if (rejects.count === 0) return [];
  const more = rejects.count - rejects.first.length;
  return [
    '',
    `${describeCount(rejects.count, 'reject')} (${describePlace(products.rejected, rejects.count - products.rejected)})${rejects.file === null ? '' : `, all in ${rejects.file}`}:`,
    ...rejects.first.map(describeReject),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

/** A row that is not in the index and a picture that was left out are both listed; only the first is a product rejected. */
function describePlace(outside: number, inside: number): string {
  return [
    ...(outside > 0 ? [`${outside} not in the index`] : []),
    ...(inside > 0 ? [`${inside} in ${outside > 0 ? 'it' : 'the index'} without picture`] : []),
  ].join(', ');
}

function describeReject({ input, line, id, reason, indexed }: ListedReject): string {
  return `  ${input}:${line}  ${id ?? '(no id)'}  ${reason}${indexed ? ' (indexed without it)' : ''}`;
}
