import { readFileSync, writeFileSync } from 'node:fs';

/** A table: names of the columns, then rows of cells. Numbers are written by the caller, who knows their digits. */
export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** As Markdown; every column but the first is set to the right. */
export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `| ${columns.map((_, place) => (place === 0 ? '---' : '--:')).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

/** For a terminal: columns of even width, every column but the first set to the right. */
export function plainTable({ columns, rows }: Table): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, place) => Math.max(...lines.map((cells) => cells[place]?.length ?? 0)));
  const pad = (cell: string, place: number): string => (place === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[place] ?? 0));
  return lines.map((cells) => cells.map(pad).join('  ').trimEnd()).join('\n');
}

/**
 * Puts `content` in the place of the section `name` of a page, between two comments that mark it; a section that is not
 * there yet is added at the end. Everything outside the section stays, so that each measurement renews its own part.
 */
export function replaceSection(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const section = `${begin}\n\n${content.trim()}\n\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + end.length);
}

/** Renews one section of a page in docs/; a page that does not exist yet starts with `opening`. */
export function writeSection(file: string, section: { name: string; content: string; opening: string }): void {
  const page = readPage(file) ?? `${section.opening.trim()}\n`;
  writeFileSync(file, replaceSection(page, section.name, section.content));
}

function readPage(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
