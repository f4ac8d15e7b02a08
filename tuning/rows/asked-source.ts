import type { Question } from '../evaluate/question.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import { askLists, type ListDoor } from './asked-lists.js';
import type { BehaviourEvents, LoggedQuery } from './behaviour-events.js';
import type { MaybeList } from './labelled-lists.js';

/** A question, and what is known of its answers. */
export interface GradedQuestion {
  readonly query: EvaluatedQuery;
  readonly grades: ReadonlyMap<string, number>;
}

export interface AskedThrough {
  readonly door: ListDoor;
  readonly question: Question;
  /** What a query's relative picture path starts from. */
  readonly folder: string;
  readonly concurrency: number;
}

/** Lists that the questions get now, in their order; nobody saw them. A question's own id names its list. */
export async function* listsOfQuestions(
  questions: Iterable<GradedQuestion> | AsyncIterable<GradedQuestion>,
  through: AskedThrough,
): AsyncGenerator<MaybeList> {
  for await (const { asking, asked } of askLists(questions, through)) {
    const id = asking.query.query_id;
    if ('list' in asked)
      yield { labelled: { list: asked.list, scored: asked.scored, listId: id, queryId: id, grades: asking.grades, shown: false } };
    else yield { dropped: asked.faulty ? `not_ranked_${asked.reason}` : asked.reason };
  }
}

/** Searches whose labels are asked for together. */
const BATCH = 200;
const DAY_MS = 86_400_000;

/**
 * Searches of a UBI log that somebody clicked after, as questions with the history that the shopper had then.
 * @param options.drop told of each search that is no question, and why
 */
export async function* questionsOfUbi(
  events: BehaviourEvents,
  options: {
    range: { since: number; until: number };
    recall: { length: number; ttlDays: number; ignored: readonly string[] };
    drop: (reason: string) => void;
  },
): AsyncGenerator<GradedQuestion> {
  const seen = new Set<string>();
  let batch: LoggedQuery[] = [];
  for await (const query of events.readQueries(options.range)) {
    if (seen.has(query.queryId)) options.drop('repeated');
    else batch.push(query);
    seen.add(query.queryId);
    if (batch.length < BATCH) continue;
    yield* gradeQueries(batch, events, options);
    batch = [];
  }
  yield* gradeQueries(batch, events, options);
}

async function* gradeQueries(
  queries: readonly LoggedQuery[],
  events: BehaviourEvents,
  { recall, drop }: { recall: { length: number; ttlDays: number; ignored: readonly string[] }; drop: (reason: string) => void },
): AsyncGenerator<GradedQuestion> {
  if (queries.length === 0) return;
  const labels = await events.readLabels(queries.map(({ queryId }) => queryId));
  for (const { queryId, text, timestampMs, shopper } of queries) {
    const grades = labels.get(queryId);
    if (!grades) {
      drop('without_events');
      continue;
    }
    const past = await (shopper === null
      ? []
      : events.readHistory(shopper, { before: timestampMs, since: timestampMs - recall.ttlDays * DAY_MS, ...recall }));
    const history = past.map((event) => ({
      object_id: event.objectId,
      action_name: event.action,
      age_s: (timestampMs - event.timestampMs) / 1000,
    }));
    yield { query: { query_id: queryId, query: text, history, tags: [] }, grades };
  }
}
