import type { ImportReport } from '../import-report.js';
import { JudgmentCollection, type JudgmentSet } from '../judgments/judgments.js';
import { readUbiLog, type LoggedSearch } from './ubi-log.js';

/** Impressions below which clicks are chance: with a click in ten, ten expect one. */
export const MIN_IMPRESSIONS = 10;
/** As the workbench writes them: three decimals. */
const GRADE_STEPS = 1_000;

/** What searches for one text did with one product. */
export interface ClickTally {
  /** Searches that showed it. */
  readonly impressions: number;
  /** Of those, searches in which it was clicked. */
  readonly clicks: number;
  /** Clicks that its positions get on average over all queries and products. */
  readonly expected: number;
}

/**
 * Clicks and expected clicks by query and product, for COEC, the clicks over the expected clicks:
 *
 *     COEC(q, d) = Σ_r clicks(q, d, r) / Σ_r impressions(q, d, r) · CTR(r)      CTR(r) = clicks(r) / impressions(r)
 *
 * with r the positions at which searches for q showed d, and CTR(r) over everything that was shown at r. So 1 means clicked as often as
 * whatever stands there, and a click far below counts for more than one at the top (Zhang and Jones, Comparing click logs and editorial
 * labels for training query rewriting, WWW 2007 workshop on query log analysis; Chapelle and Zhang, A dynamic Bayesian network click model
 * for web search ranking, WWW 2009). The Search Relevance Workbench computes the same (`coec`), but takes all impressions of a pair for
 * impressions at one of its positions, and every click event for a click; here a search counts once.
 */
export function tallyClicks(searches: readonly LoggedSearch[]): Map<string, Map<string, ClickTally>> {
  const byRank = new Map<number, { impressions: number; clicks: number }>();
  for (const { shown, clicked } of searches) {
    for (const [item, rank] of shown) {
      const { impressions, clicks } = byRank.get(rank) ?? { impressions: 0, clicks: 0 };
      byRank.set(rank, { impressions: impressions + 1, clicks: clicks + (clicked.has(item) ? 1 : 0) });
    }
  }
  const rates = new Map([...byRank].map(([rank, { impressions, clicks }]) => [rank, clicks / impressions]));
  const tallies = new Map<string, Map<string, ClickTally>>();
  for (const { words, shown, clicked } of searches) {
    if (words === null) continue;
    const own = tallies.get(words) ?? new Map<string, ClickTally>();
    tallies.set(words, own);
    for (const [item, rank] of shown) {
      const { impressions, clicks, expected } = own.get(item) ?? { impressions: 0, clicks: 0, expected: 0 };
      own.set(item, {
        impressions: impressions + 1,
        clicks: clicks + (clicked.has(item) ? 1 : 0),
        expected: expected + (rates.get(rank) ?? 0),
      });
    }
  }
  return tallies;
}

/**
 * Judgments of a UBI log: the COEC of each product that searches for a text showed often enough, from 0 on, 1 being average. Impressions and
 * clicks of a search whose words no line tells are rejects.
 */
export function readClickJudgments(
  text: string,
  { report, minImpressions }: { report: ImportReport; /** Of a query and a product, from 1. */ minImpressions: number },
): JudgmentSet {
  const searches = readUbiLog(text, report);
  for (const { words, events } of searches) {
    if (words !== null) continue;
    for (const origin of events) report.reject(origin, 'no line of ubi_queries has its query_id, and it has no user_query');
  }
  noteUnknownLists(searches, report);
  const judgments = new JudgmentCollection(report);
  for (const [query, products] of tallyClicks(searches)) {
    for (const [docId, { impressions, clicks, expected }] of products) {
      if (impressions < minImpressions) {
        report.note(`products that searches for a text showed fewer than ${minImpressions} times are not judged (--min-impressions)`);
      } else if (expected === 0) report.note('products shown only where nobody ever clicked are not judged');
      else {
        const grade = Math.round((clicks / expected) * GRADE_STEPS) / GRADE_STEPS;
        judgments.add({ queryId: null, query, docId, grade }, { line: null, raw: `${query} ${docId}` });
      }
    }
  }
  return judgments.finish();
}

/** Without what was shown beside it, a click says nothing. */
function noteUnknownLists(searches: readonly LoggedSearch[], report: ImportReport): void {
  for (const { words, shown, clicked, origin } of searches) {
    if (words === null) continue;
    for (const item of clicked) {
      if (!shown.has(item)) {
        report.note(
          'clicks on products that neither impressions with position.ordinal nor query_response_hit_ids show in the list are not counted',
          origin.line,
        );
      }
    }
  }
}
