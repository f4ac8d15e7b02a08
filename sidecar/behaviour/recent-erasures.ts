/** Whether a name is of somebody who was erased. */
export type IsErased = (name: string) => boolean;

/** Longer than a search or a read of the index lasts. */
const KEPT_MS = 120_000;

/**
 * Who was erased just now: what a search or a read that began before had gathered of them is not to be kept or shown when it
 * ends after. Shared by all that remember users.
 */
export class RecentErasures {
  #recent: { isErased: IsErased; at: number }[] = [];

  add(isErased: IsErased): void {
    const now = performance.now();
    this.#recent = [...this.#recent.filter(({ at }) => now - at < KEPT_MS), { isErased, at: now }];
  }

  /** @param startedAt `performance.now()` at the time when the work began whose result is looked at */
  coverSince(names: readonly string[], startedAt: number): boolean {
    // Almost always there is none at all.
    return this.#recent.some(({ isErased, at }) => at >= startedAt && names.some(isErased));
  }
}
