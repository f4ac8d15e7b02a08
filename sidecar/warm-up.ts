import type { Logger } from './http/log.js';

/** What is not warm after this is warmed by the first shoppers: a catalogue may take minutes to read, and a fleet can not wait for it. */
const PATIENCE_MS = 30_000;

/** What is read and run ahead of the first search. It is over, once and for all, when all of it is done or patience has run out. */
export class WarmUp {
  readonly #log: Logger;
  readonly #patienceMs: number;
  #startedAt = 0;
  #patience: NodeJS.Timeout | null = null;
  #underWay = 0;
  #over = false;

  constructor(options: { log: Logger; patienceMs?: number }) {
    this.#log = options.log;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Waits for a part, which may bring further ones until it settles. Whoever began it tells of its failure. Patience counts from the first. */
  include(part: Promise<unknown>): void {
    if (this.#over) return;
    if (this.#patience === null) {
      this.#startedAt = performance.now();
      this.#patience = setTimeout(() => this.#giveUp(), this.#patienceMs);
      this.#patience.unref();
    }
    this.#underWay += 1;
    void part
      .catch(() => undefined)
      .then(() => {
        this.#underWay -= 1;
        if (this.#underWay === 0) this.#finish();
      });
  }

  /** Nobody waits any longer: the house closes. */
  close(): void {
    if (this.#patience) clearTimeout(this.#patience);
    this.#over = true;
  }

  #finish(): void {
    if (this.#over) return;
    this.close();
    this.#log.info({ ms: Math.round(performance.now() - this.#startedAt) }, 'warm, and ready for searches');
  }

  #giveUp(): void {
    this.close();
    const ms = this.#patienceMs;
    this.#log.warn({ ms, parts: this.#underWay }, 'ready before everything is warm; the first searches may keep the engine’s order');
  }
}
