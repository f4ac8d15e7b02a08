import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  ScorerFailure,
  ScorerRefused,
  type FromScorer,
  type ScorerFacts,
  type ScorerResult,
  type ScorerSettings,
  type ScorerTask,
  type ToScorer,
  type WarmRequest,
} from './scorer-tasks.js';

/** A task unanswered for so long hangs its process. */
const HUNG_MS = 10_000;
/** A warm-up reads a whole index. */
const HUNG_WARM_MS = 30 * 60_000;
/** A process that was told to go is given so long. */
const GOING_MS = 2_000;

interface Waiting {
  readonly kind: ScorerTask['kind'];
  readonly resolve: (result: ScorerResult) => void;
  readonly reject: (error: Error) => void;
  readonly hung: NodeJS.Timeout;
}

/** One scorer process, from its start to its end. */
export class ScorerChild {
  /** What it says of itself when it is ready; rejects with ScorerRefused, or with ScorerFailure where it ended before. */
  readonly opened: Promise<ScorerFacts>;
  /** Resolves with the cause of its end. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ready = false;
  #gone = false;
  #dismissed = false;

  constructor(settings: ScorerSettings) {
    const sibling = import.meta.url.endsWith('.ts') ? '../scorer-process.ts' : '../scorer-process.js';
    const child = fork(fileURLToPath(new URL(sibling, import.meta.url)), {
      serialization: 'advanced',
      execArgv: sibling.endsWith('.ts') ? ['--import', 'tsx'] : [],
      // The process is told to go by its channel; a Ctrl-C in the terminal must not take it away mid-answer.
      detached: true,
    });
    this.#child = child;
    child.on('error', () => undefined);
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(this.#lose(signal ?? `exit ${code}`))));
    this.opened = new Promise((resolve, reject) => {
      child.on('message', (message: FromScorer) => this.#receive(message, { resolve, reject }));
      void this.ended.then((cause) => reject(new ScorerFailure('scorer_unavailable', `the scorer process ended (${cause})`)));
    });
    this.opened.catch(() => undefined);
    child.send({ kind: 'open', settings } satisfies ToScorer);
  }

  get ready(): boolean {
    return this.#ready && !this.#gone && !this.#dismissed;
  }

  /** Null when it has ended. */
  get processId(): number | null {
    return this.#gone ? null : (this.#child.pid ?? null);
  }

  /** Tasks handed over and not answered yet. */
  get queued(): number {
    return this.#waiting.size;
  }

  run<T extends ScorerResult>(task: ScorerTask, is: (result: ScorerResult) => result is T): Promise<T> {
    if (!this.ready) return Promise.reject(new ScorerFailure('scorer_unavailable', 'the scorer process is not ready'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const hung = setTimeout(() => this.#child.kill('SIGKILL'), task.kind === 'warm' ? HUNG_WARM_MS : HUNG_MS);
      this.#waiting.set(id, {
        kind: task.kind,
        resolve: (result) =>
          is(result) ? resolve(result) : reject(new ScorerFailure('scorer_failed', `unexpected result of ${task.kind}`)),
        reject,
        hung,
      });
      this.#child.send({ ...task, id } satisfies ToScorer, (error) => {
        if (error) this.#settle(id)?.reject(new ScorerFailure('scorer_unavailable', error.message));
      });
    });
  }

  /** Reads an index ahead; gives the rows kept. */
  warm(request: WarmRequest): Promise<number> {
    return this.run({ kind: 'warm', request }, (result): result is number => typeof result === 'number');
  }

  /** Takes no more tasks, and goes when those it has are answered; what it reads ahead nobody needs any more. */
  dismiss(): void {
    this.#dismissed = true;
    for (const [id, { kind }] of [...this.#waiting]) if (kind === 'warm') this.#settle(id)?.resolve(0);
    this.#goIfIdle();
  }

  /** Lets it finish its task and go. */
  async close(): Promise<void> {
    this.#dismissed = true;
    if (this.#gone) return;
    if (this.#child.connected) this.#child.disconnect();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), GOING_MS);
    await this.ended;
    clearTimeout(kill);
  }

  #goIfIdle(): void {
    if (this.#dismissed && this.#waiting.size === 0) void this.close();
  }

  #receive(message: FromScorer, opening: { resolve: (facts: ScorerFacts) => void; reject: (error: Error) => void }): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        return opening.resolve(message.facts);
      case 'refused':
        return opening.reject(new ScorerRefused(message.message));
      case 'done':
        this.#settle(message.id)?.resolve(message.result);
        return this.#goIfIdle();
      case 'failed':
        this.#settle(message.id)?.reject(new ScorerFailure(message.name, message.message));
        return this.#goIfIdle();
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting) clearTimeout(waiting.hung);
    this.#waiting.delete(id);
    return waiting;
  }

  #lose(cause: string): string {
    this.#gone = true;
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id)?.reject(new ScorerFailure('scorer_unavailable', `the scorer process ended (${cause})`));
    }
    return cause;
  }
}
