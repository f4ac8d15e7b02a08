import { createHash } from 'node:crypto';
import { detectFormat } from '../formats/format-detection.js';
import { kindOf, readContent, type Content, type Kind } from '../formats/format-table.js';
import { describeReject, ImportReport } from '../formats/import-report.js';
import { InputInvalid, readText } from '../formats/input-lines.js';
import { ESCI_GAINS } from '../formats/judgments/judgment-table.js';
import { countJudgments, JudgmentLookup, type JudgmentSet } from '../formats/judgments/judgments.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';

/** What is asked, and what is known of the answers. */
export interface QuestionSet {
  readonly queries: readonly EvaluatedQuery[];
  /** Grades of a query by document id; empty where nothing of it is judged. */
  readonly grades: (query: EvaluatedQuery) => ReadonlyMap<string, number>;
  /** sha256 of the files' bytes as text, and how many things they hold. */
  readonly stamps: {
    readonly queries: { readonly sha256: string; readonly count: number };
    readonly judgments: { readonly sha256: string; readonly count: number };
  };
  /** Queries for which nothing is judged: no metric counts them. */
  readonly unjudged: number;
}

const SHOWN_REJECTS = 5;

/**
 * Reads a query set and its judgments, in any format that `fuserank convert` knows. They must be clean: what would be left out here would
 * be missing from every figure.
 * @throws InputInvalid with the lines at fault, or where not one query is judged
 */
export async function readQuestionSet(files: { queries: string; judgments: string }, now: Date, version: string): Promise<QuestionSet> {
  const asked = await readAs(files.queries, 'queries', { now, version });
  const judged = await readAs(files.judgments, 'judgments', { now, version });
  const lookup = new JudgmentLookup(judged.value);
  const nothing: ReadonlyMap<string, number> = new Map();
  const unjudged = asked.value.filter((query) => lookup.find(query) === null).length;
  if (unjudged === asked.value.length) {
    throw new InputInvalid(
      `${files.judgments} judges none of the ${asked.value.length} queries of ${files.queries}: neither query ids nor texts agree; are they of one set?`,
    );
  }
  return {
    queries: asked.value,
    grades: (query) => lookup.find(query) ?? nothing,
    stamps: {
      queries: { sha256: asked.sha256, count: asked.value.length },
      judgments: { sha256: judged.sha256, count: countJudgments(judged.value) },
    },
    unjudged,
  };
}

interface ReadAs<Value> {
  readonly value: Value;
  readonly sha256: string;
}

async function readAs(input: string, kind: 'queries', at: { now: Date; version: string }): Promise<ReadAs<readonly EvaluatedQuery[]>>;
async function readAs(input: string, kind: 'judgments', at: { now: Date; version: string }): Promise<ReadAs<JudgmentSet>>;
async function readAs(input: string, kind: Kind, at: { now: Date; version: string }): Promise<ReadAs<Content['value']>> {
  const text = await readText(input);
  const found = detectFormat(text, input);
  const format = found === 'ranx' ? 'ranx-qrels' : found;
  if (kindOf(format) !== kind) {
    throw new InputInvalid(`${input} holds ${kindOf(format)}, not ${kind}; fuserank convert makes ${kind} of judgments where it can`);
  }
  const report = new ImportReport();
  const read = await readContent(format, {
    input,
    text,
    report,
    gains: ESCI_GAINS,
    tagsFrom: null,
    queries: null,
    judgments: null,
    ...at,
  });
  if (report.rejects.length > 0) {
    const shown = report.rejects.slice(0, SHOWN_REJECTS).map(describeReject);
    const more = report.rejects.length > SHOWN_REJECTS ? [`and ${report.rejects.length - SHOWN_REJECTS} more`] : [];
    throw new InputInvalid(
      [
        `${input}: ${report.rejects.length} of its lines can't be used; mend them, or leave them out knowingly with: fuserank convert ${input} CLEAN`,
        ...[...shown, ...more].map((line) => `  ${line}`),
      ].join('\n'),
    );
  }
  return { value: read.value, sha256: createHash('sha256').update(text).digest('hex') };
}
