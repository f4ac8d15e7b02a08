import type { Upstream } from '../../opensearch/upstream.js';
import { planLegs, type Leg, type LegPlan } from '../candidate-legs.js';
import { settle, unwrap, type Settled } from './deadline.js';
import type { EngineAnswer } from '../answer/engine-answer.js';
import type { IndexStamp, IndexStamps } from './index-stamp.js';
import type { QueryEncoding } from '../query-vectors.js';
import { joinCandidates, runLeg, type CandidateSet, type LegAnswers } from '../retrieve.js';
import type { CurrentStatistics, StatisticsVersion } from '../statistics/current-statistics.js';
import type { SearchOptions } from '../request/search-options.js';
import { type QueryVectors, type RankRequest, type ScorerPool } from '../scorer.js';
import type { SearchClock, StageName } from './search-clock.js';
import type { Rankable } from '../search-request.js';
import { Skipped } from './skipped.js';
import type { HistoryEvent } from '../user-history.js';

/** All that is known of a search before it is scored. */
export interface Gathered {
  readonly stamp: IndexStamp;
  readonly plan: LegPlan;
  readonly vectors: QueryVectors;
  /** Null: nothing is counted of this catalogue. */
  readonly statistics: StatisticsVersion | null;
  /** Still on its way; never rejects. */
  readonly history: Promise<RankRequest['history']>;
  readonly set: CandidateSet;
  /** What each retriever found, whether or not it joined the list; null where the answer does not tell. */
  readonly legs: LegAnswers | null;
}

export interface GatheringDeps {
  readonly upstream: Upstream;
  readonly stamps: IndexStamps;
  readonly scorers: ScorerPool;
  readonly statistics: CurrentStatistics;
  readonly encoding: QueryEncoding;
  readonly recall: (
    keys: { user: string | null; client: string | null; session: string | null },
    signal: AbortSignal,
  ) => Promise<HistoryEvent[]>;
}

/** Runs, beside the client's own request, everything that ranking needs: history, query vectors, candidate legs. */
export async function gatherCandidates(search: Rankable, deps: GatheringDeps, clock: SearchClock, signal: AbortSignal): Promise<Gathered> {
  const { stamps, upstream } = deps;
  const stamp = await stamps.describe(search.index).catch((error: unknown) => {
    throw new Skipped('index_unknown', error instanceof Error ? error.message : String(error));
  });
  refuseForeignVectors(stamp, deps.scorers);
  const plan = planLegs(search, stamp);
  // Encoding goes first: the vector legs wait for it, and once the engine is at work it would wait for a core.
  const encoding = settle(clock.stage('encode', async () => search.call.given?.vectors ?? deps.encoding.encode(search, stamp)));
  const firstPhase = settle(clock.stage('first_phase', () => clock.duringEngine(() => runLeg(upstream, search, plan.firstPhase, signal))));
  const runBeside = (leg: Leg | null, stage: StageName): Promise<Settled<EngineAnswer>> | null =>
    leg && settle(clock.stage(stage, () => clock.duringEngine(() => runLeg(upstream, search, leg, signal))));
  const pinned = runBeside(plan.pinned, 'pinned_leg');
  const lexical = runBeside(plan.lexical, 'lexical_leg');
  const history = recallEvents(search.options, deps, clock, signal, search.call.given?.history);
  const statistics = deps.statistics.describe(stamp.concrete);
  const vectors = unwrap(await encoding);
  const vectorLegs = plan.vectorLegs({ text: vectors.text, image: vectors.image ?? vectors.head });
  const answers = await Promise.all(
    vectorLegs.map(async (leg) => ({
      role: leg.role,
      answer: await clock.stage(`${leg.role}_leg`, () => clock.duringEngine(() => runLeg(upstream, search, leg, signal))),
    })),
  );
  const byRole = (role: 'text' | 'image'): EngineAnswer | null => answers.find((each) => each.role === role)?.answer ?? null;
  const legs = {
    firstPhase: unwrap(await firstPhase),
    text: byRole('text'),
    image: byRole('image'),
    pinned: pinned && unwrap(await pinned),
    lexical: lexical && unwrap(await lexical),
  };
  const set = joinCandidates(search, legs, plan.mayAdd);
  if (set.candidates.some(({ index }) => !stamp.concrete.includes(index))) {
    stamps.forget(search.index);
    throw new Skipped('index_unknown', 'the alias was swapped while the search ran');
  }
  return { stamp, plan, vectors, statistics: await statistics, history, set, legs: search.showsBlock ? legs : null };
}

/**
 * What the shopper did, sent along or recalled. A history that can't be read is nobody's.
 * @param known recalled before, by a route of ours
 */
export async function recallEvents(
  options: Pick<SearchOptions, 'history' | 'user' | 'client' | 'session'>,
  deps: Pick<GatheringDeps, 'recall'>,
  clock: SearchClock,
  signal: AbortSignal,
  known?: RankRequest['history'],
): Promise<RankRequest['history']> {
  const { history, user, client, session } = options;
  if (known) return known;
  if (history) return history.map((event) => ({ ...event, runningSession: false }));
  if (user === null && client === null && session === null) return [];
  return clock
    .stage('history', () => clock.duringEngine(() => deps.recall({ user, client, session }, signal)))
    .then(
      (events) => pastEvents(events, session),
      () => [],
    );
}

function pastEvents(events: readonly HistoryEvent[], session: string | null): RankRequest['history'] {
  const now = Date.now();
  return events.map((event) => ({
    objectId: event.objectId,
    action: event.action,
    ageSeconds: Math.max(0, (now - event.timestampMs) / 1000),
    runningSession: session !== null && event.sessionId === session,
  }));
}

/** Vectors of another encoder mean nothing to this one: such an index is not ranked until it is indexed again. */
export function refuseForeignVectors(stamp: IndexStamp, scorers: ScorerPool): void {
  const { facts } = scorers;
  if (!stamp.meta || !facts) return;
  const kinds = [
    { kind: 'text', stamped: stamp.meta.encoders.text, own: facts.textEncoder },
    { kind: 'image', stamped: stamp.meta.encoders.image, own: facts.imageEncoder },
  ];
  for (const { kind, stamped, own } of kinds) {
    if (!stamped || (stamped.id === own.id && stamped.preprocessing === own.preprocessing && stamped.dims === own.dims)) continue;
    throw new Skipped(
      'encoder_mismatch',
      `${stamp.concrete.join(', ')} has ${kind} vectors of ${stamped.id} (${stamped.dims} dims), the sidecar encodes with ${own.id} (${own.dims} dims): ` +
        `set encoders.${kind}.path to the encoder of the index, or index the catalogue again`,
    );
  }
}
