import { describeAbsentField } from '../catalogue/mapped-field.js';
import type { IndexReport, ListedReject } from './index-report.js';

/** The report for a person: what happened, what it cost, what was refused and where the rest of that list is. */
export function renderReport(report: IndexReport): string {
  const { products, inferences, rates, writes } = report;
  const rows: [label: string, value: string][] = [
    ['outcome', describeOutcome(report)],
    [
      'products',
      `${products.read} read, ${products.written} ${report.outcome === 'planned' ? 'to write' : 'written'}, ${products.unchanged} unchanged, ${products.rejected} rejected`,
    ],
    ['vectors', `${report.vectors.text} with text, ${report.vectors.image} with picture`],
    [
      'embedded',
      `${inferences.texts} texts (${rates.texts.toFixed(1)}/s), ${inferences.pictures} pictures (${rates.pictures.toFixed(1)}/s)`,
    ],
    ['encoders', `${report.encoders.text ?? 'no text'}, ${report.encoders.image ?? 'no picture'}`],
    [
      'time',
      `${report.seconds.total.toFixed(1)} s, of which filling ${report.seconds.filling.toFixed(1)} s (${rates.products.toFixed(0)} products/s)`,
    ],
  ];
  if (writes.retried > 0) rows.push(['sent again', `${writes.retried} documents`]);
  if (report.pictures.videosIgnored > 0)
    rows.push(['videos', `accepted, ignored for now: video of ${report.pictures.videosIgnored} product(s)`]);
  if (report.head) rows.push(['picture head', report.head.note]);
  if ((products.notInCatalogue ?? 0) > 0)
    rows.push([
      'not in input',
      `${products.notInCatalogue} products of ${report.index} are not in this catalogue and stay; --restart leaves them out`,
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

function describeRejects({ rejects }: IndexReport): string[] {
  if (rejects.count === 0) return [];
  const more = rejects.count - rejects.first.length;
  return [
    '',
    `${rejects.count} rejects${rejects.file === null ? '' : `, all in ${rejects.file}`}:`,
    ...rejects.first.map(describeReject),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

function describeReject({ input, line, id, reason, indexed }: ListedReject): string {
  return `  ${input}:${line}  ${id ?? '(no id)'}  ${reason}${indexed ? ' (indexed without it)' : ''}`;
}
