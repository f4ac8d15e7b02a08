/** Parts of the walk whose time is told apart; `items`, `features` and `score` are parts of `rank`, in the scorer. */
export type StageName =
  | 'client'
  | 'render'
  | 'first_phase'
  | 'text_leg'
  | 'image_leg'
  | 'pinned_leg'
  | 'lexical_leg'
  | 'history'
  | 'encode'
  | 'rank'
  | 'items'
  | 'features'
  | 'score'
  | 'compare'
  | 'bodies'
  | 'tail';

/**
 * Where the time of one search goes. `engine` is the union of the intervals in which at least one request of this search
 * to the engine is open; the rest of the total is ours. Milliseconds.
 */
export class SearchClock {
  readonly #started = performance.now();
  readonly #stages = new Map<StageName, number>();
  readonly #whole: SearchClock | null;
  #open = 0;
  #openSince = 0;
  #engineMs = 0;

  /** @param whole the clock of the call that this search is a part of: it is told when a request is open, not of stages */
  constructor(whole: SearchClock | null = null) {
    this.#whole = whole;
  }

  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  get engineMs(): number {
    return this.#engineMs + (this.#open > 0 ? performance.now() - this.#openSince : 0);
  }

  /** Runs a request to the engine and counts the time in which it is open. */
  async duringEngine<T>(request: () => Promise<T>): Promise<T> {
    return this.#whole === null ? this.#whileOpen(request) : this.#whole.duringEngine(() => this.#whileOpen(request));
  }

  async #whileOpen<T>(request: () => Promise<T>): Promise<T> {
    if (this.#open++ === 0) this.#openSince = performance.now();
    try {
      return await request();
    } finally {
      if (--this.#open === 0) this.#engineMs += performance.now() - this.#openSince;
    }
  }

  /** Runs a stage and adds its time under its name. */
  async stage<T>(name: StageName, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.add(name, performance.now() - started);
    }
  }

  add(name: StageName, milliseconds: number): void {
    this.#stages.set(name, (this.#stages.get(name) ?? 0) + milliseconds);
  }

  get stages(): ReadonlyMap<StageName, number> {
    return this.#stages;
  }

  /** As the `Server-Timing` header writes it. */
  serverTiming(): string {
    const total = this.elapsedMs;
    const engine = this.engineMs;
    const entries: [string, number][] = [...this.#stages, ['engine', engine], ['ours', total - engine], ['total', total]];
    return entries.map(([name, milliseconds]) => `${name};dur=${milliseconds.toFixed(2)}`).join(', ');
  }
}
