import { rename, rm, writeFile } from 'node:fs/promises';
import type { RunComparison } from '../run-comparison.js';
import { CompareUsage } from '../unusable-run.js';
import { renderHtml } from './html/page.js';
import { describeAsJson } from './json.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';

const RENDERERS = {
  html: renderHtml,
  md: renderMarkdown,
  junit: renderJunit,
  json: (comparison: RunComparison) => `${JSON.stringify(describeAsJson(comparison, { perQuery: true }), null, 1)}\n`,
} as const;
export type ReportKind = keyof typeof RENDERERS;

export interface ReportOrder {
  readonly kind: ReportKind;
  readonly file: string;
}

/** Reads `html=FILE`. @throws CompareUsage naming the kinds. */
export function parseReportOrder(text: string): ReportOrder {
  const cut = text.indexOf('=');
  const [kind, file] = cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)];
  if (!isKind(kind) || file === '') {
    throw new CompareUsage(
      `--report ${JSON.stringify(text)}: write one of ${Object.keys(RENDERERS).join(', ')} and a file, as in html=report.html`,
    );
  }
  return { kind, file };
}

/** Written whole or not at all. @throws CompareUsage where the file cannot be written. */
export async function writeReport(comparison: RunComparison, { kind, file }: ReportOrder): Promise<void> {
  const half = `${file}.${process.pid}.part`;
  try {
    await writeFile(half, RENDERERS[kind](comparison));
    await rename(half, file);
  } catch (error) {
    await rm(half, { force: true });
    throw new CompareUsage(`the report ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isKind(text: string): text is ReportKind {
  return Object.hasOwn(RENDERERS, text);
}
