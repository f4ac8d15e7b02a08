import { z } from 'zod';
import type { StoredIndex } from './stored-index.js';

/** An index that refreshes itself this often needs no help. */
const PROMPT_MS = 1_000;
/** Refreshes of ours are so far apart at least. */
const APART_MS = 1_000;
/** How long what was read of the settings counts; others may change them. */
const SETTINGS_MS = 60_000;

const settingsAnswer = z.record(
  z.string(),
  z.object({ settings: z.record(z.string(), z.unknown()).default({}), defaults: z.record(z.string(), z.unknown()).default({}) }),
);
const INTERVAL = 'index.refresh_interval';

/**
 * Makes what was written seen by every instance's searches within about a second, also in an index that refreshes itself
 * seldom or never, as careful clusters have them: it is then refreshed by us, at most once a second and instance, after
 * something was written. An index that is quick by itself costs a look at its settings once a minute of writing.
 */
export class PromptRefresh {
  readonly #index: StoredIndex;
  readonly #onTrouble: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #lastAt = -Infinity;
  #slow: { value: boolean; readAt: number } | null = null;

  constructor(index: StoredIndex, onTrouble: (error: unknown) => void) {
    this.#index = index;
    this.#onTrouble = onTrouble;
  }

  /** To be called after a write; returns at once. */
  written(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => void this.settle(), Math.max(0, this.#lastAt + APART_MS - performance.now())).unref();
  }

  /** Does now what is due. Never rejects. */
  async settle(): Promise<void> {
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#lastAt = performance.now();
      const before = this.#running;
      this.#running = (async () => {
        await before;
        if (await this.#isSlow()) await this.#index.refresh();
      })().catch(this.#onTrouble);
    }
    await this.#running;
  }

  async #isSlow(): Promise<boolean> {
    if (this.#slow && performance.now() - this.#slow.readAt < SETTINGS_MS) return this.#slow.value;
    const answer = await this.#index.send('GET', `/_settings/${INTERVAL}?include_defaults=true&flat_settings=true`);
    // An account that may not look refreshes: the worst of it is work, the worst of the other a click that does not count.
    const value = answer.status !== 200 || isSlow(JSON.parse(answer.text));
    this.#slow = { value, readAt: performance.now() };
    return value;
  }
}

function isSlow(answer: unknown): boolean {
  return Object.values(settingsAnswer.parse(answer)).some(({ settings, defaults }) => {
    const milliseconds = readInterval(settings[INTERVAL] ?? defaults[INTERVAL] ?? '1s');
    return milliseconds === null || milliseconds > PROMPT_MS;
  });
}

/** `30s` → 30000; null for never, and for what is not understood. */
function readInterval(value: unknown): number | null {
  const match = /^(\d+(?:\.\d+)?)(nanos|micros|ms|s|m|h|d)$/.exec(String(value));
  if (!match) return null;
  const unit = { nanos: 1e-6, micros: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 'ms'] ?? 1;
  return Number(match[1]) * unit;
}
