import { literal } from '../json/spans.js';
import type { OwnAnswer } from '../walk/search-under-way.js';
import { Skipped } from '../walk/skipped.js';
import { readAnswer, type EngineAnswer } from './engine-answer.js';

/** Null for what is no answer to a search: whatever it is, it goes back as it came. */
export function readOrNull(body: Buffer): EngineAnswer | null {
  try {
    return readAnswer(body);
  } catch {
    return null;
  }
}

/** Why an answer that could not be read is not ranked. */
export function unreadable(answer: OwnAnswer): Skipped {
  return new Skipped(answer.status === 200 ? 'answer_not_understood' : 'engine_error', `status ${answer.status}`);
}

/** Hits without a score have no order of ours to blend with; negative ones come from a hybrid query that lost its pipeline. */
export function refuseUnscored(answer: EngineAnswer): void {
  if (answer.hits.some((hit) => hit.score === null)) throw new Skipped('no_scores', 'hits without _score');
  if (answer.hits.some((hit) => hit.score && literal(answer.bytes, hit.score).startsWith('-'))) {
    throw new Skipped('negative_scores', 'negative scores: a hybrid query that ran without its search pipeline');
  }
}
