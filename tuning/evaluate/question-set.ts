import { createHash } from 'node:crypto';
import { readJudgments, readQuerySet } from '../convert/conversion.js';
import { describeReject, type ImportReport } from '../formats/import-report.js';
import { InputInvalid, readText } from '../formats/input-lines.js';
import { ESCI_GAINS } from '../formats/judgments/judgment-table.js';
import { JudgmentLookup, stampJudgments } from '../formats/judgments/judgments.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';

/** What is asked, and what is known of the answers. */
export interface QuestionSet {
  readonly queries: readonly EvaluatedQuery[];
  /** Grades of a query by document id; empty where nothing of it is judged. */
  readonly grades: (query: EvaluatedQuery) => ReadonlyMap<string, number>;
  /** sha256 of what was read, whatever the format, and how many things there are. */
  readonly stamps: Record<'queries' | 'judgments', { readonly sha256: string; readonly count: number }>;
  /** Queries for which nothing is judged: no metric counts them. */
  readonly unjudged: number;
}

const SHOWN_REJECTS = 5;

/**
 * Reads a query set and its judgments, in any format that `fuserank convert` knows. They must be clean: what would be left out here would
 * be missing from every figure.
 * @throws InputInvalid with the lines at fault, or where not one query is judged
 */
export async function readQuestionSet(files: { queries: string; judgments: string }, version: string): Promise<QuestionSet> {
  const request = async (input: string): Promise<Parameters<typeof readQuerySet>[0]> => ({
    input,
    text: await readText(input),
    from: 'auto',
    gains: ESCI_GAINS,
    version,
    now: new Date(),
  });
  const { queries, report: ofQueries } = await readQuerySet(await request(files.queries));
  requireClean(files.queries, ofQueries);
  const { judgments, report: ofJudgments } = await readJudgments(await request(files.judgments));
  requireClean(files.judgments, ofJudgments);

  const lookup = new JudgmentLookup(judgments);
  const unjudged = queries.filter((query) => lookup.find(query) === null).length;
  if (unjudged === queries.length) {
    throw new InputInvalid(
      `${files.judgments} judges none of the ${queries.length} queries of ${files.queries}: neither query ids nor texts agree; are they of one set?`,
    );
  }
  return {
    queries,
    grades: (query) => lookup.find(query) ?? new Map<string, number>(),
    stamps: {
      queries: { sha256: createHash('sha256').update(JSON.stringify(queries)).digest('hex'), count: queries.length },
      judgments: stampJudgments(judgments),
    },
    unjudged,
  };
}

function requireClean(input: string, { rejects }: ImportReport): void {
  if (rejects.length === 0) return;
  const shown = rejects.slice(0, SHOWN_REJECTS).map(describeReject);
  const more = rejects.length > SHOWN_REJECTS ? [`and ${rejects.length - SHOWN_REJECTS} more`] : [];
  throw new InputInvalid(
    [
      `${input}: ${rejects.length} of its entries can't be used; mend them, or leave them out knowingly with fuserank convert`,
      ...[...shown, ...more].map((line) => `  ${line}`),
    ].join('\n'),
  );
}
