import { parseRun } from '../../run/run-file.js';
import type { RunLine } from '../../run/run-line.js';
import type { Run, RunImport } from './imported-run.js';
import type { ImportReport } from '../import-report.js';
import { splitLines } from '../input-lines.js';
import { JudgmentLookup, stampJudgments, type JudgmentSet } from '../judgments/judgments.js';

/**
 * A run of fuserank's own, whole; large ones are better streamed by `openRun`. With judgments its hits are graded anew.
 * @throws InputInvalid for any broken line
 */
export async function readOwnRun({ text, input, judgments, queries, report }: RunImport & { readonly input: string }): Promise<Run> {
  const opened = await parseRun(input, splitLines(text));
  if (queries !== null) report.note('a run of fuserank has its own queries; --queries is not used');
  const lines: RunLine[] = [];
  for await (const line of opened.lines) lines.push(line);
  return judgments === null ? { header: opened.header, lines } : gradeAnew({ header: opened.header, lines }, judgments);
}

export function* writeOwnRun({ header, lines }: Run, { report }: { report: ImportReport }): Generator<string> {
  report.countWritten(lines.reduce((sum, { hits }) => sum + hits.length, 0));
  for (const line of [header, ...lines]) yield `${JSON.stringify(line)}\n`;
}

function gradeAnew({ header, lines }: Run, judgments: JudgmentSet): Run {
  const lookup = new JudgmentLookup(judgments);
  return {
    header: { ...header, judgments: stampJudgments(judgments) },
    lines: lines.map((line) => {
      const grades = lookup.find(line);
      return {
        ...line,
        hits: line.hits.map((hit) => ({ ...hit, grade: grades?.get(hit.id) ?? null })),
        judged: [...(grades?.values() ?? [])].sort((a, b) => b - a),
        ...(line.legs === undefined ? {} : { judgments: Object.fromEntries(grades ?? []) }),
      };
    }),
  };
}
