import { parseRun } from '../../run/run-file.js';
import type { RunLine } from '../../run/run-line.js';
import type { Run } from './imported-run.js';
import type { ImportReport } from '../import-report.js';
import { splitLines } from '../input-lines.js';

/** A run of fuserank's own, whole; large ones are better streamed by `openRun`. @throws InputInvalid for any broken line */
export async function readOwnRun({ text, input }: { text: string; input: string }): Promise<Run> {
  const opened = await parseRun(input, splitLines(text));
  const lines: RunLine[] = [];
  for await (const line of opened.lines) lines.push(line);
  return { header: opened.header, lines };
}

export function* writeOwnRun({ header, lines }: Run, { report }: { report: ImportReport }): Generator<string> {
  report.countWritten(lines.reduce((sum, { hits }) => sum + hits.length, 0));
  for (const line of [header, ...lines]) yield `${JSON.stringify(line)}\n`;
}
