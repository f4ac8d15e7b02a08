import { availableParallelism } from 'node:os';
import { packCandidates } from './scoring/packed-candidates.js';
import { ScorerChild } from './scoring/scorer-child.js';
import {
  ScorerFailure,
  ScorerRefused,
  type CompareRequest,
  type EmbedReply,
  type EmbedRequest,
  type EncodeRequest,
  type QueryVectors,
  type RankReply,
  type RankRequest,
  type ScorerFacts,
  type ScorerResult,
  type ScorerSettings,
  type ScorerTask,
  type WarmRequest,
} from './scoring/scorer-tasks.js';

export { ScorerFailure, ScorerRefused } from './scoring/scorer-tasks.js';
export type { QueryVectors, RankReply, RankRequest } from './scoring/scorer-tasks.js';

const FIRST_RESPAWN_MS = 100;
const LAST_RESPAWN_MS = 5_000;
/** A process that dies so often before the first was ever ready will not get better. */
const EARLY_DEATHS = 3;
/** Code that has never run takes ten times as long: a process that takes another's seat runs it before. */
const REHEARSALS = 8;
/** For one of them. */
const REHEARSAL_MS = 5_000;
/** Weight of the newest service time in the moving average. */
const SMOOTHING = 0.1;

interface Seat {
  child: ScorerChild;
  respawnMs: number;
}

/**
 * The scorer processes: inference blocks its thread and a native crash takes its process along, so neither happens in the
 * process that holds the shoppers' sockets. A dead scorer fails its tasks at once and is started again with back-off.
 */
export class ScorerPool {
  readonly #seats: Seat[];
  readonly #onRestart: (cause: string) => void;
  readonly #ready: Promise<ScorerFacts>;
  #settleReady: { resolve: (facts: ScorerFacts) => void; reject: (error: Error) => void } | null = null;
  #settings: ScorerSettings;
  #facts: ScorerFacts | null = null;
  #serviceMs = 3;
  #closed = false;
  #refused = false;
  #earlyDeaths = 0;
  /** Indices that every process reads, also one that is started again; of the statistics the last version. */
  readonly #warmed = new Map<string, WarmRequest>();
  /** Processes that are being opened to take a seat, or were told to leave theirs. */
  readonly #standing = new Set<ScorerChild>();
  #replacing: Promise<unknown> = Promise.resolve();
  /** The last ranking, nobody's: what a new process rehearses. */
  #rehearsed: RankRequest | null = null;

  constructor(settings: ScorerSettings, options: { processes: number | 'auto'; onRestart?: (cause: string) => void }) {
    this.#settings = settings;
    this.#onRestart = options.onRestart ?? (() => undefined);
    this.#ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    this.#ready.catch(() => undefined);
    const processes = options.processes === 'auto' ? Math.max(1, availableParallelism() - 1) : options.processes;
    this.#seats = Array.from({ length: processes }, () => ({ child: new ScorerChild(settings), respawnMs: FIRST_RESPAWN_MS }));
    for (const seat of this.#seats) this.#seatChild(seat, seat.child);
  }

  /** Resolves with the first process that is ready; rejects with `ScorerRefused` where artefacts or encoders are wrong. */
  ready(): Promise<ScorerFacts> {
    return this.#ready;
  }

  /** Null until the first process was ready. */
  get facts(): ScorerFacts | null {
    return this.#facts;
  }

  get readyProcesses(): number {
    return this.#seats.filter(({ child }) => child.ready).length;
  }

  /** Tasks handed over and not answered yet. */
  get queued(): number {
    return this.#seats.reduce((sum, { child }) => sum + child.queued, 0);
  }

  /** Process ids, for operators and fault tests. */
  get processIds(): number[] {
    return this.#seats.flatMap(({ child }) => child.processId ?? []);
  }

  encode(request: EncodeRequest): Promise<QueryVectors> {
    return this.#run({ kind: 'encode', request }, isQueryVectors);
  }

  embed(request: EmbedRequest): Promise<EmbedReply> {
    return this.#run({ kind: 'embed', request }, (result): result is EmbedReply => typeof result === 'object' && 'vectors' in result);
  }

  /** Refuses at once what the queue could not finish before its deadline. */
  async rank(request: RankRequest): Promise<RankReply> {
    const remaining = request.deadline - Date.now();
    const queue = Math.min(...this.#seats.filter(({ child }) => child.ready).map(({ child }) => child.queued));
    // An idle scorer always gets its task: nothing else would bring the average down again after a stall.
    if (Number.isFinite(queue) && queue > 0 && (queue + 1) * this.#serviceMs > remaining) {
      throw new ScorerFailure('scorer_overloaded', `${queue} tasks wait and ${Math.round(remaining)} ms remain`);
    }
    this.#rehearsed = { ...request, history: [], queryText: null, explain: false, columns: false, inputs: false };
    const reply = await this.#run(rankTask(request), isRankReply);
    if (!request.explain) this.#serviceMs += SMOOTHING * (reply.stages.features + reply.stages.score - this.#serviceMs);
    return reply;
  }

  /** How like products are: [M·M] row-major, 0–1. */
  compare(request: CompareRequest): Promise<Float32Array> {
    return this.#run({ kind: 'compare', request }, (result): result is Float32Array => result instanceof Float32Array);
  }

  /** Every process reads the index once, now or when it is ready. Resolves with the most rows that a process kept. */
  async warm(request: WarmRequest): Promise<number> {
    this.#remember(request);
    const counts = await Promise.all(this.#seats.filter(({ child }) => child.ready).map(({ child }) => child.warm(request)));
    return Math.max(0, ...counts);
  }

  /**
   * Puts a process with other settings into every seat, one after the other. Each is opened and has read ahead what the others hold
   * before the old one gets its last task, so no search waits and none is refused; memory is that of one process more meanwhile.
   *
   * @param alsoWarm what the new ones read ahead beside, told what they say of themselves
   * @throws ScorerRefused, ScorerFailure where the first of them cannot be opened: then nothing has changed
   */
  replace(settings: ScorerSettings, alsoWarm: (facts: ScorerFacts) => WarmRequest | null = () => null): Promise<ScorerFacts> {
    const replaced = this.#replacing.then(() => this.#replaceSeats(settings, alsoWarm));
    this.#replacing = replaced.catch(() => undefined);
    return replaced;
  }

  /** True from the moment it is told to close. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Lets every process finish its task and go. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#seats.map(({ child }) => child), ...this.#standing].map((child) => child.close()));
  }

  #remember(request: WarmRequest): void {
    this.#warmed.set(request.what === 'items' ? request.index : '', request);
  }

  async #replaceSeats(settings: ScorerSettings, alsoWarm: (facts: ScorerFacts) => WarmRequest | null): Promise<ScorerFacts> {
    const facts = await this.#replaceSeat(this.#seats[0], settings, alsoWarm);
    for (const seat of this.#seats.slice(1)) {
      try {
        await this.#replaceSeat(seat, settings, alsoWarm);
      } catch {
        // What one process could open the others can, soon: this one comes in by the way of a process that died.
        const old = seat.child;
        this.#seatChild(seat, new ScorerChild(settings));
        this.#dismiss(old);
      }
    }
    return facts;
  }

  async #replaceSeat(
    seat: Seat | undefined,
    settings: ScorerSettings,
    alsoWarm: (facts: ScorerFacts) => WarmRequest | null,
  ): Promise<ScorerFacts> {
    if (!seat || this.#closed) throw new ScorerFailure('scorer_unavailable', 'the scorer processes are closed');
    const child = new ScorerChild(settings);
    this.#standing.add(child);
    try {
      const facts = await child.opened;
      const beside = alsoWarm(facts);
      if (beside) this.#remember(beside);
      // What it could not read now it fetches when a search misses it.
      for (const request of this.#warmed.values()) await child.warm(request).catch(() => undefined);
      await this.#rehearse(child);
      if (!child.ready) throw new ScorerFailure('scorer_unavailable', 'the new scorer process ended while it read ahead');
      this.#settings = settings;
      this.#facts = facts;
      const old = seat.child;
      this.#seatChild(seat, child);
      this.#dismiss(old);
      return facts;
    } catch (error) {
      await child.close();
      throw error;
    } finally {
      this.#standing.delete(child);
    }
  }

  /** What it could not do now shows when a search comes. */
  async #rehearse(child: ScorerChild): Promise<void> {
    const last = this.#rehearsed;
    if (last === null) return;
    const history = last.candidates.map(({ id }) => ({ objectId: id, action: 'click', ageSeconds: 60, runningSession: false }));
    for (let time = 0; time < REHEARSALS; time += 1) {
      await child
        .run({ kind: 'encode', request: { head: null, text: `warm up ${time}`, image: null } }, isQueryVectors)
        .catch(() => undefined);
      await child.run(rankTask({ ...last, history, deadline: Date.now() + REHEARSAL_MS }), isRankReply).catch(() => undefined);
    }
  }

  #dismiss(child: ScorerChild): void {
    this.#standing.add(child);
    void child.ended.then(() => this.#standing.delete(child));
    child.dismiss();
  }

  /** Gives a process a seat, and the seat to another one when it ends there. */
  #seatChild(seat: Seat, child: ScorerChild): void {
    seat.child = child;
    const isNew = !child.ready;
    child.opened.then(
      (facts) => {
        seat.respawnMs = FIRST_RESPAWN_MS;
        this.#facts = facts;
        this.#settleReady?.resolve(facts);
        // What a process could not read now it fetches when a search misses it.
        if (isNew) for (const request of this.#warmed.values()) child.warm(request).catch(() => undefined);
      },
      (error: unknown) => {
        if (!(error instanceof ScorerRefused)) return;
        this.#refused = this.#facts === null; // the same artefacts would be refused again
        this.#settleReady?.reject(error);
      },
    );
    void child.ended.then((cause) => {
      if (seat.child === child) this.#lose(seat, cause);
    });
  }

  #run<T extends ScorerResult>(task: ScorerTask, is: (result: ScorerResult) => result is T): Promise<T> {
    const seat = this.#seats
      .filter(({ child }) => child.ready)
      .reduce<Seat | null>((best, each) => (!best || each.child.queued < best.child.queued ? each : best), null);
    if (!seat) return Promise.reject(new ScorerFailure('scorer_unavailable', 'no scorer process is ready'));
    return seat.child.run(task, is);
  }

  #lose(seat: Seat, cause: string): void {
    if (this.#closed || this.#refused) return;
    if (this.#facts === null && ++this.#earlyDeaths > EARLY_DEATHS) {
      this.#settleReady?.reject(new ScorerRefused(`the scorer process ends before it is ready (${cause}); its standard error says why`));
      return;
    }
    this.#onRestart(cause);
    const { child } = seat;
    const again = setTimeout(() => {
      if (!this.#closed && seat.child === child) this.#seatChild(seat, new ScorerChild(this.#settings));
    }, seat.respawnMs);
    again.unref();
    seat.respawnMs = Math.min(LAST_RESPAWN_MS, seat.respawnMs * 2);
  }
}

function rankTask(request: RankRequest): ScorerTask {
  return { kind: 'rank', request: { ...request, candidates: packCandidates(request.candidates) } };
}

function isRankReply(result: ScorerResult): result is RankReply {
  return typeof result === 'object' && 'scores' in result;
}

function isQueryVectors(result: ScorerResult): result is QueryVectors {
  return typeof result === 'object' && 'head' in result;
}
