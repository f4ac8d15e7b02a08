import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { packCandidates } from './scoring/packed-candidates.js';
import {
  ScorerFailure,
  ScorerRefused,
  type EmbedReply,
  type EmbedRequest,
  type EncodeRequest,
  type FromScorer,
  type QueryVectors,
  type RankReply,
  type RankRequest,
  type ScorerFacts,
  type ScorerResult,
  type ScorerSettings,
  type ScorerTask,
  type ToScorer,
  type WarmRequest,
} from './scoring/scorer-tasks.js';

export { ScorerFailure, ScorerRefused } from './scoring/scorer-tasks.js';
export type { QueryVectors, RankReply, RankRequest } from './scoring/scorer-tasks.js';

/** A task unanswered for so long hangs its process. */
const HUNG_MS = 10_000;
/** A warm-up reads a whole index. */
const HUNG_WARM_MS = 30 * 60_000;
const FIRST_RESPAWN_MS = 100;
const LAST_RESPAWN_MS = 5_000;
/** A process that dies so often before the first was ever ready will not get better. */
const EARLY_DEATHS = 3;
/** Weight of the newest service time in the moving average. */
const SMOOTHING = 0.1;

interface Waiting {
  readonly resolve: (result: ScorerResult) => void;
  readonly reject: (error: Error) => void;
  readonly hung: NodeJS.Timeout;
}

interface Seat {
  child: ChildProcess | null;
  ready: boolean;
  respawnMs: number;
  readonly waiting: Map<number, Waiting>;
}

/**
 * The scorer processes: inference blocks its thread and a native crash takes its process along, so neither happens in the
 * process that holds the shoppers' sockets. A dead scorer fails its tasks at once and is started again with back-off.
 */
export class ScorerPool {
  readonly #settings: ScorerSettings;
  readonly #seats: Seat[];
  readonly #onRestart: (cause: string) => void;
  readonly #ready: Promise<ScorerFacts>;
  #settleReady: { resolve: (facts: ScorerFacts) => void; reject: (error: Error) => void } | null = null;
  #facts: ScorerFacts | null = null;
  #nextId = 1;
  #serviceMs = 3;
  #closed = false;
  #refused = false;
  #earlyDeaths = 0;
  /** Indices that every process reads, also one that is started again; of the statistics the last version. */
  readonly #warmed = new Map<string, WarmRequest>();

  constructor(settings: ScorerSettings, options: { processes: number | 'auto'; onRestart?: (cause: string) => void }) {
    this.#settings = settings;
    this.#onRestart = options.onRestart ?? (() => undefined);
    this.#ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    this.#ready.catch(() => undefined);
    const processes = options.processes === 'auto' ? Math.max(1, availableParallelism() - 1) : options.processes;
    this.#seats = Array.from({ length: processes }, () => ({ child: null, ready: false, respawnMs: FIRST_RESPAWN_MS, waiting: new Map() }));
    for (const seat of this.#seats) this.#spawn(seat);
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
    return this.#seats.filter((seat) => seat.ready).length;
  }

  /** Tasks handed over and not answered yet. */
  get queued(): number {
    return this.#seats.reduce((sum, seat) => sum + seat.waiting.size, 0);
  }

  /** Process ids, for operators and fault tests. */
  get processIds(): number[] {
    return this.#seats.flatMap((seat) => seat.child?.pid ?? []);
  }

  encode(request: EncodeRequest): Promise<QueryVectors> {
    return this.#run({ kind: 'encode', request }, (result): result is QueryVectors => typeof result === 'object' && 'head' in result);
  }

  embed(request: EmbedRequest): Promise<EmbedReply> {
    return this.#run({ kind: 'embed', request }, (result): result is EmbedReply => typeof result === 'object' && 'vectors' in result);
  }

  /** Refuses at once what the queue could not finish before its deadline. */
  async rank(request: RankRequest): Promise<RankReply> {
    const remaining = request.deadline - Date.now();
    const queue = Math.min(...this.#seats.filter((seat) => seat.ready).map((seat) => seat.waiting.size));
    // An idle scorer always gets its task: nothing else would bring the average down again after a stall.
    if (Number.isFinite(queue) && queue > 0 && (queue + 1) * this.#serviceMs > remaining) {
      throw new ScorerFailure('scorer_overloaded', `${queue} tasks wait and ${Math.round(remaining)} ms remain`);
    }
    const reply = await this.#run(
      { kind: 'rank', request: { ...request, candidates: packCandidates(request.candidates) } },
      (result): result is RankReply => typeof result === 'object' && 'scores' in result,
    );
    if (!request.explain) this.#serviceMs += SMOOTHING * (reply.stages.features + reply.stages.score - this.#serviceMs);
    return reply;
  }

  /** Every process reads the index once, now or when it is ready. Resolves with the most rows that a process kept. */
  async warm(request: WarmRequest): Promise<number> {
    this.#warmed.set(request.what === 'items' ? request.index : '', request);
    const counts = await Promise.all(this.#seats.filter(({ ready }) => ready).map((seat) => this.#warmSeat(seat, request)));
    return Math.max(0, ...counts);
  }

  #warmSeat(seat: Seat, request: WarmRequest): Promise<number> {
    return this.#runOn(seat, { kind: 'warm', request }, (result): result is number => typeof result === 'number');
  }

  /** True from the moment it is told to close. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Lets every process finish its task and go. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      this.#seats.map(async ({ child }) => {
        if (!child || child.exitCode !== null) return;
        const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.disconnect();
        const kill = setTimeout(() => child.kill('SIGKILL'), 2_000);
        await gone;
        clearTimeout(kill);
      }),
    );
  }

  async #run<T extends ScorerResult>(task: ScorerTask, is: (result: ScorerResult) => result is T): Promise<T> {
    const seat = this.#seats
      .filter(({ ready }) => ready)
      .reduce<Seat | null>((best, each) => (!best || each.waiting.size < best.waiting.size ? each : best), null);
    if (!seat) throw new ScorerFailure('scorer_unavailable', 'no scorer process is ready');
    return this.#runOn(seat, task, is);
  }

  #runOn<T extends ScorerResult>(seat: Seat, task: ScorerTask, is: (result: ScorerResult) => result is T): Promise<T> {
    const { child } = seat;
    if (!child || !seat.ready) return Promise.reject(new ScorerFailure('scorer_unavailable', 'the scorer process is not ready'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const hung = setTimeout(() => child.kill('SIGKILL'), task.kind === 'warm' ? HUNG_WARM_MS : HUNG_MS);
      seat.waiting.set(id, {
        resolve: (result) =>
          is(result) ? resolve(result) : reject(new ScorerFailure('scorer_failed', `unexpected result of ${task.kind}`)),
        reject,
        hung,
      });
      child.send({ ...task, id } satisfies ToScorer, (error) => {
        if (error) this.#settle(seat, id)?.reject(new ScorerFailure('scorer_unavailable', error.message));
      });
    });
  }

  #settle(seat: Seat, id: number): Waiting | undefined {
    const waiting = seat.waiting.get(id);
    if (waiting) clearTimeout(waiting.hung);
    seat.waiting.delete(id);
    return waiting;
  }

  #spawn(seat: Seat): void {
    const sibling = import.meta.url.endsWith('.ts') ? './scorer-process.ts' : './scorer-process.js';
    const child = fork(fileURLToPath(new URL(sibling, import.meta.url)), {
      serialization: 'advanced',
      execArgv: sibling.endsWith('.ts') ? ['--import', 'tsx'] : [],
      // The process is told to go by its channel; a Ctrl-C in the terminal must not take it away mid-answer.
      detached: true,
    });
    seat.child = child;
    child.on('message', (message: FromScorer) => this.#receive(seat, message));
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => this.#lose(seat, signal ?? `exit ${code}`));
    child.send({ kind: 'open', settings: this.#settings } satisfies ToScorer);
  }

  #receive(seat: Seat, message: FromScorer): void {
    switch (message.kind) {
      case 'ready':
        seat.ready = true;
        seat.respawnMs = FIRST_RESPAWN_MS;
        this.#facts = message.facts;
        this.#settleReady?.resolve(message.facts);
        // What a process could not read now it fetches when a search misses it.
        for (const request of this.#warmed.values()) this.#warmSeat(seat, request).catch(() => undefined);
        return;
      case 'refused':
        this.#refused = true; // the same artefacts would be refused again
        this.#settleReady?.reject(new ScorerRefused(message.message));
        return;
      case 'done':
        this.#settle(seat, message.id)?.resolve(message.result);
        return;
      case 'failed':
        this.#settle(seat, message.id)?.reject(new ScorerFailure(message.name, message.message));
        return;
    }
  }

  #lose(seat: Seat, cause: string): void {
    seat.ready = false;
    seat.child = null;
    for (const id of [...seat.waiting.keys()]) {
      this.#settle(seat, id)?.reject(new ScorerFailure('scorer_unavailable', `the scorer process ended (${cause})`));
    }
    if (this.#closed || this.#refused) return;
    if (this.#facts === null && ++this.#earlyDeaths > EARLY_DEATHS) {
      this.#settleReady?.reject(new ScorerRefused(`the scorer process ends before it is ready (${cause}); its standard error says why`));
      return;
    }
    this.#onRestart(cause);
    const again = setTimeout(() => {
      if (!this.#closed) this.#spawn(seat);
    }, seat.respawnMs);
    again.unref();
    seat.respawnMs = Math.min(LAST_RESPAWN_MS, seat.respawnMs * 2);
  }
}
