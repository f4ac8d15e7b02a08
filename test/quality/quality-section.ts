import { markdownTable, plainTable, type Table } from '../measured-page.js';

/** One measurement, ready to be shown: on a terminal, or as a section of docs/quality.md. */
export interface QualitySection {
  /** Also the argument of the command. */
  name: string;
  title: string;
  /** What is measured on what. */
  about: string;
  tables: { caption: string; table: Table }[];
  /** Flags that the command had, where they were not the defaults. */
  flags?: readonly string[];
  /** Variables that the command wants beside FUSERANK_DATA, as one writes them before it; empty = none. */
  variables?: string;
  /** Drawn beside the page, and shown in it behind the tables. */
  plots?: readonly PagePlot[];
  /** What must be known to read the figures honestly, and what they meet or miss. */
  remarks: string[];
}

/** An SVG that stands beside the page. */
export interface PagePlot {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Folder of the plots, from the page. */
export const PLOTS = 'quality';

export function printSection(section: QualitySection): string {
  const tables = section.tables.map(({ caption, table }) => `${caption}\n${plainTable(table)}`);
  return [`${section.title}\n${section.about}`, ...tables, section.remarks.map((remark) => `- ${remark}`).join('\n')].join('\n\n');
}

export function writeMarkdown(section: QualitySection, machine: string): string {
  const variables = ['FUSERANK_DATA=<data folder>', section.variables ?? ''].filter((variable) => variable !== '').join(' ');
  const words = [section.name, ...(section.flags ?? []), '--write'].join(' ');
  const command = `\`\`\`sh\n${variables} npm run bench:quality -- ${words}\n\`\`\``;
  const tables = section.tables.map(({ caption, table }) => `${caption}\n\n${markdownTable(table)}`);
  const plots = (section.plots ?? []).map(({ name, title }) => `![${title}](${PLOTS}/${name}.svg)`);
  const remarks = section.remarks.map((remark) => `- ${remark}`).join('\n');
  return [`## ${section.title}`, section.about, command, ...tables, ...plots, remarks, `Machine: ${machine}.`].join('\n\n');
}

/** `.571`, as retrieval papers write a figure between 0 and 1. */
export function formatShare(value: number, digits = 3): string {
  return value.toFixed(digits).replace(/^(-?)0\./, '$1.');
}

/** `+.012`. */
export function formatDifference(value: number, digits = 3): string {
  const text = formatShare(value, digits);
  return text.startsWith('-') ? text : `+${text}`;
}

export function formatInterval([low, high]: readonly [number, number]): string {
  return `[${formatDifference(low)}, ${formatDifference(high)}]`;
}
