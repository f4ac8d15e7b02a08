import { OWN_SOURCE_FIELDS } from '../../mappings/product-index.js';
import { explainHit, rankWithout, type WithoutRankings } from '../answer/hit-explanation.js';
import { readItem, textsAt } from '../item-vectors.js';
import type { Item } from '../candidate-list.js';
import type { JsonObject } from '../json/value.js';
import { rankCandidates, shuffleScores, type Ranking } from '../rank.js';
import type { RetrievedCandidate } from '../retrieve.js';
import type { RankReply } from '../scorer.js';
import { GIVEN } from '../scoring/scorer-tasks.js';
import { orAbort } from '../walk/deadline.js';
import { refuseForeignVectors } from '../walk/gather-candidates.js';
import type { IndexStamp } from '../walk/index-stamp.js';
import { SearchClock } from '../walk/search-clock.js';
import { asSkipped, Skipped } from '../walk/skipped.js';
import type { RankItemsAnswer } from './answers.js';
import type { FoundProduct, OwnCall } from './client-search.js';
import { RequestRefused } from './refusal.js';
import { pictureBytes, type RankItemsRequest } from './requests.js';
import { openScene, type OwnRouteDeps, type Scene } from './scene.js';

type GivenItem = RankItemsRequest['items'][number];

/** An item with where its product is known from. */
interface Row {
  /** Place in the request. */
  readonly place: number;
  readonly asked: GivenItem;
  readonly known: 'index' | 'fields' | 'no';
  readonly product: FoundProduct | null;
}

/** Each is encoded before anything is ranked: a millisecond with the built-in encoder, ten with a sentence transformer. */
const MOST_GIVEN = 200;
/** Texts are encoded before the budget begins, one caller's after another's; whoever would wait longer gets its own order back. */
const ENCODING_MS = 2_000;

/**
 * Orders items that somebody else found, with the model and blend of the index's profile. Where the model fails they keep the order of
 * their own scores. @throws RequestRefused, EngineRefused
 */
export async function rankItems(
  asked: { request: RankItemsRequest; call: OwnCall },
  deps: OwnRouteDeps,
): Promise<Omit<RankItemsAnswer, 'took'>> {
  const { request, call } = asked;
  const clock = new SearchClock();
  const image = request.query_image === undefined ? null : pictureBytes(request.query_image);
  const more = request.query === undefined ? {} : { query_text: request.query };
  const scene = openScene({ index: request.index ?? null, request, more, call }, deps);
  const ids = request.items.map(({ id }) => id);
  const found = await clock.duringEngine(() => deps.client.readProducts(call, scene.index, ids, []));
  const byId = new Map(found.map((product) => [product._id, product]));
  const rows = firstPhaseOrder(request.items.map((item, place) => knownRow(item, place, byId.get(item.id) ?? null)));
  const given = rows.filter(({ known }) => known === 'fields').length;
  if (given > MOST_GIVEN) {
    throw new RequestRefused(
      'bad',
      `items: ${given} of them are not in [${scene.index}] and come with fields, at most ${MOST_GIVEN} may; index them, or send fewer`,
    );
  }
  const rankable = rows.filter(({ known }) => known !== 'no');
  const unknown = rows.filter(({ known }) => known === 'no').sort((a, b) => a.place - b.place);
  let leave: ReturnType<OwnRouteDeps['admission']['enter']> = null;
  try {
    if (rankable.length === 0) throw new Skipped('no_hits', '');
    const known = await readKnown(scene, rankable, deps);
    // Searches share this room: nobody stands in it while waiting for a turn to encode.
    leave = deps.admission.enter(call.caller);
    if (!leave) throw new Skipped('scorer_overloaded', `${deps.admission.limit} lists are being ranked already`);
    const { model, ranking, explain } = await scoreRows(scene, { rows: rankable, ...known, image, explain: request.explain }, deps);
    leave('in-time');
    deps.observe.outcome({ applied: true, reason: null, detail: null, clock, candidates: rankable.length });
    const order = completeOrder(ranking.order, rankable.length).flatMap((position) => {
      const row = rankable[position];
      return row ? [{ row, score: ranking.final[position] ?? null, ...(request.explain ? { explain: explain(position) } : {}) }] : [];
    });
    const items = [...order, ...unknown.map((row) => ({ row, score: null }))];
    return { applied: true, model, items: items.map(({ row, ...rest }, rank) => ({ id: row.asked.id, rank, known: row.known, ...rest })) };
  } catch (error) {
    const { reason, message } = asSkipped(error);
    leave?.(reason === 'budget' || reason === 'scorer_overloaded' ? 'late' : 'other');
    call.signal.throwIfAborted(); // nobody is left to answer
    deps.observe.outcome({ applied: false, reason, detail: message || null, clock, candidates: null });
    const items = [...rankable, ...unknown].map((row, rank) => ({
      id: row.asked.id,
      rank,
      known: row.known,
      score: row.asked.score ?? null,
    }));
    return { applied: false, reason, items };
  }
}

function knownRow(asked: GivenItem, place: number, product: FoundProduct | null): Row {
  return { asked, place, product, known: product ? 'index' : asked.fields === undefined ? 'no' : 'fields' };
}

/** By their own scores, those without one last; ties in the order of the request. */
function firstPhaseOrder(rows: readonly Row[]): Row[] {
  const score = ({ asked }: Row): number => asked.score ?? Number.NEGATIVE_INFINITY;
  return [...rows].sort((a, b) => (score(a) === score(b) ? a.place - b.place : score(b) - score(a)));
}

/** Blend 0 leaves items without a score of their own out; here every item is in the answer. */
function completeOrder(order: readonly number[], length: number): number[] {
  const there = new Set(order);
  return [...order, ...Array.from({ length }, (_, position) => position).filter((position) => !there.has(position))];
}

interface ScoredRows {
  readonly model: string;
  readonly ranking: Ranking;
  readonly explain: (position: number) => JsonObject;
}

/** What the model needs to know of the rows beside what the index holds. */
interface KnownRows {
  readonly stamp: IndexStamp;
  readonly given: Map<string, Item>;
}

function settingsOf({ profile, options }: Scene): { blend: number; budgetMs: number } {
  return { blend: options.blend ?? profile.blend, budgetMs: options.budgetMs ?? profile.budgetMs };
}

/** @throws Skipped and the scorers' failures */
async function readKnown(scene: Scene, rows: readonly Row[], deps: OwnRouteDeps): Promise<KnownRows> {
  const { blend, budgetMs } = settingsOf(scene);
  if (budgetMs === 0 || blend === 0) throw new Skipped(budgetMs === 0 ? 'budget' : 'blend_zero', '');
  const stamp = await deps.stamps.describe(scene.index).catch((error: unknown) => {
    throw new Skipped('index_unknown', error instanceof Error ? error.message : String(error));
  });
  refuseForeignVectors(stamp, deps.scorers);
  return { stamp, given: await withPatience((signal) => readGiven(rows, stamp, deps, signal), scene.call.signal) };
}

/** @throws Skipped `budget` when the encoders take too long, or have too much to do before */
async function withPatience<T>(work: (signal: AbortSignal) => Promise<T>, client: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(ENCODING_MS);
  const either = AbortSignal.any([client, patience]);
  return orAbort(work(either), either).catch((error: unknown) => {
    throw patience.aborted ? new Skipped('budget', `encoding took longer than ${ENCODING_MS} ms`) : error;
  });
}

/** @throws Skipped and the scorers' failures */
async function scoreRows(
  scene: Scene,
  work: KnownRows & { rows: readonly Row[]; image: Buffer | null; explain: boolean },
  deps: OwnRouteDeps,
): Promise<ScoredRows> {
  const { profile, options, call } = scene;
  const { blend, budgetMs } = settingsOf(scene);
  const { stamp, given } = work;
  const encode = () => deps.encoding.encode({ queryText: options.queryText, options: { queryImage: work.image } }, stamp);
  const [vectors, history, statistics] = await Promise.all([
    withPatience(encode, call.signal),
    scene.history,
    deps.statistics.describe(stamp.concrete),
  ]);
  const candidates = work.rows.map(candidateOf);
  const scored = candidates.filter(({ firstPhaseScore }) => firstPhaseScore !== null).length;
  // Without any score there is no first phase to blend with: the model's order, ties as sent.
  const set = { candidates, window: scored === 0 ? candidates.length : scored, lookedUp: 0 };
  if (profile.ranker === 'first-phase' || profile.ranker === 'shuffle') {
    const scores = shuffleScores(candidates.length, JSON.stringify([scene.index, options.identity]));
    const ranking = rankCandidates(set, { scores, blend: profile.ranker === 'shuffle' ? blend : 0, gate: 1 });
    return { model: profile.ranker, ranking, explain: explainer({ candidates, ranking, reply: null, without: {} }) };
  }
  const late = AbortSignal.any([call.signal, AbortSignal.timeout(budgetMs)]);
  const ranking = deps.scorers.rank({
    ranker: profile.ranker,
    candidates,
    given,
    history,
    indices: stamp.concrete,
    queryText: options.queryText,
    vectors,
    meta: stamp.meta,
    roles: stamp.roles,
    statistics: statistics?.index ?? null,
    signals: profile.signals,
    explain: work.explain,
    deadline: Date.now() + budgetMs,
  });
  const reply = await orAbort(ranking, late).catch((error: unknown) => {
    throw late.aborted ? new Skipped('budget', `ranking took longer than ${budgetMs} ms`) : error;
  });
  const ranked = rankCandidates(set, { scores: reply.scores, blend, gate: reply.gate });
  const { model } = reply;
  const without = rankWithout(set, reply, blend);
  return { model, ranking: ranked, explain: explainer({ candidates, ranking: ranked, reply, without }) };
}

function candidateOf({ asked, product }: Row, rank: number): RetrievedCandidate {
  const firstPhaseScore = asked.score ?? null;
  return {
    index: product?._index ?? GIVEN,
    id: asked.id,
    seqNo: product?._seq_no ?? null,
    firstPhaseScore,
    firstPhaseRank: firstPhaseScore === null ? null : rank,
    textRank: null,
    imageRank: null,
  };
}

/** Products that came with the request, their text encoded as the indexer encodes it. Their pictures are not fetched. */
async function readGiven(rows: readonly Row[], stamp: IndexStamp, deps: OwnRouteDeps, signal: AbortSignal): Promise<Map<string, Item>> {
  const given = rows.filter(({ known }) => known === 'fields');
  const read = given.map(({ asked }) => {
    // Vectors of another maker would be taken for the encoder's.
    const fields = Object.fromEntries(Object.entries(asked.fields ?? {}).filter(([name]) => !OWN_SOURCE_FIELDS.includes(name)));
    const text = (stamp.meta?.vector_fields ?? []).map((field) => textsAt(fields, field).join(', ')).filter((part) => part !== '');
    return { item: readItem(asked.id, fields, stamp.roles), text: text.join(' ') };
  });
  const vectors = stamp.meta?.encoders.text
    ? await deps.embedding.embedTexts(
        read.map(({ text }) => text),
        'documents',
        signal,
      )
    : [];
  return new Map(read.map(({ item }, place) => [item.id, { ...item, text: vectors[place] ?? null }]));
}

function explainer(of: {
  candidates: readonly RetrievedCandidate[];
  ranking: Ranking;
  reply: RankReply | null;
  without: WithoutRankings;
}): ScoredRows['explain'] {
  const { candidates, ranking, reply, without } = of;
  // Of the history only what the client may read is named.
  const readable = new Set(candidates.filter(({ index }) => index !== GIVEN).map(({ id }) => id));
  return (position) => {
    const candidate = candidates[position];
    if (!candidate) return {};
    const attribution = reply?.explanations?.[position] ?? null;
    return explainHit({
      mayName: (id) => readable.has(id),
      candidate,
      position,
      ranking,
      attribution,
      legs: null,
      legsReason: null,
      gate: reply?.gate ?? 1,
      without,
    });
  };
}
