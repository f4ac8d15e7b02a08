import { errors, type Dispatcher } from 'undici';
import { dropHopHeaders, type Headers } from './hop-headers.js';

type OnHead = NonNullable<Dispatcher.DispatchHandler['onResponseStart']>;
type Answer = { status: number; headers: Headers; body: Buffer };
type Settle = { resolve: (answer: Answer) => void; reject: (error: unknown) => void };

/** The answer had begun when its connection was lost: asking again could not be told from asking twice. */
class AnswerBrokeOff extends Error {
  override readonly name = 'AnswerBrokeOff';
  constructor(cause: Error) {
    super('the answer broke off', { cause });
  }
}

/**
 * Gathers one answer's bytes straight from undici's dispatcher: no stream in between, one copy at most.
 * `answer` rejects with the signal's reason when aborted, with {@link AnswerBrokeOff} after its head, else with undici's error.
 */
export class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;

  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  readonly #settle: Settle;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#abort();

  constructor(signal?: AbortSignal) {
    let settle: Settle | undefined;
    this.answer = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    if (settle === undefined) throw new Error('a promise runs its executor at once');
    this.#settle = settle;
    this.#signal = signal;
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a free socket.
    if (this.#signal?.aborted) this.#abort();
  }

  onResponseStart(...[, status, headers]: Parameters<OnHead>): void {
    if (status < 200) return; // informational; the answer proper is still to come
    this.#status = status;
    this.#headers = dropHopHeaders(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const [only, ...more] = this.#chunks;
    const body = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#chunks);
    this.#settle.resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#settle.reject(this.#status === 0 ? error : new AnswerBrokeOff(error));
  }

  #abort(): void {
    const reason: unknown = this.#signal?.reason;
    this.#settle.reject(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new errors.RequestAbortedError());
  }
}
