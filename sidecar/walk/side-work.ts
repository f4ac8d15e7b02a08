const ENDED = new Error('the search has ended');

/**
 * What a search does beside its client's own request, with a signal that follows the client's. Not `AbortSignal.any`: that refers to its
 * signals weakly, which collections of young objects take for a hold, and all that the search had read would live until the next full one.
 */
export class SideWork {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal;
  readonly #follow = (): void => this.#controller.abort(this.#client.reason);

  constructor(client: AbortSignal) {
    this.#client = client;
    if (client.aborted) this.#follow();
    else client.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Stops what is still running; nobody waits for it any more. */
  end(): void {
    this.#client.removeEventListener('abort', this.#follow);
    this.#controller.abort(ENDED);
  }
}
